"""What reconstructs images without a network: right values by hand and by scikit-learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from trainables.artifacts.store import Store
from trainables.core.device import tensors
from trainables.data.choice import Choice
from trainables.data.sources import Sources
from trainables.encoders.baselines import baseline_errors, linear_baselines
from trainables.encoders.digits import digit_images, in_unit_range

CHOICE = Choice("digits", validation=240, train_size=None, seed=3)


def test_the_median_and_the_components_are_those_of_the_training_images(tmp_path: Path) -> None:
    sources, store = Sources(), Store(tmp_path)
    fitted = tensors(store.get(linear_baselines(CHOICE, sources), sources), torch.device("cpu"))
    x = torch.from_numpy(store.get(digit_images("digits", sources, "train"), sources)["x"].copy())
    rows, held_out = CHOICE.rows(sources)
    assert not {*rows} & {*held_out}
    train = in_unit_range(x[torch.from_numpy(rows)])
    expected = PCA(4, svd_solver="full").fit(train.flatten(1).numpy())
    products = fitted["components"][:4].numpy() @ expected.components_.T
    np.testing.assert_allclose(np.abs(products), np.eye(4), atol=1e-3)
    errors = baseline_errors(train, fitted, 4)
    flat = train.flatten(1).numpy()
    projected = expected.inverse_transform(expected.transform(flat)).clip(0, 1)
    assert errors["pca_l1"] == pytest.approx(np.abs(flat - projected).mean(), abs=1e-5)
    median = np.median(train.numpy(), axis=0)
    assert errors["median_l1"] == pytest.approx(np.abs(train.numpy() - median).mean(), abs=1e-6)
    for other in (median + 0.01, train.numpy().mean(0)):
        assert errors["median_l1"] < np.abs(train.numpy() - other).mean(), "of all constants it has the least L1"


def test_more_components_reconstruct_better_and_of_the_test_digits_the_median_misses_a_tenth(tmp_path: Path) -> None:
    sources, store = Sources(), Store(tmp_path)
    fitted = tensors(store.get(linear_baselines(CHOICE, sources), sources), torch.device("cpu"))
    test = in_unit_range(torch.from_numpy(store.get(digit_images("digits", sources, "test"), sources)["x"].copy()))
    errors = [baseline_errors(test, fitted, latent)["pca_l1"] for latent in (2, 4, 12, 32)]
    assert errors == sorted(errors, reverse=True)
    assert 0.08 < baseline_errors(test, fitted, 1)["median_l1"] < 0.11


def test_the_choice_of_images_follows_the_seed_only_where_some_are_left_out(tmp_path: Path) -> None:
    sources = Sources()
    keys = {linear_baselines(Choice("digits", 240, None, seed), sources).key for seed in (1, 2)}
    assert len(keys) == 1
    some = [Choice("digits", 240, 100, seed) for seed in (1, 2)]
    assert len({linear_baselines(choice, sources).key for choice in some}) == 2
    counts = np.bincount(sources.dataset("digits").labels("train")[some[0].rows(sources)[0]])
    assert counts.tolist() == [10] * 10
    assert Choice("digits", 240, 100_000, 1).problems(sources)
