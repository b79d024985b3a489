"""The answer to cifar_transfer, on made-up ledgers in which it is known which method is best, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.numbers.bias_variance import decompose
from analysis.report.join import Joined
from analysis.report.markup import blocks_to_markdown
from tests.support.synthetic import Measured, claims, data_set, fill_question, gaps, golden, hash_of, markdown, told

METHODS = ["finetune", "knn", "own", "own_no_replay"]
FACTORS = {"method": METHODS, "train_size": [100, 1_000]}
SETTINGS = {"source": "textures100", "target": "textures10", "source_width": 8, "precision": "fp32"}
DRAWS = [{"lr": lr, "k": 5, "tuning_lr": 1e-3} for lr in (0.01, 0.1)]
SEEDS = (1, 2, 3, 4, 42)
IMAGES, CLASSES = 400, 10
WRONG = {("finetune", 100): 220, ("knn", 100): 200, ("own", 100): 160, ("own_no_replay", 100): 160,
         ("finetune", 1_000): 120, ("knn", 1_000): 150, ("own", 1_000): 80, ("own_no_replay", 1_000): 95}  # fmt: skip
"""Test images that are always read wrong: the bias. Each seed errs on some more."""
PLAN = {
    "select": "max val_accuracy", "report": ["source_accuracy"], "oracle": False, "data_fields": ["source", "target"],
    "data": [data_set(name) for name in ("textures100", "textures10")],
}  # fmt: skip


def measure(config: dict[str, Any], phase: str) -> Measured:
    """A trial: wrong are its condition's images, and four of the seed's own, which are the same for all methods."""
    where = (config["method"], config["train_size"])
    draw = np.random.default_rng(hash_of("labels"))
    labels = draw.integers(0, CLASSES, IMAGES)
    wrong = np.arange(IMAGES) < WRONG[where] + (hash_of(*where, config["seed"]) % 3) + 10 * (config["lr"] == 0.1)
    wrong[380 - 4 * (config["seed"] % 5) :][:4] = True
    predicted = np.where(wrong, (labels + 1) % CLASSES, labels)
    accuracy, kept = float((~wrong).mean()), 0.4 - 0.1 * (config["method"] == "own_no_replay")
    rows: list[dict[str, float]] = [{"steps": 10.0, "val_accuracy": accuracy, "val_source_accuracy": kept}]
    facts = {"train_labels": config["train_size"], "validation_labels": 100}
    if phase == "search":
        return Measured(rows, facts, {})
    kept += 0.001 * (config["seed"] % 7) * (config["method"] == "own_no_replay")
    rows[-1] |= {"test_accuracy": accuracy, "test_source_accuracy": kept}
    facts |= {"test_labels": IMAGES, "test_source_labels": 500}
    arrays = {
        "test_correct": ~wrong,
        "test_predicted": predicted.astype(np.int16),
        "test_labels": labels.astype(np.int16),
    }
    return Measured(rows, facts, arrays)


def drafted(folder: Path, made: Any = measure, **changed: Any) -> Joined:
    shared = {"factors": FACTORS, "draws": DRAWS, "settings": SETTINGS, "search_seeds": [1001],
              "confirm_seeds": SEEDS, "extra_seeds": [42]}  # fmt: skip
    fill_question(folder, "cifar_transfer", made, **{**shared, **PLAN, **changed})
    return told(folder, "cifar_transfer")


@pytest.fixture(scope="module")
def draft(tmp_path_factory: pytest.TempPathFactory) -> Joined:
    return drafted(tmp_path_factory.mktemp("transfer"))


def test_the_verdict_tells_who_beats_whom_and_where_they_cross(draft: Joined) -> None:
    for before, after, few, many in (
        ("finetune", "own", "higher", "higher"),
        ("knn", "finetune", "lower", "higher"),
        ("own", "own_no_replay", "not shown to differ", "lower"),
    ):
        directions = {gap.where["train_size"]: gap.direction for gap in gaps(draft.verdict, before, after)}
        assert directions == {100: few, 1_000: many}
    assert "They cross between 100 and 1,000 images: beyond, finetune is better." in markdown(draft)
    assert draft.differences is not None
    assert len(draft.differences) == 2 * 4
    differences = draft.differences.set_index(["from", "to", "train_size"])["difference"]
    assert differences["finetune", "own", 100] == pytest.approx(60 / IMAGES, abs=0.01)


def test_the_verdict_reads_as_the_golden_text(draft: Joined) -> None:
    assert markdown(draft) == golden("cifar_transfer")


def test_forgetting_is_told_by_what_the_source_network_itself_reads(draft: Joined) -> None:
    kept = claims(draft.verdict, "test_source_accuracy")
    assert [(claim.where["method"], claim.where["train_size"]) for claim in kept] == [
        (method, size) for method in ("own", "own_no_replay") for size in (100, 1_000)
    ]
    assert [claim.estimate for claim in kept] == pytest.approx([0.4, 0.4, 0.3025, 0.3025])
    table = draft.tables["forgetting"].set_index(["method", "train_size"])
    assert table.loc[("knn", 100), "test_source_accuracy"] == pytest.approx(0.4)


def test_seed_42_stands_by_itself(draft: Joined) -> None:
    (line,) = [text for text in blocks_to_markdown(draft.verdict).split("\n\n") if "Seed 42" in text]
    assert "100 images finetune" in line
    assert draft.tables["bias_variance"]["n"].tolist() == [4] * 8, "and is in no mean"


def test_error_is_bias_and_variance(draft: Joined) -> None:
    table = draft.tables["bias_variance"].set_index(["method", "train_size"])
    np.testing.assert_allclose(table["error"], table["bias"] + table["variance"])
    assert table.loc[("own", 100), "bias"] == pytest.approx(160 / IMAGES, abs=0.011)
    assert table.loc[("own", 100), "variance"] == pytest.approx(4 / IMAGES, abs=0.011)
    few, many = (table.loc[("finetune", size), "bias"] for size in (100, 1_000))
    assert f"in points: finetune bias −{100 * (few - many):.1f}" in markdown(draft)


def test_bias_and_variance_by_hand() -> None:
    labels = np.array([0, 0, 1, 1])
    predicted = np.array([[0, 1, 0, 2], [0, 0, 0, 1], [0, 0, 1, 2]])  # the main prediction: 0, 0, 0, 2
    found = decompose(predicted, labels)
    assert found.bias == 0.5
    assert found.unbiased == pytest.approx(1 / 12)
    assert found.biased == pytest.approx(2 / 12)
    assert found.error == pytest.approx(5 / 12)
    assert found.error == pytest.approx(found.bias + found.variance)


def test_every_figure_names_the_data(draft: Joined) -> None:
    assert set(draft.drawings) == {"test_error", "differences", "ablation", "forgetting", "bias_variance"}
    for drawing in draft.drawings.values():
        assert "textures10 (built-in)" in " ".join(drawing.draw()._supxlabel.get_text().split())
    assert set(draft.tables) == {"ablation", "forgetting", "bias_variance"}


def test_one_method_without_arrays_still_has_an_answer(tmp_path: Path) -> None:
    def bare(config: dict[str, Any], phase: str) -> Measured:
        return measure(config, phase)._replace(arrays={})

    draft = drafted(tmp_path, bare, factors={"method": ["knn"], "train_size": [100]}, confirm_seeds=[1])
    assert set(draft.drawings) == {"test_error", "forgetting"}
    assert draft.differences is not None
    assert draft.differences.empty
    for absent in ("cross", "nan", "Why", "Seed 42"):
        assert absent not in blocks_to_markdown(draft.verdict)


def test_an_ablation_alone_has_an_answer_too(tmp_path: Path) -> None:
    draft = drafted(tmp_path, factors={"method": ["own_no_replay"], "train_size": [100]})
    (claim,) = claims(draft.verdict, "test_accuracy")
    assert (claim.where["method"], round(claim.estimate, 3)) == ("own_no_replay", 0.588)
    assert set(draft.drawings) == {"test_error", "forgetting", "bias_variance"}


def test_a_seed_that_diverged_is_left_out_of_no_bias(tmp_path: Path) -> None:
    def diverging(config: dict[str, Any], phase: str) -> Measured:
        made = measure(config, phase)
        lost = (config["method"], config["train_size"], config["seed"]) == ("own", 100, 2) and phase == "confirm"
        return Measured([{"steps": 1.0, "val_accuracy": 0.1}], {}, {}, "diverged") if lost else made

    draft = drafted(tmp_path, diverging)
    listed = set(draft.tables["bias_variance"][["method", "train_size"]].itertuples(index=False, name=None))
    assert ("own", 100) not in listed
    assert ("own", 1_000) in listed
    assert "own bias" not in markdown(draft).partition("From 100 to 1,000")[2]
