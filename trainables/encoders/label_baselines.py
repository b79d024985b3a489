"""What reads digits from few labels without a network: logistic regression, on pixels or components, and neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from common.files import Arrays
from trainables.artifacts.store import Artifact
from trainables.data.choice import Choice
from trainables.data.sources import Sources
from trainables.encoders.baselines import linear_baselines
from trainables.encoders.digits import digit_images

METHODS = {"logistic": "logistic regression", "neighbour": "1-NN", "pca": "logistic regression on PCA"}
"""The methods, and what people call them."""
ITERATIONS = 2_000
"""Of the solver at most, so that it converges."""
VERSION = 1  # raised by hand when the meaning of the arrays changes


def label_baselines(labelled: Choice, unlabelled: Choice, components: int, sources: Sources) -> Artifact:
    """Return the artifact of what each method reads on the test images: by its name, classes [N] int16. Raises Refused.

    All are scikit-learn's at its defaults, on pixels in 0 … 1 of the labelled images. `pca` sees the first principal
    components, which are fitted on the unlabelled images. What has no seed but that of the images is the same for all.
    """
    needs = {
        "train": digit_images(labelled.data, sources, "train"),
        "test": digit_images(labelled.data, sources, "test"),
        "fitted": linear_baselines(unlabelled, sources),
    }
    spec = labelled.spec() | {"components": components, "version": VERSION}
    return Artifact("label_baselines", spec, partial(_read, labelled), needs)


def _read(choice: Choice, artifact: Artifact, piece: int, sources: Sources, needs: Mapping[str, Arrays]) -> Arrays:
    from sklearn.linear_model import LogisticRegression  # a second to import, which trials need not wait for
    from sklearn.neighbors import KNeighborsClassifier

    rows, _ = choice.rows(sources)
    x, test = (_flat(images) for images in (needs["train"]["x"][rows], needs["test"]["x"]))
    y, fitted = needs["train"]["y"][rows], needs["fitted"]
    components = fitted["components"][: artifact.spec["components"]].T  # [784, K]
    latents = [(part - fitted["mean"]) @ components for part in (x, test)]
    found = {
        "logistic": LogisticRegression(max_iter=ITERATIONS).fit(x, y).predict(test),
        "neighbour": KNeighborsClassifier(1, algorithm="brute").fit(x, y).predict(test),
        "pca": LogisticRegression(max_iter=ITERATIONS).fit(latents[0], y).predict(latents[1]),
    }
    return {name: predicted.astype(np.int16) for name, predicted in found.items()}


def _flat(images: np.ndarray) -> np.ndarray:
    """Return images [N, 1, H, W] uint8 as vectors [N, H·W] float32 in 0 … 1."""
    return images.reshape(len(images), -1).astype(np.float32) / 255
