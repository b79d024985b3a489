"""Bias and variance: right by hand, and the same from few samples as from many."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from analysis.numbers.bias_variance import Terms, decompose, interval


def means(terms: Terms) -> tuple[float, ...]:
    return tuple(float(term.mean()) for term in terms)


@pytest.mark.parametrize(
    ("predictions", "label", "error", "bias", "variance"),
    [
        ((0, 0, 1), 0, 1 / 3, 0, 1 / 3),
        ((0, 0, 1), 1, 2 / 3, 1 / 3, 1 / 3),
        ((0, 1), 0, 1 / 2, 0, 1 / 2),
        ((0, 1), 2, 1, 1 / 2, 1 / 2),
        ((3, 3, 3, 3), 3, 0, 0, 0),
        ((3, 3, 3, 3), 1, 1, 1, 0),
        ((0, 0, 0, 1), 0, 1 / 4, 0, 1 / 4),
        ((0, 0, 1, 2), 0, 1 / 2, 1 / 2 - 5 / 12, 5 / 12),
        ((0, 1, 2), 0, 2 / 3, 2 / 3 - 1 / 2, 1 / 2),
        ((0, 0, 1, 1), 0, 1 / 2, 1 / 6, 1 / 3),
        ((0, 0, 0, 0, 1), 0, 1 / 5, 0, 1 / 5),
    ],
)
def test_terms_by_hand(predictions: tuple[int, ...], label: int, error: float, bias: float, variance: float) -> None:
    terms = decompose(np.array(predictions)[:, None], np.array([label]))
    assert means(terms) == pytest.approx((error, bias, variance))
    shares = np.bincount(predictions) / len(predictions)
    s = len(predictions)
    assert variance == pytest.approx(0.5 * s / (s - 1) * (1 - np.square(shares).sum())), "as the formula has it"


def test_bias_is_what_two_samples_get_wrong_together() -> None:
    rng = np.random.default_rng(1)
    predicted, labels = rng.integers(0, 4, (6, 200)), rng.integers(0, 4, 200)
    by_pair = [
        ((a != labels) & (b != labels)) * np.where(a == b, 1, 0.5) for a, b in itertools.combinations(predicted, 2)
    ]
    np.testing.assert_allclose(decompose(predicted, labels).bias.mean(0), np.mean(by_pair, axis=0), atol=1e-12)


def test_an_interval_reaches_below_zero_where_it_does() -> None:
    labels = np.zeros(50, int)
    predicted = np.zeros((3, 50), int)
    predicted[:2, 0] = 1  # two samples are wrong about one image, in the same way
    found = interval(decompose(predicted, labels).bias)
    assert found.mean == pytest.approx(1 / 3 / 50)
    assert found.low < 0
    assert found.kind == "new images"


def test_pseudo_values_are_those_of_leaving_a_sample_out() -> None:
    rng = np.random.default_rng(0)
    predicted, labels = rng.integers(0, 3, (5, 40)), rng.integers(0, 3, 40)
    terms = decompose(predicted, labels)
    for sample in range(5):
        rest = decompose(np.delete(predicted, sample, 0), labels)
        by_hand = 5 * terms.variance.mean(0) - 4 * rest.variance.mean(0)
        np.testing.assert_allclose(terms.variance[sample], by_hand)


def test_one_sample_has_no_variance_and_two_no_interval() -> None:
    with pytest.raises(ValueError, match="two samples or more; there are 1"):
        decompose(np.zeros((1, 4), int), np.zeros(4, int))
    two = decompose(np.array([[0, 1, 1], [0, 0, 1]]), np.array([0, 0, 0]))
    for term in two:
        assert np.isnan(interval(term).low)
        assert interval(term).kind == "too few seeds"
    assert interval(two.variance).mean == pytest.approx(1 / 6)


def nearest_neighbour(samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return 1-NN's predictions [samples, 797] of scikit-learn's digits from samples of 50 images each, and labels."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(seed)
    predicted = []
    for _ in range(samples):
        own = rng.choice(1_000, 50, replace=False)
        distances = np.square(x[own]).sum(1) - 2 * x[1_000:] @ x[own].T
        predicted.append(y[own][distances.argmin(1)])
    return np.stack(predicted), y[1_000:]


def test_three_samples_tell_the_same_as_sixty() -> None:
    """By the majority's prediction, three samples make any classifier look biased: it is their own."""
    predicted, labels = nearest_neighbour(60, 1)
    many = [interval(term) for term in decompose(predicted, labels)]
    few = np.array([means(decompose(part, labels)) for part in np.split(predicted, 20)])
    for term, whole in zip(few.T, many, strict=True):
        assert term.mean() == pytest.approx(whole.mean, abs=1e-3 + 3 * term.std(ddof=1) / 20**0.5)
        assert abs(term.mean() - whole.mean) < 0.01
    error, bias, variance = (one.mean for one in many)
    assert error == pytest.approx(bias + variance)
    assert 0 < bias < variance, "the neighbour of 50 images is mostly chance"


def test_intervals_hold_what_many_samples_find_on_other_images() -> None:
    predicted, labels = nearest_neighbour(200, 2)
    truth = means(decompose(predicted, labels))
    held = np.zeros(3)
    rng = np.random.default_rng(3)
    for part in np.split(predicted, 40):
        images = rng.integers(0, len(labels), 300)  # others of the kind each time
        found = [interval(term) for term in decompose(part[:, images], labels[images])]
        held += [one.low <= value <= one.high for one, value in zip(found, truth, strict=True)]
    assert (held / 40 >= 0.85).all(), held
