"""What does a spatial transformer learn to undo on MNIST: elastic deformations, a zoom, or what nobody applied?

    python sweeps/stn_deformations.py                                         # MNIST, downloads it
    python sweeps/stn_deformations.py --set network=plain,affine,tps copies=R,RTS,P,E   # the paper's distortions
    python sweeps/stn_deformations.py --builtin                               # no download: handwritten digits

A small classifier is trained on digits and, in part two, on a copy of each with an elastic deformation (elasticdeform)
and one zoomed out four times: with an affine spatial transformer before it, and without, with as many parameters.
Learning rate, width, epochs and optimiser are searched for each. The prescribed config is that of PyTorch's tutorial, a
row of its own; its zoomed copies are the package's own, and it normalises before it samples.

Found: it has not been run yet.
docs/results/stn_deformations.md has the tables, data, hardware and cost.
"""

from sweeps.engine import Sweep, choice, loguniform, main
from trainables.stn_deformations import StnDeformations

SWEEP = Sweep(
    StnDeformations,
    factors={"network": ["plain", "affine"], "copies": ["none", "elastic", "zoom", "elastic+zoom"]},
    space={
        "lr": loguniform(5e-4, 5e-3),
        "optimiser": choice(["momentum", "adam"]),
        "width": choice([4, 8, 16]),
        "epochs": choice([10, 20]),
        "sampled": choice(["raw"]),  # the prescribed config alone has another
        "zoom_method": choice(["area"]),  # likewise
    },
    fixed={"data": "mnist", "batch_size": 64},
    prescribed={
        "lr": 0.01,
        "optimiser": "sgd",
        "width": 8,
        "epochs": 20,
        "sampled": "normalised",
        "zoom_method": "package",
        "batch_size": 64,
    },
    report=["original_accuracy", "elastic_accuracy", "zoom_accuracy"],
    builtin={
        "data": "digits",
        "copies": ["none", "elastic+zoom"],
        "width": choice([8]),
        "epochs": choice([10]),
        "batch_size": 32,
        "train_evaluated": 900,
    },
    smoke={"copies": ["elastic+zoom"], "train_size": 200},
    samples=3,
    search_seeds=2,
    finalists=2,
)

if __name__ == "__main__":
    main(SWEEP)
