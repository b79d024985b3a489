"""What does a classifier's encoder throw away that an autoencoder's keeps, and a decoder shows?

    python sweeps/latent_decoding.py                          # MNIST, downloads it
    python sweeps/latent_decoding.py --set latent=4,12,32     # latents of these sizes, each answered by itself
    python sweeps/latent_decoding.py --builtin                # no download: handwritten digits

The encoder of a classifier is frozen and gets the decoder of an autoencoder. Beside it and the autoencoder, which is
trained jointly, stand two controls: the autoencoder's encoder, frozen, with a fresh decoder, and a random encoder. The
decoder's learning rate is searched for each of them, on validation L1. The question states no config; none is
prescribed.

Found: it has not been run yet.
docs/results/latent_decoding.md has the tables, data, hardware and cost.
"""

from sweeps.engine import Sweep, loguniform, main
from trainables.latent_decoding import LatentDecoding

SWEEP = Sweep(
    LatentDecoding,
    factors={"encoder": ["joint", "autoencoder", "classifier", "random"]},
    space={"lr": loguniform(1e-3, 1e-2)},
    fixed={
        "data": "mnist",
        "bottleneck": "fc",
        "latent": 12,
        "width": 16,
        "strides": "2-2-2-2",
        "activation": "relu",
        "norm": "batch",
        "encoder_lr": 3e-3,
        "epochs": 20,
        "batch_size": 128,
    },
    select="min val_l1",
    report=["kept_within", "between_within", "judged"],
    builtin={"data": "digits", "width": 8, "epochs": 10, "batch_size": 32},
    smoke={"encoder": ["joint", "classifier"], "epochs": 3},
    samples=4,
    search_seeds=2,
    finalists=2,
)

if __name__ == "__main__":
    main(SWEEP)
