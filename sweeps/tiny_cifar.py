"""How small can a network be and still pass 85 % test accuracy on CIFAR-10?

    python sweeps/tiny_cifar.py --gpus 1 --trials-per-gpu auto           # CIFAR-10, downloads it; days of CPU, so a GPU
    python sweeps/tiny_cifar.py --set budget=50000 epochs=90             # one budget
    python sweeps/tiny_cifar.py --search pareto --samples 32             # one model over all budgets
    python sweeps/tiny_cifar.py --scheduler asha                         # stops weak configs early
    python sweeps/tiny_cifar.py --builtin                                # no download: drawn textures

Found: TODO
Cost: TODO
"""

from sweeps.engine import Sweep, choice, loguniform, main
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
        "epochs": 100,
        "label_smoothing": 0.0,
        "mix": "none",
        "shift": 4,
        "cutout": 0,
        "ema": 0.99,
    },
    tradeoff="min parameters",
    report=["mirror_accuracy"],
    builtin={"data": "textures10", "budget": [5_000, 15_000, 50_000], "epochs": choice([6]), "train_size": 3_000},
    search_seeds=2,
    finalists=2,
)

if __name__ == "__main__":
    main(SWEEP)
