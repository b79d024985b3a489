"""How well does a network read digits from 100 labels, and what does an encoder give back that was pre-trained on none?

    python sweeps/few_labels.py                                       # MNIST, downloads it
    python sweeps/few_labels.py --set labels=100,1000,all epochs=10   # fewer sizes, less training
    python sweeps/few_labels.py --builtin                             # no download: handwritten digits

An encoder with a two-layer MLP is trained from scratch, from the encoder of an autoencoder (`pretrained`), or on that
encoder as it is (`frozen`). Learning rate, epochs and batch size are searched for each number of labels and start. With
100 labels, settings that were fixed beforehand (learning rate 1e-3, 100 epochs, batches of 32) are a row of their own,
which spent 100 labels and no more; so are the same settings on the first 100 images of the training set, with an
autoencoder that was trained on all of its images. Fine-tuning with all labels is there, a frozen encoder is not.

Found: on MNIST, 100 labels give a test accuracy of 69.2 % [64.1, 73.9] from scratch and 86.2 % [79.8, 90.8] with the
frozen encoder (n = 3), which is worth 504 labels [192, 950]; logistic regression has 76.4 %. With 1,000 labels it is
93.4 % [91.4, 95.0] from scratch and 95.1 % [93.5, 96.3] fine-tuned.
docs/results/few_labels.md has the tables, data, hardware and cost.
"""

from sweeps.engine import Sweep, Variants, choice, loguniform, main
from trainables.few_labels import FewLabels

SWEEP = Sweep(
    FewLabels,
    factors={"labels": [100, 300, 1_000, 10_000, "all"], "start": ["scratch", "frozen", "pretrained"]},
    excluded=[{"labels": "all", "start": "frozen"}],
    space={
        "lr": loguniform(3e-4, 1e-2),
        "epochs": choice([10, 30]),
        "batch_size": choice([32, 128]),
        "subset": choice(["balanced"]),  # the first labels are a row by themselves
        "images": choice(["pool"]),
    },
    variants=Variants(
        {"first labels": {"subset": "first", "images": "all"}},
        reference={"lr": 1e-3, "epochs": 100, "batch_size": 32, "subset": "balanced", "images": "pool"},
        at=[{"labels": 100, "start": start} for start in ("scratch", "frozen", "pretrained")],
    ),
    fixed={
        "data": "mnist", "bottleneck": "fc", "latent": 12, "width": 16, "strides": "2-2-2-2", "activation": "relu",
        "norm": "batch", "encoder_lr": 3e-3, "encoder_epochs": 20, "encoder_batch_size": 128,
    },
    builtin={
        "data": "digits", "labels": [100, 300, "all"], "width": 8, "epochs": choice([10, 20]),
        "batch_size": choice([32]), "encoder_epochs": 15, "encoder_batch_size": 32,
    },
    smoke={"labels": [100, "all"], "encoder_epochs": 2},
    samples=4,
    search_seeds=2,
    finalists=2,
)  # fmt: skip

if __name__ == "__main__":
    main(SWEEP)
