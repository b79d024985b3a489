"""One network for two digit domains, or one for each: does sharing help or hurt, and with how many images?

python sweeps/digit_pair.py                                                    # MNIST and SVHN, downloads both
python sweeps/digit_pair.py --data mnist,mnist_photos                          # any two sets of the same classes
python sweeps/digit_pair.py --builtin                                          # handwritten digits, drawn house numbers
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
        "train_size": [100, 500],
        "width": choice([8, 16]),
        "validation": 300,
    },
    samples=4,
    search_seeds=2,
    finalists=2,
)

if __name__ == "__main__":
    main(SWEEP)
