"""The answer to tiny_cifar, on made-up ledgers in which it is known which budgets pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.ledger import Ledger
from analysis.numbers.intervals import image_standard_error, wilson_interval
from analysis.plan_record import VariantRecord
from analysis.report.answer import Answer
from analysis.report.join import Joined
from analysis.report.markup import blocks_to_markdown
from analysis.verdicts import frontier
from analysis.words import Bullets, plain
from common.canonical import canonical
from tests.support.answers import make_answer
from tests.support.synthetic import (
    Measured,
    claims,
    data_set,
    fill_question,
    gaps,
    golden,
    hash_of,
    markdown,
    record,
    told,
)

BUDGETS = [5_000, 10_000, 22_000, 50_000]
ACCURACY = {5_000: 0.79, 10_000: 0.835, 22_000: 0.875, 50_000: 0.905}
"""Of the chosen configs; the prescribed recipe has 2 points less."""
IMAGES, CLASSES = 4_000, 4
SETTINGS = {"data": "cifar10", "precision": "bf16", "train_size": None}
DRAWS = [{"block": "residual", "lr": 0.4}, {"block": "separable", "lr": 0.2}, {"block": "inverted", "lr": 0.1}]
SEEDS = (1, 2, 3)
PLAN = {
    "select": "max val_accuracy", "report": ["mirror_accuracy"], "oracle": False, "data_fields": ["data"],
    "prescribed": True, "draws": DRAWS, "settings": SETTINGS, "search_seeds": [1001], "confirm_seeds": SEEDS,
    "data": [data_set("cifar10", builtin=False, classes=["plane", "car", "bird", "cat"])],
}  # fmt: skip


def right(config: dict[str, Any]) -> int:
    """Test images that a network reads right."""
    recipe = {"residual": -0.02, "separable": 0.0, "inverted": -0.3}[config["block"]]
    jitter = hash_of(config["seed"], config["budget"], config["block"]) % 9 - 4
    jitter *= IMAGES // 1_000
    return round(IMAGES * (ACCURACY[config["budget"]] + recipe)) + jitter


def layers(budget: int) -> list[dict[str, Any]]:
    """A stem, two blocks that are alike and a head, of half a per cent fewer parameters than the budget."""
    used = budget - budget // 200
    sizes = {"stem": used - 2 * (used // 3) - 44, "separable block": used // 3, "head": 44}
    kinds = ["stem", "separable block", "separable block", "head"]
    return [
        {"kind": kind, "maps": CLASSES if kind == "head" else 16, "side": 1 if kind == "head" else 8,
         "parameters": sizes[kind], "products": 100 * sizes[kind]}
        for kind in kinds
    ]  # fmt: skip


def measure(config: dict[str, Any], phase: str) -> Measured:
    """A trial of three epochs; validation does as well as test."""
    share, made = right(config) / IMAGES, layers(config["budget"])
    rows: list[dict[str, float]] = [
        {"steps": 4.0 * i, "val_accuracy": share - 0.3 / i + 0.1, "val_loss": 1 / i,
         "train_accuracy": 0.9 - 0.3 / i, "train_loss": 1 / i}
        for i in (1, 2, 3)
    ]  # fmt: skip
    facts = {
        "parameters": sum(layer["parameters"] for layer in made), "width": 16, "layers": made, "train_labels": 4_000,
        "validation_labels": 500,
    }  # fmt: skip
    if phase == "search":
        return Measured(rows, facts, {})
    rows[-1] |= {"test_accuracy": share, "test_loss": 1 - share, "test_mirror_accuracy": share + 0.01}
    wrong = IMAGES - right(config)
    counts = np.diag([IMAGES // CLASSES] * CLASSES)
    counts[3] += [0, 0, wrong, -wrong]  # all that is wrong: cats, read as birds
    correct = np.arange(IMAGES) >= wrong
    return Measured(rows, facts | {"test_labels": IMAGES}, {"test_correct": correct, "confusion": counts})


SLOW, BLOCKS = ("small steps", {"block": "residual", "lr": 0.01}), ("inverted blocks", {"block": "inverted", "lr": 0.4})
"""Two variants of the prescribed config, one choice each; the second is far worse."""


def vary(folder: Path, budget: int = 22_000, **changed: Any) -> None:
    """Fill a ledger with a sweep whose prescribed config has variants at one budget."""
    key = canonical({**SETTINGS, "budget": budget})
    records = [VariantRecord(name=name, values=values) for name, values in (SLOW, BLOCKS)]
    sweep(folder, variants={key: records}, **changed)
    with Ledger(folder) as ledger:
        for number, (_, values) in enumerate((SLOW, BLOCKS), 1):
            for seed in SEEDS:
                config = {**SETTINGS, "budget": budget, **values, "seed": seed}
                record(ledger, "tiny_cifar", key, config, -number, "confirm", measure(config, "confirm"))


def sweep(folder: Path, made: Callable[..., Measured | None] = measure, **changed: Any) -> None:
    factors = {"budget": changed.pop("budgets", BUDGETS), **changed.pop("further", {})}
    fill_question(folder, "tiny_cifar", made, **{**PLAN, "factors": factors, **changed})


def answered(folder: Path, made: Callable[..., Measured | None] = measure, **changed: Any) -> Joined:
    sweep(folder, made, **changed)
    return told(folder, "tiny_cifar")


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Answer]:
    folder = tmp_path_factory.mktemp("tiny")
    sweep(folder)
    return folder, make_answer(folder, "tiny_cifar")


def test_the_verdict_names_the_smallest_budget_that_passes(complete: tuple[Path, Answer]) -> None:
    folder, made = complete
    shares = [right({"budget": 22_000, "block": "separable", "seed": seed}) / IMAGES for seed in SEEDS]
    mean = np.mean(shares)
    read = np.stack([np.arange(IMAGES) >= IMAGES - round(share * IMAGES) for share in shares])
    half = np.hypot(stats.t.ppf(0.975, 2) * stats.sem(shares), stats.norm.ppf(0.975) * image_standard_error(read))
    logit = np.log(mean / (1 - mean)) + np.array([-1, 1]) * half / (mean * (1 - mean))
    low, high = 1 / (1 + np.exp(-logit))
    assert low > 0.85
    level = 0.05 * 0.3  # of a look at 3 seeds: 3/5 of what one at 5 may spend, half
    half = np.hypot(
        stats.t.isf(level / 2, 2) * stats.sem(shares), stats.norm.isf(level / 2) * image_standard_error(read)
    )
    least = 1 / (1 + np.exp(-(np.log(mean / (1 - mean)) - half / (mean * (1 - mean)))))
    table = pd.read_csv(folder / "tables" / "frontier.csv").set_index(["budget", "recipe"])
    assert table.loc[(22_000, "chosen"), "least"] == pytest.approx(least)
    assert 0.85 < least < low
    assert f"interval of {100 - 100 * level:g} %" in made.text
    smallest, following, prescribed = claims(made.verdict, "test_accuracy")
    assert (smallest.where["budget"], smallest.n, smallest.over) == (22_000, 3, "seeds and images")
    assert (smallest.estimate, smallest.low, smallest.high) == pytest.approx((np.mean(shares), low, high))
    assert (following.where["budget"], following.where["recipe"]) == (10_000, "chosen")
    assert (prescribed.where["budget"], prescribed.where["recipe"]) == (22_000, "prescribed")
    assert prescribed.estimate == pytest.approx(0.854, abs=0.001)
    (mirror,) = claims(made.verdict, "test_mirror_accuracy")
    assert mirror.estimate == pytest.approx(np.mean(shares) + 0.01)
    assert "test mirror accuracy, % [95 %]" in made.table


def test_the_verdict_reads_as_the_golden_text(complete: tuple[Path, Answer]) -> None:
    assert markdown(complete[1]) == golden("tiny_cifar")


def test_each_choice_of_the_prescribed_config_is_told_paired_by_seed_with_it(tmp_path: Path) -> None:
    vary(tmp_path)
    made = make_answer(tmp_path, "tiny_cifar")
    own = [right({"budget": 22_000, "block": "residual", "seed": seed}) for seed in SEEDS]
    worse = [right({"budget": 22_000, "block": "inverted", "seed": seed}) for seed in SEEDS]
    (slow,), (blocks,) = (gaps(made.verdict, "prescribed", name) for name, _ in (SLOW, BLOCKS))
    assert (slow.estimate, slow.direction, slow.n) == (0, "not shown to differ", 3), "the made-up trials are alike"
    assert (blocks.estimate, blocks.direction) == (pytest.approx((np.mean(own) - np.mean(worse)) / IMAGES), "higher")
    assert blocks.where["budget"] == 22_000
    assert "What the choices bring," in made.text
    assert "the error is not shown to change with small steps, and rises with inverted blocks." in made.text
    assert "- inverted blocks (block inverted): test error 42" in made.text, "what differs from the prescribed config"
    assert "- small steps (lr 0.01): test error 14" in made.text
    assert "None of these networks made by hand for 22,000 parameters passes 85 % by itself." in made.text
    compared = made.differences[made.differences["from"] == "prescribed"]
    assert list(compared["to"]) == ["small steps", "inverted blocks"], "the sentences' numbers stand in the table"
    frontier_rows = pd.read_csv(tmp_path / "tables" / "frontier.csv")
    assert set(frontier_rows["recipe"]) == {"chosen", "prescribed"}
    assert claims(made.verdict, "test_accuracy")[0].where["budget"] == 22_000, "what passes is not changed by variants"
    axes = told(tmp_path, "tiny_cifar").drawings["ablation"].draw().axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["small steps", "inverted blocks"]
    assert [c.lines[0].get_ydata()[0] for c in axes.containers] == pytest.approx([0, 100 * blocks.estimate])


def test_a_variant_that_would_pass_is_told_and_not_claimed(tmp_path: Path) -> None:
    vary(tmp_path, 50_000)
    made = make_answer(tmp_path, "tiny_cifar")
    assert "by themselves small steps (88" in made.text
    assert "would pass 85 %, which is not claimed." in made.text
    assert claims(made.verdict, "test_accuracy", recipe="small steps")[0].low > 0.85


def test_without_variants_nothing_is_said_of_choices(complete: tuple[Path, Answer]) -> None:
    assert "What the choices bring" not in complete[1].text
    assert "ablation" not in told(complete[0], "tiny_cifar").drawings


def chosen(**accuracies: tuple[float, float]) -> pd.DataFrame:
    """Rows of `networks`, by budget: accuracy and lower bound."""
    return pd.DataFrame(
        {"budget": int(name[1:]), "recipe": "chosen", "test_accuracy": mean, "least": low}
        for name, (mean, low) in accuracies.items()
    )


@pytest.mark.parametrize(
    ("table", "budgets", "passed", "stop", "awaited", "alone"),
    [
        (chosen(b5=(0.8, 0.79), b10=(0.9, 0.88), b20=(0.9, 0.89)), [5, 10, 20], [20, 10], 5, None, []),
        (chosen(b5=(0.9, 0.87), b10=(0.9, 0.88)), [5, 10], [10, 5], None, None, []),
        (chosen(b5=(0.8, 0.7), b10=(0.86, 0.85)), [5, 10], [], 10, None, []),  # a bound on the line is not above it
        (chosen(b5=(0.9, 0.88), b10=(0.87, 0.84), b20=(0.9, 0.89)), [5, 10, 20], [20], 10, None, [5]),
        (chosen(b5=(0.9, 0.88), b10=(float("nan"), float("nan"))), [5, 10], [], 10, None, [5]),
        (chosen(b5=(0.9, 0.88)), [5, 10], [], None, 10, [5]),
        (chosen(b5=(0.9, 0.88)), [5], [5], None, None, []),
    ],
)
def test_budgets_are_tested_from_large_to_small_until_one_does_not_pass(
    table: pd.DataFrame, budgets: list[int], passed: list[int], stop: int | None, awaited: int | None, alone: list[int]
) -> None:
    better = table.assign(recipe="prescribed", least=0.99)
    found = frontier.descent(pd.concat([table, better]), budgets, 0.85)
    assert [row["budget"] for row in found.passed] == passed
    assert (found.stop["budget"] if found.stop else None) == stop
    assert found.awaited == awaited
    assert [row["budget"] for row in found.alone] == alone


def weak(*budgets: int) -> Callable[[dict[str, Any], str], Measured]:
    """Networks of these budgets read as if they were the smallest."""

    def made(config: dict[str, Any], phase: str) -> Measured:
        return measure(config, phase) if config["budget"] not in budgets else _as_small(config, phase)

    return made


def _as_small(config: dict[str, Any], phase: str) -> Measured:
    return measure({**config, "budget": 5_000}, phase)._replace(facts=measure(config, phase).facts)


def diverged(config: dict[str, Any], phase: str) -> Measured:
    made = measure(config, phase)
    own = (phase, config["budget"], config["seed"]) == ("confirm", 50_000, 2)
    return made._replace(status="diverged", arrays={}) if own else made


def unfinished(config: dict[str, Any], phase: str) -> Measured | None:
    return None if (phase, config["budget"]) == ("confirm", 50_000) else measure(config, phase)


@pytest.mark.parametrize(
    ("made", "stated", "said"),
    [
        (weak(22_000), [50_000, 22_000], "is **50,000 parameters**"),
        (weak(*BUDGETS), [50_000], "**No budget is shown to pass 85 %.**\n\nThe largest, 50,000"),
        (weak(50_000), [50_000, 22_000], "By themselves 22,000 (87.60 % ["),
        (diverged, [50_000, 22_000], "**No budget is shown to pass 85 %.**\n\nThe largest, 50,000"),
        (unfinished, [22_000], "50,000 parameters are not confirmed yet, and nothing is said of less."),
    ],
)
def test_the_words_follow_what_passes(
    tmp_path: Path, made: Callable[..., Measured | None], stated: list[int], said: str
) -> None:
    verdict = answered(tmp_path, made, draws=DRAWS[1:], prescribed=False).verdict
    found = claims(verdict, "test_accuracy")
    assert [claim.where["budget"] for claim in found] == stated
    assert np.isnan(found[0].estimate) == (made is diverged)
    text = blocks_to_markdown(verdict)
    assert said in text
    assert "nan" not in text


def test_one_seed_is_a_claim_about_one_network(tmp_path: Path) -> None:
    one = {"budgets": [50_000], "confirm_seeds": [1], "draws": DRAWS[:1]}
    draft = answered(tmp_path, **one)
    count = right({"budget": 50_000, "block": "residual", "seed": 1})
    low, high = stats.binomtest(count, IMAGES).proportion_ci(method="wilson")
    assert wilson_interval(count, IMAGES) == pytest.approx((low, high))
    (claim,) = claims(draft.verdict, "test_accuracy")
    assert (claim.n, claim.over) == (1, "images")
    assert (claim.estimate, claim.low, claim.high) == pytest.approx((count / IMAGES, low, high))
    assert "a claim about that one network" in markdown(draft)
    assert "Student" not in markdown(draft)
    assert list(draft.tables["frontier"]["recipe"]) == ["chosen"]
    assert "intervals over test images (n = 1)" in draft.drawings["frontier"].draw()._supxlabel.get_text()
    assert wilson_interval(0, 10)[0] == 0
    assert wilson_interval(10, 10)[1] == pytest.approx(1)


def test_tables_hold_networks_layer_by_layer_and_what_was_confused(complete: tuple[Path, Answer]) -> None:
    folder, made = complete
    tables = {name: pd.read_csv(folder / "tables" / f"{name}.csv") for name in ("frontier", "layers", "confusion")}
    networks, own = tables["frontier"], tables["layers"]
    assert list(networks["parameters"]) == [budget - budget // 200 for budget in BUDGETS for _ in range(2)]
    totals = own.groupby(["budget", "recipe"])[["parameters", "share", "multiplications"]].sum()
    assert list(totals["parameters"]) == list(networks["parameters"])
    assert totals["share"].to_numpy() == pytest.approx(1)
    assert list(totals["multiplications"]) == list(networks["multiplications"])
    assert list(own["layer"][:4]) == [1, 2, 3, 4]
    (bullets,) = [block for block in made.verdict if isinstance(block, Bullets)]
    assert [plain(item[0]) for item in bullets.items][1:] == [
        "2 × separable block: 16 maps of 8×8, 7,296 parameters each (66.7 %)",
        "head: 4 logits, 44 parameters (0.2 %)",
    ], "layers that are alike and follow each other share a line"
    wrong = sum(IMAGES - right({"budget": 22_000, "block": "separable", "seed": seed}) for seed in SEEDS)
    confusion = tables["confusion"].set_index("truth")
    assert list(confusion.index) == list(confusion.columns) == ["plane", "car", "bird", "cat"]
    assert confusion.loc["cat", "bird"] == wrong
    assert confusion.to_numpy().sum() == 3 * IMAGES
    assert frontier.most_confused(confusion) == ("cat", "bird", pytest.approx(wrong / (3 * IMAGES / CLASSES)))


def test_the_frontier_is_drawn_with_what_others_published_on_the_same_data_alone(tmp_path: Path) -> None:
    draft = answered(tmp_path)
    drawn = draft.drawings["frontier"].draw()
    line, prescribed = drawn.axes[0].containers
    networks = draft.tables["frontier"].set_index("recipe")
    assert list(line.lines[0].get_xdata()) == list(networks.loc["chosen", "parameters"])
    assert list(prescribed.lines[0].get_ydata()) == list(100 * networks.loc["prescribed", "test_accuracy"])
    hollow = [own for own in drawn.axes[0].lines if own.get_markerfacecolor() == "none"]
    assert [own.get_xdata()[0] for own in hollow] == [22_110, 97_530, 78_000]
    assert "Below the axis: 4 of 12 search trials." in drawn._supxlabel.get_text()
    assert set(draft.drawings) == {"frontier", "learning_curves", "confusion"}
    assert len(draft.drawings["learning_curves"].draw().axes) == len(BUDGETS)


def test_each_data_set_of_a_ledger_is_told_by_itself(tmp_path: Path) -> None:
    """Of one the classes' names are not known; one had a single seed at its smallest budget."""

    def made(config: dict[str, Any], phase: str) -> Measured | None:
        single = (phase, config["data"], config["budget"]) == ("confirm", "textures10", 10_000)
        return measure(config, phase) if not single or config["seed"] == 1 else None

    several = {"data": ["cifar10", "textures10"]}
    settings = {"precision": "bf16"}
    draft = answered(tmp_path, made, budgets=[10_000, 22_000], further=several, settings=settings)
    for data in several["data"]:
        assert claims(draft.verdict, "test_accuracy", data=data)[0].where["budget"] == 22_000
        assert {f"{name}_{data}" for name in ("frontier", "learning_curves", "confusion")} <= set(draft.drawings)
    other = draft.drawings["frontier_textures10"].draw().axes[0]
    assert not [own for own in other.lines if own.get_markerfacecolor() == "none"]
    assert [text.get_text() for text in other.texts] == ["n = 1", "n = 1"]
    text = blocks_to_markdown(draft.verdict)
    assert text.count("Published by others") == 1
    assert text.count("a fixed sequence") == 1, "what holds for both is said once"
    assert "Most often confused: class 3, read as 2 (" in text
    assert list(draft.tables["frontier_textures10"]["over"]) == ["images"] * 2 + ["seeds and images"] * 2


@pytest.mark.parametrize("lost", [SEEDS, SEEDS[:1]])
def test_a_network_whose_seeds_diverged_shows_no_confusion(lost: tuple[int, ...], tmp_path: Path) -> None:
    def diverging(config: dict[str, Any], phase: str) -> Measured:
        if phase == "confirm" and config["seed"] in lost:
            return Measured([{"steps": 1.0}], {}, {}, "diverged")
        return measure(config, phase)

    fill_question(tmp_path, "tiny_cifar", diverging, **{"factors": {"budget": [50_000]}, **PLAN})
    made = make_answer(tmp_path, "tiny_cifar")
    assert "No budget is shown to pass" in made.text
    assert not any("confusion" in path.name for path in made.files)
