"""Can one embedding hold two digit domains, so that the same digit is near whichever domain it comes from?

    python sweeps/joint_embedding.py                              # MNIST and SVHN, downloads both
    python sweeps/joint_embedding.py --data mnist,mnist_photos    # any two sets of the same classes
    python sweeps/joint_embedding.py --builtin                    # no download: handwritten digits, drawn house numbers

Triplet loss, anchor and positive of the same class from different domains; compared are ways to mine triplets, and
colour. `classifier` is the yardstick: cross-entropy on the same trunk. The notebooks that give the base CNN and the
triplets' details were not at hand: `nets.base_cnn` and `trainables.triplets` say what was chosen.

Found, 500 images each of MNIST and of the first 783 + 300 SVHN digits (all that was at hand), gray: 1-NN accuracy in %
on 10,000 + 300 test images, mean and 95 % t interval over 5 fresh seeds of the chosen configs (`--data mnist,svhn_small
--set train_size=500 validation=400`; the mean of both ways selects; chance is 10, within SVHN 11.7).

    mining       MNIST queries in SVHN    SVHN queries in MNIST    mean of both           within MNIST, SVHN
    random       71.5 [66.0, 76.8]        54.4 [51.5, 57.3]        63.0 [59.1, 66.8]      96.1, 50.7
    semi-hard    69.9                     52.3                     61.1 [58.3, 63.9]      94.3, 48.9
    hard         39.4                     33.9                     36.7 [32.6, 40.9]      94.8, 30.8
    classifier   64.4                     50.1                     57.2 [54.9, 59.6]      95.8, 50.4

Paired by seed, random mining is ahead of hard mining by 26.3 [22.1, 30.4] points, of its own in colour by 3.5 [0.4,
6.7], of the classifier's embedding by 5.7 [0.6, 10.9]; against semi-hard mining nothing is shown (1.9 [−1.2, 4.9]). The
classifier's head is still ahead of these neighbours where the gallery is in the other domain, by 23.0 points for MNIST
and 6.9 for SVHN. Hard mining stays where all distances are alike. One network's accuracy on the 300 SVHN digits has a
standard error of 2.9 points over images.

MNIST with `mnist_photos` over CIFAR-10, 2,000 images of each, no digit in both (`--data mnist,mnist_photos --set
train_size=2000 width=8 epochs=12 --samples 2 --seeds 3`), colour: the mean of both ways is 90.50 [89.15, 91.72] with
semi-hard mining (95.06 for MNIST queries, 85.95 for photos), 89.73 [87.74, 91.45] random, 74.92 [70.95, 78.54] hard,
89.84 [89.13, 90.52] in the classifier's embedding; 5,000 + 5,000 test images, 3 fresh seeds. Paired by seed, semi-hard
mining is ahead of hard mining by 15.6 [12.6, 18.5]; against random, the classifier's and gray nothing is shown.
Cost on two cores (AMD EPYC, bf16, no GPU): 120 trials, 9 minutes with light work beside it; with the photos 56 trials,
25 minutes beside much other work.
"""

from sweeps.engine import Sweep, choice, loguniform, main
from trainables.joint_embedding import JointEmbedding

SWEEP = Sweep(
    JointEmbedding,
    factors={"colour": ["gray", "colour"], "mining": ["random", "semi-hard", "hard", "classifier"]},
    space={
        "lr": loguniform(3e-4, 1e-2),
        "margin": loguniform(0.05, 0.8),
        "dimensions": choice([16, 32, 64, 128]),
    },
    fixed={
        "first": "mnist",
        "second": "svhn",
        "train_size": 5_000,
        "width": 16,
        "epochs": 20,
        "batch_size": 64,
    },
    select="max val_cross_accuracy",
    report=["first_to_second_accuracy", "second_to_first_accuracy"],
    builtin={
        "first": "digits",
        "second": "house_digits",
        "train_size": 500,
        "width": 8,
        "epochs": 7,
        "validation": 300,
    },
    smoke={"first": "digits[0-4]", "second": "house_digits[0-4]", "colour": ["gray"], "train_size": 100},
    samples=8,
    search_seeds=2,
    finalists=2,
)

if __name__ == "__main__":
    main(SWEEP)
