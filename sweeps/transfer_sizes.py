"""How low does the test error get with 100, 300, 500, 700 and 900 training images, and after how many epochs?

    python sweeps/transfer_sizes.py                                   # ResNet50 and VGG19 → MNIST, downloads both
    python sweeps/transfer_sizes.py --set backbone=squeezenet1_1      # any torchvision classifier
    python sweeps/transfer_sizes.py --builtin                         # no download: drawn letters → digits

A network that was pre-trained on ImageNet is frozen, except for a new output layer, which is trained with cross-entropy
on MNIST, scaled to 224×224. Learning rate, epochs, weight decay and batch size are searched for each backbone and size,
with a learning rate that falls to 0. The prescribed config is the same at every size (AdamW with a constant 1e-3,
batches of 32, 50 epochs), so that the sizes compare at one training: it is a row of its own.

Found: SqueezeNet 1.1 on MNIST has a test error of 12.20 % [11.16, 13.32] with 100 images and 3.65 % [3.36, 3.97] with
900 (n = 10, for new images); paired by seed, it falls with each step between. Validation is within 0.1 point of its
best after 13 to 27 of 20 or 50 epochs. ResNet50 and VGG19 have been run with random weights only.
docs/results/transfer_sizes.md has the table, data, hardware and cost.
"""

from sweeps.engine import Sweep, choice, loguniform, main
from trainables.transfer_sizes import TransferSizes

SWEEP = Sweep(
    TransferSizes,
    factors={"backbone": ["resnet50", "vgg19"], "train_size": [100, 300, 500, 700, 900]},
    space={
        "lr": loguniform(1e-4, 1e-1),
        "epochs": choice([20, 50, 100]),
        "weight_decay": loguniform(1e-4, 1),
        "batch_size": choice([16, 32, 64]),
        "schedule": choice(["cosine"]),  # the prescribed config alone has another
    },
    fixed={"data": "mnist"},
    prescribed={"lr": 1e-3, "epochs": 50, "weight_decay": 0.01, "batch_size": 32, "schedule": "constant"},
    builtin={"backbone": ["letters_cnn"], "data": "digits"},
    seeds=10,  # only a head is trained, on features that are there
    builtin_seeds=5,  # each needs a network of its own, which is pre-trained on letters
)

if __name__ == "__main__":
    main(SWEEP)
