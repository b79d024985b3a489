"""How small can a network be and still pass 85 % test accuracy on CIFAR-10?

    python sweeps/tiny_cifar.py --gpus 1 --trials-per-gpu auto    # CIFAR-10, downloads it; work for a GPU
    python sweeps/tiny_cifar.py --search pareto --samples 32      # one model for all budgets: accuracy, parameters
    python sweeps/tiny_cifar.py --scheduler asha                  # stops weak configs early
    python sweeps/tiny_cifar.py --builtin                         # no download: drawn textures

Budgets of trainable parameters are compared; weights, biases and normalisation all count. Within each, a family of
architectures, each as wide as its budget allows, is searched together with its training. Budgets are tested from large
to small, up to the first whose lower 95 % bound is not above 85 %. The prescribed config, a plain network made by hand,
is a row of its own; variants of it, near 22,000 parameters, say what schedule, augmentation, averaging, blocks and
depth bring.

Found: the prescribed config passes with 33,940 parameters (85.82 % [85.68, 85.95], n = 3) and not with 19,580 (83.02 %
[81.94, 84.06]). A config near the best of a small search has 83.34 % [83.13, 83.54] with 21,358 parameters: it does not
pass either. No search has been run to its end, and none on a GPU.
docs/results/tiny_cifar.md has the table, data, hardware and cost.
"""

from sweeps.engine import Sweep, Variants, choice, loguniform, main
from trainables.tiny_cifar import TinyCifar

SWEEP = Sweep(
    TinyCifar,
    factors={"budget": [5_000, 10_000, 15_000, 22_000, 35_000, 50_000]},
    space={
        "block": choice(["residual", "separable", "inverted"]),
        "depths": choice(["1-1", "2-2", "3-3", "1-1-1", "2-2-2"]),
        "growth": choice([1.0, 1.5, 1.667, 2.0]),
        "stem": choice(["half", "full"]),
        "attention": choice([False, True]),
        "head": choice(["mean", "mean+max"]),
        "lr": loguniform(0.05, 1.0),
        "weight_decay": loguniform(1e-5, 1e-3),
        "epochs": choice([100, 200]),
        "label_smoothing": choice([0.0, 0.1]),
        "mix": choice(["none", "mixup", "cutmix"]),
        "shift": choice([2, 4]),
        "cutout": choice([0, 8]),
        "ema": choice([0.0, 0.99, 0.999]),
        "schedule": choice(["one-cycle"]),  # variants of the prescribed config alone have others
        "mirror": choice([True]),
    },
    fixed={"data": "cifar10", "batch_size": 128},
    prescribed={
        "block": "residual",
        "depths": "1-1",
        "growth": 1.667,
        "stem": "half",
        "attention": False,
        "head": "mean",
        "lr": 0.4,
        "weight_decay": 2e-4,
        "epochs": 75,
        "label_smoothing": 0.0,
        "mix": "none",
        "shift": 4,
        "cutout": 0,
        "ema": 0.99,
        "schedule": "one-cycle",
        "mirror": True,
    },
    variants=Variants(
        {
            "constant rate": {"schedule": "constant"},
            "no augmentation": {"mirror": False, "shift": 0},
            "no averaging": {"ema": 0.0},
            "separable blocks": {"block": "separable"},
            "two blocks a stage": {"depths": "2-2"},
            "three stages": {"depths": "1-1-1"},
        },
        at={"budget": 22_000},
    ),
    tradeoff="min parameters",
    report=["mirror_accuracy"],
    builtin={
        "data": "textures10",
        "budget": [5_000, 15_000, 30_000],
        "block": choice(["residual"]),  # the others take three times as long on cores
        "depths": choice(["1-1", "2-2"]),
        "stem": choice(["half"]),
        "batch_size": 32,
        "epochs": choice([6]),
        "mix": choice(["none"]),
        "ema": choice([0.9]),
        "train_size": 3_000,
        "validation": 1_000,
    },
    smoke={"budget": [5_000], "train_size": 500, "depths": choice(["1-1"])},
    samples=4,
    search_seeds=2,
    finalists=2,
)

if __name__ == "__main__":
    main(SWEEP)
