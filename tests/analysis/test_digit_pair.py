"""The answer to digit_pair, on made-up ledgers in which it is known whether sharing helps."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.ledger import Status
from analysis.numbers.intervals import image_standard_error
from analysis.report.answer import Answer
from tests.support.answers import make_answer
from tests.support.synthetic import (
    CONFIRM_SEEDS,
    Measured,
    claims,
    data_set,
    fill_question,
    findings,
    gaps,
    golden,
    hash_of,
    markdown,
    told,
)

FACTORS = {"regime": ["first", "second", "both"], "train_size": [100, 500]}
SETTINGS = {"first": "digits", "second": "house_digits", "epochs": 3, "precision": "fp32"}
DRAWS = [{"lr": 1e-3, "second_weight": 0.5}, {"lr": 3e-3, "second_weight": 0.4}]
IMAGES = {"first": 500, "second": 300}
PLAN = {
    "select": "max val_accuracy", "report": ["first_accuracy", "second_accuracy"], "oracle": False,
    "data_fields": ["first", "second"], "prescribed": True, "factors": FACTORS, "draws": DRAWS,
    "settings": SETTINGS, "search_seeds": [0],
    "data": [data_set("digits", origin="scikit-learn"),
             data_set("house_digits", origin="drawn", made_from=["fonts", "clutter"])],
}  # fmt: skip
WRONG = {("first", 100): 60, ("first", 500): 25, ("second", 100): 90, ("second", 500): 45}
"""Test images that a set's own network gets wrong with the chosen config, about."""
SHARED = {("first", 100): 12, ("first", 500): 0, ("second", 100): -15, ("second", 500): 0}
"""How many more the shared network does: the first set is hurt, the second helped, with few images alone."""


def wrong(config: dict[str, Any], task: str) -> int:
    """How many test images of a set a network gets wrong; what a seed brings is mostly the same for all networks."""
    where, seed = (task, config["train_size"]), config["seed"]
    if config["regime"] not in (task, "both"):
        return int(0.8 * IMAGES[task]) + seed
    jitter = (hash_of(seed, config["regime"], *where) % 5) - 2
    recipe = 8 + seed % 2 if config["lr"] == DRAWS[0]["lr"] else 0
    return WRONG[where] + 3 * seed + jitter + recipe + (SHARED[where] if config["regime"] == "both" else 0)


def measure(config: dict[str, Any], phase: str) -> Measured:
    """A trial of three epochs; validation does as well as test."""
    tasks = ["first", "second"] if config["regime"] == "both" else [config["regime"]]
    missed = {task: wrong(config, task) for task in IMAGES}
    held_out = {f"{task}_accuracy": 1 - missed[task] / n for task, n in IMAGES.items()}
    held_out |= {f"{task}_loss": 3 * missed[task] / n for task, n in IMAGES.items()}
    held_out |= {name: np.mean([held_out[f"{task}_{name}"] for task in tasks]) for name in ("accuracy", "loss")}
    rows: list[dict[str, float]] = [
        {"steps": 4.0 * i, **{f"val_{name}": value for name, value in held_out.items()}}
        | {f"train_{task}_{name}": 0.5 / i for task in tasks for name in ("loss", "accuracy")}
        for i in (1, 2, 3)
    ]
    facts = {"train_labels": config["train_size"] * len(tasks), "validation_labels": 100 * len(tasks)}
    if phase == "search":
        return Measured(rows, facts, {})
    rows[-1] |= {f"test_{name}": value for name, value in held_out.items()}
    facts |= {f"test_{task}_labels": n for task, n in IMAGES.items()}
    right = {task: np.arange(n) >= missed[task] for task, n in IMAGES.items()}
    arrays = {f"test_{task}_correct": own for task, own in right.items()}
    arrays["test_correct"] = np.concatenate([right[task] for task in tasks])
    arrays["test_strata"] = np.repeat(np.arange(len(tasks)), [IMAGES[task] for task in tasks])
    return Measured(rows, facts | {"test_labels": len(arrays["test_correct"])}, arrays)


def sweep(folder: Path, made: Callable[[dict[str, Any], str], Measured | None] = measure, **changed: Any) -> None:
    fill_question(folder, "digit_pair", made, **{**PLAN, **changed})


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Answer]:
    folder = tmp_path_factory.mktemp("pair")
    sweep(folder)
    return folder, make_answer(folder, "digit_pair")


def errors(task: str, regime: str, size: int, lr: float = DRAWS[1]["lr"]) -> list[float]:
    """Test errors by seed."""
    return [
        wrong({"regime": regime, "train_size": size, "lr": lr, "seed": seed}, task) / IMAGES[task]
        for seed in CONFIRM_SEEDS
    ]


def _by_image(shares: Sequence[float], images: int) -> np.ndarray:
    """Return which images [seeds, images] networks get wrong: the first ones."""
    return np.stack([np.arange(images) < round(share * images) for share in shares]).astype(float)


def _half_width(values: Sequence[float] | np.ndarray, by_image: np.ndarray) -> float:
    """Return half of the 95 % interval for new seeds and images."""
    seeds = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    return float(np.hypot(seeds, stats.norm.ppf(0.975) * image_standard_error(by_image)))


def test_errors_and_differences_are_those_that_scipy_gives(complete: tuple[Path, Answer]) -> None:
    _, made = complete
    for task in ("first", "second"):
        for size in (100, 500):
            own, both = errors(task, task, size), errors(task, "both", size)
            wrong_ones, shared_ones = (_by_image(values, IMAGES[task]) for values in (own, both))
            mean, half = np.mean(own), _half_width(own, wrong_ones)
            logit = np.log(mean / (1 - mean)) + np.array([-1, 1]) * half / (mean * (1 - mean))
            low, high = 1 / (1 + np.exp(-logit))
            where = {"train_size": size, "recipe": "chosen"}
            (alone,) = claims(made.verdict, f"test_{task}_error", regime=task, **where)
            assert (alone.estimate, alone.low, alone.high) == pytest.approx((np.mean(own), low, high))
            (gap,) = gaps(made.verdict, task, "both", **where)
            half = _half_width(np.subtract(both, own), shared_ones - wrong_ones)
            low, high = (np.mean(both) - np.mean(own) + sign * half for sign in (-1, 1))
            assert (gap.estimate, gap.low, gap.high) == pytest.approx((np.mean(both) - np.mean(own), low, high))
            assert (gap.metric, gap.n) == (f"test_{task}_error", 5)
            digits = 2 if high - low < 0.01 else 1
            told = f"{100 * gap.estimate:+.{digits}f} points [{100 * low:.{digits}f}, {100 * high:.{digits}f}]"
            assert gap.text == told.replace("-", "−")


def test_the_directions_follow_the_intervals(complete: tuple[Path, Answer]) -> None:
    _, made = complete
    for task, harm in (("first", "higher"), ("second", "lower")):
        for recipe in ("chosen", "prescribed"):
            sharing = gaps(made.verdict, task, "both", recipe=recipe)
            told = {gap.where["train_size"]: gap.direction for gap in sharing}
            assert told == {100: harm, 500: "not shown to differ"}
        chosen = [gap for gap in gaps(made.verdict, "prescribed", "chosen") if gap.metric == f"test_{task}_error"]
        assert [(gap.where["regime"], gap.direction) for gap in chosen] == [
            (regime, "lower") for regime in (task, "both") for _ in (100, 500)
        ]
        other = {"first": "second", "second": "first"}[task]
        crossed = claims(made.verdict, f"test_{task}_error", regime=other)
        expected = [np.mean(errors(task, other, size)) for size in (100, 500)]
        assert [claim.estimate for claim in crossed] == pytest.approx(expected)


def test_the_prescribed_config_is_told_in_one_sentence(complete: tuple[Path, Answer]) -> None:
    _, made = complete
    (line,) = (line for line in made.text.splitlines() if "has these test accuracies" in line)
    assert line.endswith(".")
    assert line.count(". ") == 0, "one sentence"
    assert "with 500 training images of each set" in line
    for task, data in (("first", "digits"), ("second", "house_digits")):
        for regime in (task, "both"):
            (claim,) = claims(made.verdict, f"test_{task}_accuracy", regime=regime, recipe="prescribed")
            assert claim.estimate == pytest.approx(1 - np.mean(errors(task, regime, 500, DRAWS[0]["lr"])))
            assert claim.text in line
        assert f"shared on {data}" in line


def test_the_prescribed_config_has_its_curves_with_500_images_and_with_all(tmp_path: Path) -> None:
    """`all` is the largest size: it stands beyond the numbers, and in curves and sentence of its own."""

    def of_all(config: dict[str, Any], phase: str) -> Measured:
        made = measure({**config, "train_size": 500 if config["train_size"] == "all" else config["train_size"]}, phase)
        counts = {"first": 59_000, "second": 700} if config["train_size"] == "all" else {}
        own = {f"train_{task}_labels": n for task, n in counts.items() if config["regime"] in (task, "both")}
        return made._replace(facts={**made.facts, **own})

    sweep(tmp_path, of_all, factors={**FACTORS, "train_size": [500, "all", 100]})
    made = told(tmp_path, "digit_pair")
    assert {"prescribed_curves_500", "prescribed_curves_all"} <= set(made.drawings)
    figure = made.drawings["prescribed_curves_all"].draw()
    assert "prescribed config, all images of each set" in " ".join(figure._suptitle.get_text().split())
    names = {text.get_text() for text in figure.legends[0].get_texts()}
    assert names == {"its own network", "one network for both", "validation", "training"}
    error = made.drawings["test_error"].draw().axes[0]
    assert [label.get_text() for label in error.get_xticklabels()] == ["100", "500", "all"]
    verdict = markdown(made)
    assert "with 500 training images of each set" in verdict
    assert "with all training images of each set, " in verdict
    assert "All training images of each set are 59,000 of digits and 700 of house_digits." in verdict
    assert "is not shown to help or hurt house_digits with 500 and all training images of each set." in verdict


def test_the_verdict_reads_as_the_golden_text(complete: tuple[Path, Answer]) -> None:
    assert markdown(complete[1]) == golden("digit_pair")


def test_how_small_the_test_sets_are_is_told(complete: tuple[Path, Answer]) -> None:
    _, made = complete
    row = made.best[(made.best["regime"] == "second") & (made.best["recipe"] == "chosen")].iloc[0]
    by_image = np.mean([np.arange(300) < 300 * share for share in errors("second", "second", 100)], axis=0)
    assert row["test_second_error"] == pytest.approx(by_image.mean())
    wrong_ones = _by_image(errors("second", "second", 100), 300)
    assert row["test_second_accuracy_image_se"] == pytest.approx(image_standard_error(wrong_ones))
    assert "over 5 fresh seeds and over test images" in made.text
    both = made.best[(made.best["regime"] == "both")].iloc[0]
    parts = [both[f"test_{task}_accuracy_image_se"] for task in IMAGES]
    assert both["test_accuracy_image_se"] == pytest.approx(np.hypot(*parts) / 2)


def test_people_read_the_names_of_the_data_sets(complete: tuple[Path, Answer]) -> None:
    folder, made = complete
    page = (folder / "answer.md").read_text()
    assert not re.search(r"\b(first|second)\b", page), "the config's words for them"
    assert "oracle" not in page
    assert list(made.brief.table["regime"].unique()) == ["digits", "house_digits", "both"]
    assert {"test digits accuracy, % [95 %]", "test house_digits accuracy, % [95 %]"} <= set(made.table)
    assert "Data: digits (built-in), house_digits (built-in), 500 and 300 test images." in _note(folder)
    assert "- Data house_digits: drawn, made from fonts and clutter" in page
    assert set(made.differences["metric"]) == {"test_first_error", "test_second_error"}
    assert "digits → both" in page


def _note(folder: Path) -> str:
    with findings(folder) as found:
        return found.note()


def test_the_tables_hold_every_network_and_what_the_figures_draw(complete: tuple[Path, Answer]) -> None:
    folder, _ = complete
    read = pd.read_csv(folder / "tables" / "every_network_on_both.csv")
    assert len(read) == 3 * 2 * 2 * 2
    own = read[(read["data"] == "digits") & (read["network"] == "the other set's network")]
    assert list(own["regime"].unique()) == ["second"]
    assert own["test_error"].tolist()[0] == pytest.approx(np.mean(errors("first", "second", 100)))
    sharing = pd.read_csv(folder / "tables" / "sharing.csv")
    assert len(sharing) == 2 * 2 * 2
    assert len(pd.read_csv(folder / "tables" / "search.csv")) == 6 * 2
    drawings = told(folder, "digit_pair").drawings
    assert set(drawings) == {"test_error", "sharing", "learning_curves", "prescribed_curves_500"}
    chosen, prescribed = drawings["sharing"].draw().axes
    assert [axes.get_title(loc="left") for axes in (chosen, prescribed)] == ["chosen config", "prescribed config"]
    drawn = sorted(container.lines[0].get_ydata()[0] for container in chosen.containers)
    assert drawn == pytest.approx(sorted(100 * sharing.loc[sharing["recipe"] == "chosen", "difference"]))
    faces = [container.lines[0].get_markerfacecolor() for container in chosen.containers]
    assert faces.count("white") == 2, "hollow where the interval holds 0"
    panels = [axes.get_title(loc="left") for axes in drawings["test_error"].draw().axes]
    assert panels == ["data digits", "data house_digits"]
    assert len(drawings["learning_curves"].draw().axes) == 4


TWO_PARTS = {"regime": ["first", "both"], "train_size": [100], "colour": ["gray", "colour"]}


TWO_PAIRS = {"regime": ["first", "both"], "train_size": [100], "second": ["house_digits", "other_digits"]}


def only(regime: str) -> Callable[[dict[str, Any], str], Measured | None]:
    return lambda config, phase: measure(config, phase) if phase == "search" or config["regime"] == regime else None


def diverged(config: dict[str, Any], phase: str) -> Measured:
    made = measure(config, phase)
    status: Status = "diverged" if (phase, config["regime"], config["seed"]) == ("confirm", "both", 3) else "done"
    return made._replace(status=status)


HARM = {("first", 100): "higher", ("first", 500): "not shown to differ",
        ("second", 100): "lower", ("second", 500): "not shown to differ"}  # fmt: skip
"""What sharing does to a set's error, by the set and the train size."""
UNKNOWN = dict.fromkeys(HARM, "not shown to differ")
GONE = dict.fromkeys(HARM, "no number")


@pytest.mark.parametrize(
    ("made", "changed", "expected"),
    [
        (only("both"), {}, {}),
        (only("first"), {}, {}),
        (only("nothing"), {}, {}),
        (measure, {"confirm_seeds": [1]}, UNKNOWN),
        (diverged, {}, GONE),
        (measure, {"prescribed": False}, HARM),
        (measure, {"factors": {**FACTORS, "train_size": [100]}}, {key: HARM[key] for key in HARM if key[1] == 100}),
    ],
)
def test_a_part_of_the_ledger_gives_a_part_of_the_answer(
    tmp_path: Path,
    made: Callable[[dict[str, Any], str], Measured | None],
    changed: dict[str, Any],
    expected: dict[tuple[str, int], str],
) -> None:
    sweep(tmp_path, made, **changed)
    verdict = told(tmp_path, "digit_pair").verdict
    sharing = [gap for task in IMAGES for gap in gaps(verdict, task, "both", recipe="chosen")]
    assert {(gap.before, gap.where["train_size"]): gap.direction for gap in sharing} == expected
    if made is diverged:
        assert {gap.text for gap in sharing} == {"no number (a seed diverged or collapsed)"}


def test_before_anything_is_confirmed_there_is_no_verdict(tmp_path: Path) -> None:
    sweep(tmp_path, only("nothing"))
    assert "No verdict yet" in make_answer(tmp_path, "digit_pair").text


@pytest.mark.parametrize(
    ("factors", "field", "values"),
    [(TWO_PARTS, "colour", {"gray", "colour"}), (TWO_PAIRS, "second", {"house_digits", "other_digits"})],
)
@pytest.mark.slow
def test_every_part_of_a_ledger_is_told_by_itself(
    tmp_path: Path, factors: dict[str, Any], field: str, values: set[str]
) -> None:
    sweep(tmp_path, factors=factors, confirm_seeds=[1, 2])
    made = told(tmp_path, "digit_pair")
    assert {gap.where[field] for gap in gaps(made.verdict, "first", "both")} == values
    assert {f"test_error_{value}" for value in values} <= {
        name.replace("_house_digits", "", 0) for name in made.drawings
    }
