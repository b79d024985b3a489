"""How low does the test error get with 100, 300, 500, 700 and 900 training images, and after how many epochs?

    python sweeps/transfer_sizes.py                                   # ResNet50 and VGG19 → MNIST, downloads both
    python sweeps/transfer_sizes.py --set backbone=squeezenet1_1      # any torchvision classifier
    python sweeps/transfer_sizes.py --builtin                         # no download: drawn letters → digits

A network pre-trained on ImageNet, all frozen but a new output layer, which is trained with cross-entropy on MNIST
scaled to 224×224. Learning rate, epochs, weight decay and batch size are searched within each backbone and size.

Found, SqueezeNet 1.1 (real ImageNet weights) on real MNIST, 8 configs × 3 search seeds, then 5 fresh seeds, all
10,000 test images; mean and 95 % t interval over the seeds, at the last of 50 epochs:

    images   test error, %         lowest over the epochs (oracle), %   epochs to within 0.1 point of the best
       100   11.73 [10.69, 12.80]  11.68 [10.64, 12.77]                 31 (oracle 33)
       300    5.87 [5.34, 6.43]     5.80 [5.25, 6.38]                   26 (28)
       500    4.64 [4.22, 5.07]     4.52 [4.10, 4.97]                   25 (31)
       700    4.03 [3.63, 4.45]     3.99 [3.59, 4.42]                   32 (32)
       900    3.66 [3.46, 3.87]     3.63 [3.44, 3.82]                   36 (36)

In each step the error, paired by seed, falls on average. Choosing took 2,000 labels for validation beside those in the
first column.
Cost on two cores (AMD EPYC, bf16, no GPU): 145 trials, 83 s from command to answer, 37 s once features are cached. The
weights of ResNet50 and VGG19 were not at hand: their path has been run with random ones only.
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
    },
    fixed={"data": "mnist"},
    builtin={"backbone": ["letters_cnn"], "data": "digits"},
)

if __name__ == "__main__":
    main(SWEEP)
