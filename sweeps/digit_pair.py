"""One network for two digit domains, or one for each: does sharing help or hurt, and with how many images?

    python sweeps/digit_pair.py                                 # MNIST and SVHN, downloads both
    python sweeps/digit_pair.py --data mnist,mnist_photos --set train_size=500,2000
    python sweeps/digit_pair.py --set train_size=500,all        # with all, each set is at its full size
    python sweeps/digit_pair.py --builtin                       # no download: handwritten digits, drawn house numbers

Each set has a network of its own; a third network shares its trunk between both and has a head for each. Learning rate,
width and the weights of the two losses are searched. The prescribed config (Adam with 1e-3, batches of 128, 20 epochs,
gray) is a row of its own. 59,000 images are all of MNIST beside validation.

Found, with MNIST and 783 + 300 of SVHN's digits: with 500 images of each, sharing lowers SVHN's test error by 5.9
points [3.0, 8.9] (n = 5) and is not shown to change MNIST's; with 100 it raises MNIST's by 2.8 [0.8, 4.9]. With MNIST's
digits over photographs, nothing is shown for the chosen configs.
docs/results/digit_pair.md has the tables, data, hardware and cost.
"""

from sweeps.engine import Sweep, choice, loguniform, main, uniform
from trainables.digit_pair import DigitPair

SWEEP = Sweep(
    DigitPair,
    factors={"regime": ["first", "second", "both"], "train_size": [100, 500, 2_000, 10_000, 59_000]},
    space={
        "lr": loguniform(3e-4, 1e-2),
        "width": choice([8, 16, 32]),
        "second_weight": uniform(0.2, 0.8),
    },
    fixed={"first": "mnist", "second": "svhn", "colour": "gray", "epochs": 20, "batch_size": 128},
    prescribed={"lr": 1e-3, "width": 16, "second_weight": 0.5, "epochs": 20, "batch_size": 128, "colour": "gray"},
    report=["first_accuracy", "second_accuracy"],
    builtin={
        "first": "digits",
        "second": "house_digits",
        "train_size": [100, 300],
        "width": choice([8, 16]),
        "validation": 300,
    },
    smoke={"train_size": [100]},
    samples=4,
    search_seeds=2,
    finalists=2,
)

if __name__ == "__main__":
    main(SWEEP)
