"""The answer to digit_pair, on made-up ledgers in which it is known whether sharing helps."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.digit_pair import answer
from analysis.findings import Draft
from analysis.ledger import Status
from analysis.report.answer import Answer
from analysis.report.make import make_answer
from tests.support.synthetic import CONFIRM_SEEDS, Measured, data_set, fill_question, findings, hash_of

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


def drafted(folder: Path, made: Callable[[dict[str, Any], str], Measured | None] = measure, **changed: Any) -> Draft:
    sweep(folder, made, **changed)
    with findings(folder) as found:
        return answer(found)


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


def test_errors_and_differences_are_those_that_scipy_gives(complete: tuple[Path, Answer]) -> None:
    _, made = complete
    for task, name in (("first", "digits"), ("second", "house_digits")):
        section = next(text for text in made.text.split("\n\n") if text.startswith(f"**{name}**"))
        for size in (100, 500):
            own, both = errors(task, task, size), errors(task, "both", size)
            smooth = (np.array(own) * IMAGES[task] + 0.5) / (IMAGES[task] + 1)
            logit = np.log(smooth / (1 - smooth))
            bounds = 1 / (1 + np.exp(-np.array(stats.t.interval(0.95, 4, np.mean(logit), stats.sem(logit)))))
            low, high = (bounds * (IMAGES[task] + 1) - 0.5) / IMAGES[task] * 100
            assert f"- {size}: test error {100 * np.mean(own):.1f} % [{low:.1f}, {high:.1f}] alone" in section
            gap = np.array(both) - own
            low, high = 100 * np.array(stats.ttest_rel(both, own).confidence_interval(0.95))
            digits = 2 if high - low < 1 else 1
            told = f"{100 * gap.mean():+.{digits}f} points [{low:.{digits}f}, {high:.{digits}f}], n = 5"
            assert told.replace("-", "−") in section


def test_the_words_follow_the_intervals(complete: tuple[Path, Answer]) -> None:
    _, made = complete
    text = " ".join(made.text.split())
    neither = "is not shown to help or hurt with 500"
    for told in (
        f"**digits**: sharing a network with house_digits hurts with 100, {neither} training images of each set.",
        f"**house_digits**: sharing a network with digits helps with 100, {neither} training images of each set.",
        f"With the prescribed recipe, sharing hurts with 100, {neither}.",
        "chosen config's error is lower with 100 and 500 (alone); is lower with 100 and 500 (shared).",
    ):
        assert told in text
    crossed = [100 * np.mean(errors("first", "second", size)) for size in (100, 500)]
    assert f"The network of house_digits alone reads it with a test error of {crossed[0]:.1f} % [" in text
    assert re.search(r"with 100 and 80\.6 % \[[\d., ]+\] with 500 images", text)


def test_how_small_the_test_sets_are_is_told(complete: tuple[Path, Answer]) -> None:
    _, made = complete
    row = made.best[(made.best["regime"] == "second") & (made.best["recipe"] == "chosen")].iloc[0]
    by_image = np.mean([np.arange(300) < 300 * share for share in errors("second", "second", 100)], axis=0)
    assert row["test_second_error"] == pytest.approx(by_image.mean())
    each = [share * (1 - share) / 300 for share in errors("second", "second", 100)]
    assert row["test_second_accuracy_image_se"] == pytest.approx(np.sqrt(np.mean(each))), "of one network, binomial"
    assert "With other images in place of these 300, one trained network's error varies" in made.text
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
    with findings(folder) as found:
        drawings = answer(found).drawings
    assert set(drawings) == {"test_error", "sharing", "learning_curves"}
    chosen, prescribed = drawings["sharing"].figure.axes
    assert [axes.get_title(loc="left") for axes in (chosen, prescribed)] == ["chosen config", "prescribed recipe"]
    drawn = sorted(container.lines[0].get_ydata()[0] for container in chosen.containers)
    assert drawn == pytest.approx(sorted(100 * sharing.loc[sharing["recipe"] == "chosen", "difference"]))
    faces = [container.lines[0].get_markerfacecolor() for container in chosen.containers]
    assert faces.count("white") == 2, "hollow where the interval holds 0"
    assert [axes.get_title(loc="left") for axes in drawings["test_error"].figure.axes] == ["digits", "house_digits"]
    assert len(drawings["learning_curves"].figure.axes) == 4


TWO_PARTS = {"regime": ["first", "both"], "train_size": [100], "colour": ["gray", "colour"]}


TWO_PAIRS = {"regime": ["first", "both"], "train_size": [100], "second": ["house_digits", "other_digits"]}


def only(regime: str) -> Callable[[dict[str, Any], str], Measured | None]:
    return lambda config, phase: measure(config, phase) if phase == "search" or config["regime"] == regime else None


def diverged(config: dict[str, Any], phase: str) -> Measured:
    made = measure(config, phase)
    status: Status = "diverged" if (phase, config["regime"], config["seed"]) == ("confirm", "both", 3) else "done"
    return made._replace(status=status)


@pytest.mark.parametrize(
    ("made", "changed", "told"),
    [
        (only("both"), {}, "**digits**: sharing a network with house_digits is not compared yet."),
        (only("first"), {}, "The network of digits alone reads it with a test error of"),
        (only("nothing"), {}, None),
        (measure, {"confirm_seeds": [1]}, "is not shown to help or hurt with 100 and 500"),
        (diverged, {}, "no number (a seed diverged) shared; difference unknown, n = 5."),
        (measure, {"prescribed": False}, "hurts with 100"),
        (measure, {"factors": {**FACTORS, "train_size": [100]}}, "hurts with 100 training images of each set."),
        (measure, {"factors": TWO_PARTS, "confirm_seeds": [1, 2]}, "**digits, colour gray**: sharing"),
        (measure, {"factors": TWO_PAIRS, "confirm_seeds": [1, 2]}, "**other_digits**: sharing a network with digits"),
    ],
)
def test_a_part_of_the_ledger_gives_a_part_of_the_answer(
    tmp_path: Path, made: Callable[[dict[str, Any], str], Measured | None], changed: dict[str, Any], told: str | None
) -> None:
    if told is None:
        sweep(tmp_path, made, **changed)
        assert "No verdict yet" in make_answer(tmp_path, "digit_pair").text
    else:
        assert told in drafted(tmp_path, made, **changed).verdict
