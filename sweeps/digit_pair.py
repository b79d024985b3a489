"""One network for two digit domains, or one for each: does sharing help or hurt, and with how many images?

    python sweeps/digit_pair.py                                 # MNIST and SVHN, downloads both
    python sweeps/digit_pair.py --data mnist,mnist_photos --set train_size=500,2000
    python sweeps/digit_pair.py --builtin                       # no download: handwritten digits, drawn house numbers

Each set has a network of its own, and both share one, with a head for each. The prescribed recipe (Adam 1e-3, batches
of 128, 20 epochs, gray) is a row by itself; learning rate, width and the weight of the two losses are searched. The
sheet's base CNN was not at hand: `nets.base_cnn` is a plain one. 59,000 images are all of MNIST beside validation.

Found, MNIST with the first 783 + 300 of SVHN's digits (an .npz, all that was at hand; 156 of the 783 validate, the rest
train; `--data mnist,svhn_small --set train_size=100,500`): test error in % with the chosen configs, mean and 95 % t
interval over 5 fresh seeds, differences paired by seed.

    images   set     alone                shared               shared − alone       read by the other's network
       100   MNIST   13.11 [11.41, 14.90] 15.94 [13.90, 18.09] +2.8 [+0.8, +4.9]    85.2
       100   SVHN    76.1 [70.5, 81.2]    78.1 [75.7, 80.5]    +2.1 [−4.1, +8.3]    81.5
       500   MNIST    4.82 [4.70, 4.94]    5.83 [4.73, 7.02]   +1.0 [−0.2, +2.2]    62.6
       500   SVHN    43.1 [40.3, 46.0]    37.2 [33.1, 41.4]    −5.9 [−8.9, −3.0]    80.1

With 500 images of each, sharing helps SVHN, but only as tuned: with the prescribed recipe it is not shown to. One
network's error on the 300 SVHN digits has a standard error of 2.9 points over images.

MNIST with `mnist_photos` over CIFAR-10 (no digit in both; 5,000 + 5,000 test images, 2 configs, widths 8 and 16): with
500 and with 2,000 images sharing is shown neither to help nor to hurt as tuned (MNIST 2.94 [2.64, 3.25] alone, 2.76
[2.55, 2.98] shared with 2,000; photos 15.00 [13.12, 16.98] and 13.82 [12.39, 15.31]); with the prescribed recipe it
helps the photos with 2,000 (−1.5 [−2.7, −0.3]). With 10,000 of each (prescribed recipe alone, width 16, 3 seeds) the
error is 1.48 [1.24, 1.77] on MNIST and 8.51 [8.14, 8.88] on photos alone; sharing adds 0.1 [−0.6, +0.9] and −0.2 [−2.1,
+1.7]. The photos' network reads MNIST with 5.1 % error then, MNIST's the photos with 60.
Beware: in as many epochs the shared network makes twice the steps, since half of each batch is the other set's.
Cost on two cores (AMD EPYC, bf16, no GPU, other work beside it): 92 trials, 11 minutes; with the photos 75 trials, 14,
and with 10,000 images 12 trials, 18.
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
