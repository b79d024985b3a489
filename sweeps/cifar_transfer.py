"""What is best done with a network trained on CIFAR-100 and 100, 500, 1,000 or 10,000 images of CIFAR-10?

    python sweeps/cifar_transfer.py --gpus 1                       # VGG16, trained on CIFAR-100 first; downloads both
    python sweeps/cifar_transfer.py --set source_width=16          # narrower: on two cores, trained within an hour
    python sweeps/cifar_transfer.py --weights-dir DIR              # a network of yours: DIR/vgg_cifar100.pth
    python sweeps/cifar_transfer.py --set method=finetune,knn,own  # without the ablations of `own`
    python sweeps/cifar_transfer.py --builtin                      # no download: drawn textures, of other classes

A new last layer on the frozen network (`finetune`), k nearest neighbours in its embedding (`knn`), and a method of our
own (`own`, see `trainables.adaptation`), each at as many trials; `own_no_…` leaves an ingredient of `own` out. Samples
are drawn by `train_test_split(train_size=…, random_state=seed, stratify=y)`; seed 42 stands apart.

Found, CIFAR-100 (30,000 images; VGG16 of width 16, 30 epochs: 53.4 % of its 10,000 test images right) → CIFAR-10,
`--data cifar100.npz,cifar10 --set source_width=16 source_epochs=30 method=finetune,knn,own --samples 3 --seeds 3`; test
accuracy in %, mean and 95 % t interval over 3 fresh samples, all 10,000 test images, differences paired by seed:

    images   finetune               knn                    own                    own − finetune      own − knn
       100   49.22 [44.88, 53.57]   47.27 [43.48, 51.09]   56.90 [53.54, 60.21]   7.7 [6.1, 9.3]      9.6 [5.0, 14.2]
       500   55.24 [51.97, 58.48]   53.03 [51.03, 55.01]   63.77 [63.23, 64.32]   8.5 [5.2, 11.8]     10.7 [8.3, 13.2]
     1,000   57.85 [57.08, 58.63]   54.75 [51.94, 57.54]   65.68 [64.76, 66.59]   7.8 [6.2, 9.5]      10.9 [7.4, 14.5]
    10,000   61.61 [61.27, 61.95]   58.66 [58.28, 59.03]   68.18 [67.97, 68.39]   6.6 [6.1, 7.1]      9.5 [9.3, 9.7]

Seed 42: finetune 48.2, 54.0, 57.0, 61.6; knn 45.0, 51.1, 54.3, 59.1; own 54.8, 62.9, 64.5, 68.2. After `own` the
network reads 52.0, 52.4, 52.5, 52.7 % of CIFAR-100's test images. Over these three samples, so few that bias is
overstated, most of the error is bias (`own` 40.5 of 43.1 points with 100 images, 31.7 of 31.8 with 10,000). With 100
and 1,000 images `own` loses 5.0 and 3.1 points without the earlier stages, 0.6 (not shown) and 1.2 without tuning, and
with 100 images 3.3 without shrinkage; with 1,000 it gains 0.6 without shrinkage and 0.7 without averaging. Without
replay its accuracy is not shown to change, but CIFAR-100 falls to 46.8 and 24.7 %. With 3 configs of seven
hyperparameters `own` is hardly tuned.
All of it is conditional on one source network. That stages and ridge matter was first seen on 4,000 of these test
images, with an earlier source network; which stages and how much ridge is now searched like the rest, on validation.
Cost on two cores (AMD EPYC, bf16, no GPU): source network 12.5 minutes of one core, 18 with other work beside it; 108
trials, 8 minutes, and for the ablations with 100 and 1,000 images 90 more, 14, all beside other work.
"""

from sweeps.engine import Sweep, choice, integers, loguniform, main, uniform
from trainables.cifar_transfer import CifarTransfer

METHODS = ["finetune", "knn", "own"]
ABLATIONS = ["own_no_stages", "own_no_shrinkage", "own_no_tuning", "own_no_replay", "own_no_average"]

SWEEP = Sweep(
    CifarTransfer,
    factors={"method": [*METHODS, *ABLATIONS], "train_size": [100, 500, 1_000, 10_000]},
    space={
        "lr": loguniform(1e-3, 1e-1),
        "weight_decay": loguniform(1e-3, 1),
        "epochs": choice([20, 50, 100]),
        "k": integers(1, 50, log=True),
        "metric": choice(["euclidean", "cosine"]),
        "weighting": choice(["uniform", "distance"]),
        "first_stage": choice([2, 3, 4, 5]),
        "shrinkage": uniform(0, 1),
        "ridge": loguniform(0.01, 10),
        "tuning_steps": choice([100, 200, 300]),
        "tuning_lr": loguniform(1e-4, 3e-3),
        "layer_decay": uniform(0.5, 1),
        "blend": uniform(0.2, 0.8),
    },
    fixed={"source": "cifar100", "target": "cifar10", "source_width": 64, "source_epochs": 100},
    report=["source_accuracy"],
    builtin={
        "source": "textures100",
        "target": "textures10",
        "method": [*METHODS, "own_no_stages", "own_no_tuning"],
        "train_size": [100, 1_000],
        "source_width": 8,
        "source_epochs": 10,
        "tuning_steps": choice([20, 60]),
    },
    smoke={
        "source": "textures100[0-9]",
        "target": "textures10[0-4]",
        "train_size": [100],
        "validation": 500,
        "source_width": 4,
        "source_epochs": 1,
        "tuning_steps": choice([5]),
    },
    apart_seeds=(42,),
    samples=4,
    search_seeds=2,
    finalists=2,
)

if __name__ == "__main__":
    main(SWEEP)
