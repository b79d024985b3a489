"""What answers claim errs as seldom as they say: a small run of `bench.coverage`, within four Monte Carlo errors."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from bench.coverage import (
    Config,
    Rate,
    Space,
    equal_configs,
    family,
    looks,
    main,
    near_all_right,
    new_images,
    passing,
    retrieval,
)

ERRORS = 4


@pytest.fixture
def draws() -> np.random.Generator:
    return np.random.default_rng(14)


def by_name(rates: Iterable[Rate]) -> dict[str, Rate]:
    """Return rates by what stands after the colon of their names."""
    return {rate.name.rpartition(": ")[2]: rate for rate in rates}


def at_least(rate: Rate, share: float) -> bool:
    return rate.share >= share - ERRORS * rate.error


def at_most(rate: Rate, share: float) -> bool:
    return rate.share <= share + ERRORS * rate.error


def test_a_config_has_the_accuracy_and_the_spread_that_it_states(draws: np.random.Generator) -> None:
    config = Config(0.9, 0.012)
    right = config.right(draws, 40, draws.standard_normal(20_000)).mean(axis=1)
    assert right.mean() == pytest.approx(0.9, abs=4 * np.hypot(0.012 / 40**0.5, 0.3 / 20_000**0.5))
    assert right.std(ddof=1) == pytest.approx(0.012, rel=0.5)


@pytest.mark.parametrize("n", [3, 10])
def test_headline_intervals_cover_new_images_and_those_over_seeds_do_not(n: int, draws: np.random.Generator) -> None:
    found = by_name(new_images(Config(0.9, 0.0036), 500, n, 300, draws))
    assert at_least(found["new images"], 0.95)
    assert not at_least(found["these images"], 0.95)


def test_more_seeds_near_all_right_do_not_make_an_interval_worse(draws: np.random.Generator) -> None:
    for n in (5, 10):
        assert at_least(near_all_right(0.999, 0.002, n, 400, draws), 0.95), "the t interval of logits covers 72 %"


def test_equal_configs_are_told_apart_as_seldom_as_stated(draws: np.random.Generator) -> None:
    found = by_name(equal_configs(Config(0.9, 0.0036), 500, 10, 300, draws))
    assert at_most(found["new images"], 0.05)
    assert not at_most(found["these images"], 0.05)


def test_intervals_of_retrieval_count_galleries_as_samples_too(draws: np.random.Generator) -> None:
    cover, apart = {}, {}
    for rate in retrieval(Space(100), 10, 250, draws):
        (cover if rate.name.startswith("covers") else apart)[rate.name.rpartition(": ")[2]] = rate
    assert at_least(cover["queries and galleries"], 0.95)
    assert not at_least(cover["queries alone"], 0.95)
    assert at_most(apart["queries and galleries"], 0.05)


def test_an_accuracy_that_a_config_just_has_is_not_said_to_be_passed(draws: np.random.Generator) -> None:
    found = by_name(passing(Config(0.85, 0.0015), 2_000, 5, 300, draws))
    assert at_most(found["new images"], 0.025)
    assert not at_most(found["these images"], 0.025)


@pytest.mark.parametrize(("more", "risk"), [({}, 0.05), ({"image_se": 0.4}, 0.05), ({"ratio": 4.0}, 0.08)])
def test_a_family_errs_as_seldom_as_one_difference(
    more: dict[str, float], risk: float, draws: np.random.Generator
) -> None:
    found = by_name(family(13, 5, 300, draws, **more))
    assert at_most(found["adjusted"], risk)
    assert not at_most(found["one by one"], 0.08)


def test_a_family_that_lends_its_variance_keeps_most_of_the_power(draws: np.random.Generator) -> None:
    found = by_name(family(13, 5, 300, draws, shift=2.0))
    assert at_least(found["adjusted"], 0.65), "Holm on paired t shows 32 %"


def test_looks_together_spend_the_level_of_one(draws: np.random.Generator) -> None:
    found = by_name(looks(1_000, draws))
    assert at_most(found["spent"], 0.05)
    assert not at_most(found["each at 5 %"], 0.05)


def test_the_command_prints_each_rate_with_its_error() -> None:
    lines: list[str] = []
    main(["--repetitions", "2"], lines.append)
    assert all("±" in line for line in lines)
    assert len({line.rpartition("±")[0][:80] for line in lines}) == len(lines), "each has a name of its own"
