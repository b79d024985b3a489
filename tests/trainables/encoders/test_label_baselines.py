"""What reads few labels without a network is what scikit-learn makes of the same images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from trainables.artifacts.store import Store
from trainables.data.choice import Choice
from trainables.data.sources import Sources
from trainables.encoders.digits import digit_images
from trainables.encoders.label_baselines import label_baselines

POOL = Choice("digits", validation=240, train_size=None, seed=3)


def test_the_baselines_are_those_of_scikit_learn(tmp_path: Path) -> None:
    sources, store = Sources(), Store(tmp_path)
    labelled = Choice("digits", 240, 100, seed=3)
    found = store.get(label_baselines(labelled, POOL, 12, sources), sources)
    train, test = (store.get(digit_images("digits", sources, split), sources) for split in ("train", "test"))
    x, z = (images["x"].reshape(len(images["x"]), -1) / 255 for images in (train, test))
    rows, pool = labelled.rows(sources)[0], POOL.rows(sources)[0]
    y = train["y"][rows]
    reduced = PCA(12, svd_solver="full").fit(x[pool])
    expected = {
        "logistic": LogisticRegression(max_iter=1000).fit(x[rows], y).predict(z),
        "neighbour": KNeighborsClassifier(1).fit(x[rows], y).predict(z),
        "pca": LogisticRegression(max_iter=1000).fit(reduced.transform(x[rows]), y).predict(reduced.transform(z)),
    }
    assert found.keys() == expected.keys()
    for name, predicted in expected.items():
        assert np.mean(found[name] == predicted) > 0.99, name  # solvers stop at slightly different weights


def test_the_same_labels_and_only_these_have_one_artifact() -> None:
    sources = Sources()
    whole = [Choice("digits", 240, None, seed) for seed in (1, 2)]
    first = [Choice("digits", 240, 100, seed, "first") for seed in (1, 2)]
    assert len({label_baselines(choice, POOL, 12, sources).key for choice in [*whole, *first]}) == 2
    assert len({label_baselines(Choice("digits", 240, 100, seed), POOL, 12, sources).key for seed in (1, 2)}) == 2
