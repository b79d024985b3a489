"""Can one embedding hold two digit domains, so that the same digit is near whichever domain it comes from?

    python sweeps/joint_embedding.py                                # MNIST and SVHN, downloads both
    python sweeps/joint_embedding.py --data mnist,mnist_photos      # any two sets of the same classes
    python sweeps/joint_embedding.py --builtin                      # no download: handwritten digits, drawn house numbers

Triplet loss, anchor and positive of the same class from different domains; compared are ways to mine triplets, and
colour. `classifier` is the yardstick: cross-entropy on the same trunk. The notebooks that give the base CNN and the
triplets' details were not at hand: `nets.base_cnn` and `trainables.triplets` say what was chosen.

Found and Cost: see below.
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
        "epochs": 8,
        "validation": 300,
    },
    samples=8,
    search_seeds=2,
    finalists=2,
)

if __name__ == "__main__":
    main(SWEEP)
