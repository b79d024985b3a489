"""The answer on spatial transformers, from made-up ledgers: its words are those of the thresholds and the numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.verdicts.deformations import ELASTIC, FOLLOWED, ZOOM
from analysis.words import Difference, claims_of
from tests.support.synthetic import Measured, claims, fill_question, markdown, told

SETTINGS = {
    "data": "digits", "batch_size": 32, "sigma": 3.5, "points": 3, "zoom": 4.0, "depth": 2, "hidden": None,
    "train_size": None, "validation": 5000, "train_evaluated": 900, "precision": "fp32",
}  # fmt: skip
TUTORIAL = {"lr": 0.01, "optimiser": "sgd", "width": 8, "epochs": 2, "sampled": "normalised", "zoom_method": "package"}
OURS = {"lr": 0.001, "optimiser": "adam", "width": 8, "epochs": 2, "sampled": "raw", "zoom_method": "area"}
ORIGINS = {"none": ["original"], "elastic+zoom": ["original", "elastic", "zoom"], "R": ["R"]}
LEVELS = {"original": 0.95, "elastic": 0.60, "zoom": 0.80, "R": 0.85}
LEARNED = {
    "slant_r2": 0.20, "slant_control": 0.001, "shift_r2": 0.70, "shift_control": 0.002, "size_r2": 0.02,
    "size_control": 0.001, "zoom_undone": 0.30, "zoom_control": 0.0, "left": 0.60, "left_control": 1.02,
    "left_affine": 0.40, "variation": 1.5, "sharpness_before": 0.45, "sharpness": 0.55, "degenerate": 0.0,
}  # fmt: skip
IMAGES = 200


def right(level: float, seed: int, origin: str) -> np.ndarray:
    """Which images are right: so many, nearly the same for all seeds and networks."""
    draw = np.random.default_rng([len(origin), seed])
    hard = np.random.default_rng(len(origin)).random(IMAGES) + 0.1 * draw.random(IMAGES)
    known: np.ndarray = hard.argsort().argsort() < round(level * IMAGES)
    return known


def learned(copies: str, seed: int, numbers: dict[str, float]) -> dict[str, float]:
    """The measures of a transformer that such copies have, which vary a little with the seed."""
    has_zoom, displaced = "zoom" in copies, copies not in ("none", "zoom")
    kept = {}
    for name, value in numbers.items():
        absent = (name.startswith("zoom") and not has_zoom) or (name.startswith("left") and not displaced)
        absent |= name.endswith(("_r2", "_control")) and name[:2] in ("sl", "sh", "si") and copies == "R"
        if not absent:
            kept[name] = value * (1 + 0.01 * ((seed % 5) - 2)) if value > 0.1 else value
    return kept


def measured(config: dict[str, Any], phase: str, numbers: dict[str, float] = LEARNED, status: Any = "done") -> Measured:
    network, copies, seed = config["network"], config["copies"], config["seed"]
    origins = ORIGINS[copies]
    ahead = 0.10 if network == "affine" else 0.0
    lost = 0.2 if config["optimiser"] == "sgd" else 0.0
    correct = {o: right(LEVELS[o] - lost + (ahead if o == "elastic" else 0), seed, o) for o in origins}
    each = np.mean(list(correct.values()), axis=0)
    rows = [
        {"steps": i, "train_accuracy": 0.9, "train_loss": 0.3, "val_accuracy": float(each.mean()), "val_loss": 0.5}
        for i in (1.0, 2.0)
    ]
    arrays: dict[str, np.ndarray] = {}
    if phase == "confirm":
        for row in rows:
            row |= {"test_accuracy": float(each.mean()), "test_loss": 0.5}
            row |= {f"test_{o}_accuracy": float(own.mean()) for o, own in correct.items() if o != "R"}
        arrays = {"test_correct": each} | {f"test_{o}_correct": own for o, own in correct.items() if o != "R"}
        if network != "plain":
            rows[-1] |= {f"test_{name}": value for name, value in learned(copies, seed, numbers).items()}
            arrays |= pictures(len(origins))
        if "elastic" in copies:
            rows[-1]["test_little_ink"] = 0.0
    facts = {"parameters": 27_360, "test_labels": IMAGES, "train_labels": 100, "training_images": 100 * len(origins)}
    return Measured(rows, facts, arrays, status)


def pictures(origins: int) -> dict[str, np.ndarray]:
    shape = (origins, 3, 4)
    nodes = np.linspace(-1, 1, 8)
    grid = np.stack(np.meshgrid(nodes, nodes), -1)
    return {
        "examples_input": np.zeros((*shape, 28, 28), np.uint8), "examples_output": np.ones((*shape, 28, 28), np.uint8),
        "examples_grid": np.broadcast_to(grid, (*shape, 8, 8, 2)).astype(np.float32).copy(),
        "examples_right": np.ones(shape, bool), "examples_value": np.full(shape, 0.25),
        "class_means": np.zeros((origins, 2, 10, 28, 28), np.uint8), "class_sharpness": np.full((origins, 2), 0.5),
    }  # fmt: skip


def answered(
    folder: Path, made: Any = measured, *, networks: Any = ("plain", "affine"),
    copies: Any = ("none", "elastic+zoom"), **changed: Any,
) -> Any:  # fmt: skip
    fill_question(
        folder, "stn_deformations", made, factors={"network": list(networks), "copies": list(copies)},
        draws=[TUTORIAL, OURS], settings=SETTINGS, prescribed=True,
        report=["original_accuracy", "elastic_accuracy", "zoom_accuracy"], **changed,
    )  # fmt: skip
    return told(folder, "stn_deformations")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return answered(tmp_path_factory.mktemp("ledger"))


def test_the_answer_begins_with_what_the_transformer_undoes(made: Any) -> None:
    text = markdown(made)
    assert text.startswith("Without copies the test accuracy is 95.0 % [")
    assert "With elastic and zoomed copies the test accuracy is 78.3 % [" in text.splitlines()[0]
    assert "with a plain network and 81.7 % [" in text.splitlines()[0]
    clause = "which has learned to undo the elastic deformation, and has partly learned to undo the zoom."
    assert clause in text.splitlines()[0]
    assert "nan" not in text.lower()


def test_every_number_has_its_word_its_interval_and_its_control(made: Any) -> None:
    text = markdown(made)
    assert "the place: learned (R² of shift by centre of mass 0.70" in text
    assert "the slant: partly learned (R² of shear by slant 0.20" in text
    assert "the size: not shown to be learned" in text
    assert "; 0.002 shuffled)" in text
    assert "; 1.020 shuffled, 0.400 by the best affine maps)" in text
    assert "Its maps differ between images by 1.50 px" in text
    assert "Sharpness of class means: 0.450 before, 0.55" in text
    table = made.tables["learned"].set_index(["copies", "recipe", "measure"])["word"]
    assert table["none", "chosen", "shift_r2"] == "learned"
    assert table["elastic+zoom", "chosen", "zoom_undone"] == "partly learned"
    assert ("none", "chosen", "left") not in table, "nothing was displaced"
    (level,) = claims(made.verdict, "test_left", copies="elastic+zoom", recipe="chosen")
    assert level.n == 5
    assert level.low < 0.6 < level.high


def test_accuracy_is_told_by_origin_and_compared_by_seed(made: Any) -> None:
    text = markdown(made)
    assert "affine, copies elastic+zoom: 81.7 % [" in text
    assert "elastic copies 70.0 % [" in text
    assert "With copies elastic+zoom, 100 training images become 300 and 200 test images 600." in text
    assert "training 90.0 %), n = 5" in text
    assert "affine, copies elastic+zoom, prescribed config: 61.7 % [" in text
    gaps = {
        (one.metric, one.where["copies"]): one
        for one in claims_of(made.verdict)
        if isinstance(one, Difference) and one.factor == "network"
    }
    assert gaps["test_elastic_accuracy", "elastic+zoom"].estimate == pytest.approx(0.10, abs=0.005)
    assert gaps["test_elastic_accuracy", "elastic+zoom"].direction == "higher"
    assert gaps["test_zoom_accuracy", "elastic+zoom"].direction == "not shown to differ"
    assert ("test_elastic_accuracy", "none") not in gaps, "there are no elastic copies"
    assert "rises with copies elastic+zoom (all images) and copies elastic+zoom (elastic copies)" in text


def test_a_transformer_that_hardly_moves_follows_nothing(tmp_path: Path) -> None:
    def still(config: dict[str, Any], phase: str) -> Measured:
        return measured(config, phase, {**LEARNED, "variation": 0.05, "shift_r2": 0.9})

    text = markdown(answered(tmp_path, still))
    assert "0.05 px" in text
    assert "all get nearly the same one" in text
    assert "the place: not shown to be learned" in text
    assert "the place: learned" not in text


def test_where_the_shuffled_control_explains_too_much_nothing_is_said(tmp_path: Path) -> None:
    def leaking(config: dict[str, Any], phase: str) -> Measured:
        return measured(config, phase, {**LEARNED, "shift_control": 0.06})

    text = markdown(answered(tmp_path, leaking))
    assert "the place: no word" in text
    assert "as the shuffled control is not below 0.05" in text


def test_words_are_for_the_bound_that_is_less_in_favour() -> None:
    def row(measure: str, value: float, low: float, high: float, kind: str = "these images") -> dict[str, Any]:
        numbers = {"": value, "_low": low, "_high": high, "_interval": kind}
        control = {f"test_{one.control}": 0.0 for one in (*FOLLOWED, ZOOM, ELASTIC)}
        return control | {"test_variation": 1.0} | {f"test_{measure}{end}": own for end, own in numbers.items()}

    assert ZOOM.word(row("zoom_undone", 0.55, 0.51, 0.6)) == "learned"
    assert ZOOM.word(row("zoom_undone", 0.55, 0.49, 0.6)) == "partly learned"
    assert ZOOM.word(row("zoom_undone", 0.15, 0.09, 0.2)) == "not shown to be learned"
    assert ELASTIC.word(row("left", 0.70, 0.60, 0.73)) == "learned"
    assert ELASTIC.word(row("left", 0.70, 0.60, 0.74)) == "partly learned"
    assert ELASTIC.word(row("left", 0.94, 0.90, 0.96)) == "not shown to be learned"
    assert ELASTIC.word(row("left", 1.0, np.nan, np.nan, "seeds alike")) == "not shown to be learned"
    assert ELASTIC.word(row("left", 0.5, np.nan, np.nan, "one seed")) == "no word"
    assert FOLLOWED[0].word(row("slant_r2", 0.6, 0.5, 0.7)) == "learned"


def test_a_condition_with_a_collapsed_seed_has_no_number(tmp_path: Path) -> None:
    def collapsing(config: dict[str, Any], phase: str) -> Measured:
        fails = (config["network"], config["copies"], config["seed"], phase) == ("affine", "elastic+zoom", 2, "confirm")
        return measured(config, phase, status="collapsed" if fails else "done")

    text = markdown(answered(tmp_path, collapsing))
    assert "an affine transformer, which collapsed or diverged on a seed" in text
    assert "affine, copies elastic+zoom: no number, as a seed collapsed or diverged" in text
    assert "the zoom: no number, as a seed collapsed or diverged" in text
    assert "nan" not in text.lower()


def test_distortions_stand_beside_the_papers_table(tmp_path: Path) -> None:
    made = answered(tmp_path, copies=("R",))
    text = markdown(made)
    assert "rotations: learned (displacement left 0.60" in text
    assert "under another protocol" in text
    assert "affine (paper): R 0.7 %" in text
    drawn = made.drawings["accuracy"].draw()
    assert {"plain", "affine", "CNN (paper)", "tps (paper)"} <= {t.get_text() for t in drawn.legends[0].get_texts()}


def test_a_transformer_alone_is_compared_with_nothing(tmp_path: Path) -> None:
    made = answered(tmp_path, networks=("affine",), copies=("none",))
    text = markdown(made)
    assert text.startswith("Without copies the test accuracy is 95.0 % [")
    assert "which has learned to follow the place, and has partly learned to follow the slant" in text.splitlines()[0]
    assert "in the place of" not in text
    assert [axes.get_title("left") for axes in made.drawings["accuracy"].draw().axes] == ["originals"]


def test_what_was_not_deformed_is_not_said_to_be_undone(tmp_path: Path) -> None:
    """With a zoom by 1, trials have no number for it."""

    def unzoomed(config: dict[str, Any], phase: str) -> Measured:
        return measured(config, phase, {name: own for name, own in LEARNED.items() if not name.startswith("zoom")})

    text = markdown(answered(tmp_path, unzoomed))
    assert "undo the elastic deformation" in text
    assert "the zoom" not in text


def test_little_ink_is_a_ceiling_that_is_told(tmp_path: Path) -> None:
    def faint(config: dict[str, Any], phase: str) -> Measured:
        made = measured(config, phase)
        if phase == "confirm" and config["copies"] != "none":
            made.rows[-1]["test_little_ink"] = 0.48  # type: ignore[index]
        return made

    text = markdown(answered(tmp_path, faint))
    assert "48.0 % of the elastic copies keep less than a fifth of their ink." in text
    assert "at most about 52 %" in text


def test_figures_show_accuracy_curves_and_what_the_transformer_does(made: Any) -> None:
    assert {*made.drawings} == {
        "accuracy", "learning_curves", "transforms_affine_none", "class_means_affine_none",
        "transforms_affine_elastic_zoom", "class_means_affine_elastic_zoom",
    }  # fmt: skip
    panels = [axes.get_title("left") for axes in made.drawings["accuracy"].draw().axes]
    assert panels == ["all images", "originals", "elastic copies", "zoomed copies"]
    shown = made.drawings["transforms_affine_elastic_zoom"].draw()
    assert [axes.get_title("left") for axes in shown.axes] == ["originals", "copies: elastic", "copies: zoom"]
    assert len(shown.axes[0].lines) == 12 * 16, "eight lines along either axis over each of twelve images"
    assert len(made.drawings["class_means_affine_none"].draw().axes[0].images) == 1
    assert len(made.drawings["learning_curves"].draw().axes) == 2
