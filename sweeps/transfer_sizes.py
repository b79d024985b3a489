"""How low does the test error get with 100, 300, 500, 700 and 900 training images, and after how many epochs?"""

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
