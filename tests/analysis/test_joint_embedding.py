"""The answer to joint_embedding, on made-up ledgers in which the truth is known."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.figures import style
from analysis.figures.maps import draw_scatter
from analysis.figures.style import Words
from analysis.numbers.intervals import image_standard_error
from analysis.numbers.results import records
from analysis.numbers.trends import trends
from analysis.report.join import Joined
from analysis.report.markup import blocks_to_markdown
from analysis.verdicts.embedding import can_be_mapped, plane
from analysis.verdicts.trends import describe_trends
from analysis.words import Difference, claims_of
from tests.support.synthetic import (
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

FACTORS = {"colour": ["gray", "colour"], "mining": ["random", "semi-hard", "hard", "classifier"]}
SETTINGS = {"first": "digits", "second": "house_digits", "train_size": 500, "precision": "fp32"}
DRAWS = [{"lr": lr, "margin": margin, "dimensions": 16} for lr in (0.001, 0.01) for margin in (0.05, 0.1, 0.2, 0.4)]
SEEDS = (1, 2, 3)
IMAGES = 120
SHARES = np.array([[0.1] * 10, [0.2] * 4 + [0.2 / 6] * 6])
"""Of each class among the test images of each domain: a neighbour drawn at random is right in 10 % and in 16.7 %."""
ACCURACY = {"random": 0.5, "semi-hard": 0.8, "hard": 0.79, "classifier": 0.4}
"""Across domains; colour adds 0.05, a wider margin takes from it."""
PLAN = {
    "select": "max val_cross_accuracy", "data_fields": ["first", "second"], "oracle": False,
    "report": ["first_to_second_accuracy", "second_to_first_accuracy"],
    "data": [data_set(name) for name in ("digits", "house_digits")],
}  # fmt: skip


def measure(config: dict[str, Any], phase: str) -> Measured:
    """A trial: accuracies of its condition, less by its margin, and a little noise that its seed brings."""
    draw = np.random.default_rng(hash_of(config["mining"], config["colour"], config["lr"], config["seed"], phase))
    level = ACCURACY[config["mining"]] + 0.05 * (config["colour"] == "colour") - 0.2 * config["margin"]
    level += draw.normal(0, 0.004)
    ways = {"first_to_second": level - 0.05, "second_to_first": level + 0.05, "first": 0.93, "second": level + 0.08}
    ways |= {"head_first": 0.97, "head_second": 0.9} if config["mining"] == "classifier" else {}
    measured = {f"{name}_accuracy": value for name, value in ways.items()}
    measured |= {"cross_accuracy": level, "recall_at_5": level + 0.1, "recall_at_10": level + 0.12, "map_at_r": level}
    triplets = config["mining"] != "classifier"
    rows = [
        {"steps": 8.0 * i, "train_loss": 0.2 / i, **{f"val_{name}": value for name, value in measured.items()}}
        | ({"train_active": 0.5 / i, "val_active": 0.6 / i, "val_loss": 0.25 / i} if triplets else {})
        for i in (1, 2, 3)
    ]
    facts = {"train_labels": 1_000, "validation_labels": 400, "test_labels": 2 * IMAGES}
    if phase == "search":
        return Measured(rows, facts, {})
    rows[-1] |= {f"test_{name}": value for name, value in measured.items()}
    return Measured(rows, facts, arrays(draw, ways))


def bare(config: dict[str, Any], phase: str) -> Measured:
    """Such a trial without arrays."""
    return measure(config, phase)._replace(arrays={})


def arrays(draw: np.random.Generator, ways: dict[str, float]) -> dict[str, np.ndarray]:
    """What a confirmed trial leaves: ten clusters of both domains, but that of 4, whose domains are apart."""
    right = {
        name: draw.permutation(IMAGES) < round(ways[name] * IMAGES) for name in ("first_to_second", "second_to_first")
    }
    label, domain = np.tile(np.arange(10), 12), np.repeat([0, 1], 60)
    gallery = np.random.default_rng(3)
    near = {name: gallery.integers(IMAGES, size=IMAGES) for name in right}
    without = {name: own & (gallery.random(IMAGES) < 0.9) for name, own in right.items()}
    points = np.random.default_rng(0).normal(size=(11, 8))[np.where((label == 4) & (domain == 1), 10, label)]
    points = points + 0.1 * draw.normal(size=points.shape)
    classes = np.arange(10)
    found = np.tile(classes[:, None], (2, 1, 6))
    found[:, 3, 2] = 8
    return {
        **{f"test_{name}_correct": own for name, own in right.items()},
        **{f"test_{name}_nearest": IMAGES + own for name, own in near.items()},
        **{f"test_{name}_without": own for name, own in without.items()},
        "test_cross_correct": np.concatenate([*right.values()]), "test_cross_strata": np.repeat([0, 1], IMAGES),
        "test_cross_nearest": np.concatenate([*near.values()]) + np.repeat([IMAGES, 0], IMAGES),
        "test_cross_without": np.concatenate([*without.values()]),
        "embedding": (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32),
        "embedding_label": label.astype(np.int16), "embedding_domain": domain.astype(np.int8),
        "class_distance": (1 - 0.7 * np.eye(10)).astype(np.float32), "class_share": SHARES,
        "sheet_query": draw.integers(0, 255, (2, 10, 8, 8, 3), dtype=np.uint8),
        "sheet_query_label": np.tile(classes, (2, 1)),
        "sheet_neighbour": draw.integers(0, 255, (2, 10, 6, 8, 8, 3), dtype=np.uint8),
        "sheet_neighbour_label": found,
    }  # fmt: skip


def sweep(folder: Path, made: Callable[..., Measured | None] = measure, **changed: Any) -> None:
    shared = {"factors": FACTORS, "draws": DRAWS, "settings": SETTINGS, "search_seeds": [0], "confirm_seeds": SEEDS}
    fill_question(folder, "joint_embedding", made, **{**shared, **PLAN, **changed})


def answered(folder: Path, made: Callable[..., Measured | None] = measure, **changed: Any) -> Joined:
    sweep(folder, made, **changed)
    return told(folder, "joint_embedding")


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Joined]:
    """A finished sweep, and what the question's file makes of it."""
    folder = tmp_path_factory.mktemp("joint")
    return folder, answered(folder)


def test_the_verdict_tells_the_best_condition_by_validation_with_its_numbers(complete: tuple[Path, Joined]) -> None:
    folder, draft = complete
    with findings(folder) as found:
        best = found.best.loc[found.best["val_cross_accuracy"].idxmax()]
        assert (best["mining"], best["colour"]) == ("semi-hard", "colour")
        expected = found.compare("mining", "random", "semi-hard", "test_cross_accuracy").iloc[1]
    for way in ("first_to_second", "second_to_first", "first", "second"):
        (claim,) = claims(draft.verdict, f"test_{way}_accuracy")
        assert (claim.where["mining"], claim.where["colour"]) == ("semi-hard", "colour")
        table = [best[f"test_{way}_accuracy{end}"] for end in ("", "_low", "_high")]
        assert [claim.estimate, claim.low, claim.high] == pytest.approx(table, nan_ok=True)
    (gap,) = gaps(draft.verdict, "random", "semi-hard")
    assert (gap.estimate, gap.low, gap.direction) == (expected["difference"], expected["low"], "higher")
    (colours,) = gaps(draft.verdict, "gray", "colour")
    assert (colours.factor, colours.direction) == ("colour", "higher")


def test_the_verdict_reads_as_the_golden_text_and_calls_data_sets_by_their_names(
    complete: tuple[Path, Joined],
) -> None:
    text = markdown(complete[1])
    assert text == golden("joint_embedding")
    assert not re.search(r"\b(first|second)\b", text)


def test_a_difference_whose_interval_holds_zero_is_not_shown(tmp_path: Path) -> None:
    def alike(config: dict[str, Any], phase: str) -> Measured:
        return bare({**config, "mining": "hard" if config["seed"] == 2 else "semi-hard"}, phase)

    made = answered(tmp_path, alike, factors=FACTORS | {"mining": ["semi-hard", "hard"]}, draws=DRAWS[:1])
    minings = [claim for claim in claims_of(made.verdict) if isinstance(claim, Difference) and claim.factor == "mining"]
    assert [claim.direction for claim in minings] == ["not shown to differ"], "and no gap to a classifier"
    assert "fewer than 8 configs were searched" in markdown(made)


def test_the_gap_to_the_classifier_is_paired_by_seed(complete: tuple[Path, Joined]) -> None:
    folder, draft = complete
    with findings(folder) as found:
        gray = found.seeds[found.seeds["colour"] == "gray"].set_index(["mining", "seed"])
    head = gray.loc["classifier", "test_head_second_accuracy"]
    expected = (head - gray.loc["hard", "test_second_to_first_accuracy"]).mean()
    gaps = draft.tables["gap_to_classifier"].set_index(["mining", "colour", "first", "second"]).sort_index()
    row = gaps.loc[("hard", "gray", "test_head_second_accuracy", "test_second_to_first_accuracy")]
    assert row["difference"] == pytest.approx(expected)
    assert row["low"] < expected < row["high"]
    assert row["n"] == len(SEEDS)
    assert "classifier" not in gaps.index.get_level_values("mining")
    space = gaps.loc[("hard", "gray", "test_cross_accuracy", "test_cross_accuracy")]
    assert space["difference"] == pytest.approx(-0.39, abs=0.02)  # its own embedding retrieves worse


def test_intervals_count_the_gallery_and_say_so_where_it_is_not_known(tmp_path: Path) -> None:
    def earlier(config: dict[str, Any], phase: str) -> Measured:
        made = measure(config, phase)
        kept = {name: own for name, own in made.arrays.items() if not name.endswith(("nearest", "without"))}
        return made._replace(arrays=kept)

    def best(folder: Path, made: Callable[..., Measured | None]) -> dict[str, Any]:
        sweep(folder, made)
        with findings(folder) as found:
            first = records(found.best)[0]
            own = found.seeds[found.seeds["condition"] == found.seeds["condition"].iloc[0]]
            right = np.stack([found.results.arrays(trial)["test_cross_correct"] for trial in own["trial"]])
        return first | {"alone": image_standard_error(right, np.repeat([0, 1], IMAGES))}

    counted, unknown = best(tmp_path / "now", measure), best(tmp_path / "then", earlier)
    assert counted["test_cross_accuracy_interval"] == "new images"
    assert counted["test_cross_accuracy_image_se"] > counted["alone"]
    assert unknown["test_cross_accuracy_interval"] == "these images", "the plan says that it rests on a gallery"
    assert unknown["test_cross_accuracy"] == counted["test_cross_accuracy"]


def test_measures_have_every_number_with_its_interval_and_the_sets_by_name(complete: tuple[Path, Joined]) -> None:
    table = complete[1].tables["measures"]
    assert len(table) == 8
    assert set(table["first"]) == {"digits"}
    for name in ("cross_accuracy", "first_to_second_accuracy", "second_accuracy", "recall_at_5", "map_at_r"):
        assert (table[f"test_{name}_low"] <= table[f"test_{name}"]).all()
        assert (table[f"test_{name}"] <= table[f"test_{name}_high"]).all()
    assert table["test_head_first_accuracy"].notna().sum() == 2
    compared = complete[1].differences
    assert compared is not None
    assert set(compared["metric"]) == {
        f"test_{way}_accuracy" for way in ("cross", "first_to_second", "second_to_first")
    }


def test_figures_say_what_they_show(complete: tuple[Path, Joined]) -> None:
    draft = complete[1]
    assert set(draft.drawings) == {
        "accuracy", "differences", "tsne", "retrieval", "class_distance", "learning_curves", "margin",
    }  # fmt: skip
    notes = {name: " ".join(drawing.draw()._supxlabel.get_text().split()) for name, drawing in draft.drawings.items()}
    assert all("digits (built-in), house_digits (built-in)" in note for note in notes.values())
    assert "semi-hard mining on colour images, seed 1" in notes["tsne"]
    assert "semi-hard mining on colour images, mean over 3 seeds" in notes["class_distance"]
    assert "Mean over 3 fresh seeds. 95 % bars hold for new seeds and images;" in notes["accuracy"]
    stored = "house_digits queries in house_digits: for new seeds on these images. No bar: seeds alike."
    assert notes["accuracy"].endswith(stored), "which images are right is known across domains alone"
    assert "interval" not in notes["margin"] + notes["retrieval"] + notes["tsne"]
    titles = [axes.get_title(loc="left") for axes in draft.drawings["retrieval"].draw().axes]
    assert titles == ["digits queries, nearest in house_digits", "house_digits queries, nearest in digits"]
    panels = [axes.get_title(loc="left") for axes in draft.drawings["learning_curves"].draw().axes[:3]]
    assert panels == ["mining random", "mining semi-hard", "mining hard"]  # cross-entropy is no triplet loss


@pytest.mark.slow
def test_the_prescribed_config_is_told_in_each_condition_and_against_the_chosen_one(tmp_path: Path) -> None:
    """The prescribed margin is the widest, which costs 7 points more than the narrowest; the classifier has none."""
    draws = sorted(DRAWS, key=lambda draw: -draw["margin"])
    made = answered(tmp_path, prescribed=True, draws=draws)
    told_of = claims(made.verdict, "test_cross_accuracy", recipe="prescribed")
    assert [(c.where["mining"], c.where["colour"]) for c in told_of] == [
        (mining, colour) for colour in FACTORS["colour"] for mining in FACTORS["mining"]
    ]
    (best,) = claims(made.verdict, "test_cross_accuracy", recipe="prescribed", mining="semi-hard", colour="gray")
    assert best.estimate == pytest.approx(0.8 - 0.2 * 0.4, abs=0.01)
    against = [gap for gap in gaps(made.verdict, "prescribed", "chosen") if gap.metric == "test_cross_accuracy"]
    assert len(against) == 8
    assert [gap.estimate for gap in against] == pytest.approx([0.07] * 8, abs=0.012)
    text = blocks_to_markdown(made.verdict)
    assert "With the prescribed config (lr 0.001, margin 0.4 and dimensions 16), accuracy across domains is" in text
    assert "Against it, paired by seed, that of the chosen config is" in text
    table = made.differences
    assert table is not None
    assert (table["factor"] == "recipe").sum() == 8, "what the sentence says stands in the table"
    drawn = made.drawings["prescribed_curves"].draw()
    labels = [axes.get_ylabel() for axes in drawn.axes if axes.get_ylabel()]
    assert labels == ["accuracy across\ndomains, %", "triplet loss", "share of\nactive triplets"]
    assert "levels of the loss compare." in " ".join(drawn._supxlabel.get_text().split())
    validation = drawn.axes[0].lines[1].get_ydata()
    assert validation[-1] == pytest.approx(100 * (0.5 - 0.08), abs=1)


@pytest.mark.slow
def test_the_map_keeps_neighbours_and_is_the_same_again(tmp_path: Path) -> None:
    stored = arrays(np.random.default_rng(1), {"first_to_second": 0.5, "second_to_first": 0.5})
    assert can_be_mapped(stored)
    table = plane(stored, ("a", "b"))
    points = table[["x", "y"]].to_numpy()
    distances = np.linalg.norm(points[:, None] - points[None], axis=2) + 1e9 * np.eye(len(points))
    nearest = distances.argmin(axis=1)
    assert (table["class"].to_numpy()[nearest] == table["class"]).mean() > 0.95
    others = (table["class"] != 4).to_numpy()
    crossed = (table["domain"].to_numpy()[nearest] != table["domain"]).to_numpy()
    assert not crossed[~others].any(), "the two domains of class 4 lie apart"
    assert crossed[others].mean() > 0.3
    saved = []
    for name in ("one", "other"):
        figure = draw_scatter(plane(stored, ("a", "b")), Words("t", "", "", "n"), colour="class", mark="domain")
        saved.append([path.read_bytes() for path in style.save(figure, tmp_path / name, "it")])
    assert saved[0] == saved[1]


@pytest.mark.parametrize("harm", ["collapsed", "not a number", "one dimension", "few", "absent"])
def test_an_embedding_that_has_nothing_to_show_is_not_mapped(harm: str) -> None:
    space = np.random.default_rng(0).normal(size=(40, 4))
    harmed = {
        "collapsed": space * 0 + 0.5,
        "not a number": space * np.nan,
        "one dimension": space[:, :1],
        "few": space[:5],
    }
    given = {"embedding": harmed[harm]} if harm in harmed else {}
    assert not can_be_mapped(given)


def test_trends_are_of_configs_not_of_trials_and_need_enough_of_them() -> None:
    rows = pd.DataFrame(
        {"mining": kind, "margin": margin, "seed": seed, "val": (margin if kind == "hard" else -margin) + 0.01 * seed}
        for kind, n in (("hard", 8), ("random", 8), ("semi-hard", 7)) for margin in range(n) for seed in (0, 1)
    )  # fmt: skip
    table = trends(rows, "margin", "val", configs=["margin"], by=["mining"]).set_index("mining")
    assert list(table["configs"]) == [8, 8, 7]
    assert table.loc["hard", "rho"] == pytest.approx(1)
    assert table.loc["random", "rho"] == pytest.approx(-1)
    assert np.isnan(table.loc["semi-hard", "p"])
    assert table.loc["hard", "p_holm"] == pytest.approx(2 * table.loc["hard", "p"]), "two conditions were tested"
    said = describe_trends(table.reset_index(), "margin", "accuracy")
    assert "accuracy rises with the margin in 1 of 3 conditions (hard: ρ +1.00); it falls" in said


def test_what_is_missing_costs_its_figure_and_no_more(tmp_path: Path) -> None:
    def partly(config: dict[str, Any], phase: str) -> Measured | None:
        """One condition alone, and nothing stored."""
        own = config["mining"] == "hard" and config["colour"] == "gray"
        return bare(config, phase) if own else None

    draft = answered(tmp_path, partly, confirm_seeds=[1])
    assert set(draft.drawings) == {"accuracy", "learning_curves", "margin"}
    assert all(
        "PARTIAL: 9/72 trials" in d.draw()._supxlabel.get_text().replace("\n", " ") for d in draft.drawings.values()
    )
    stated = list(claims_of(draft.verdict))
    assert {(claim.where["mining"], claim.where["colour"]) for claim in stated} == {("hard", "gray")}
    assert all(np.isnan([claim.low, claim.high]).all() for claim in stated)
    for absent in ("chance", "standard error", "nan", "["):
        assert absent not in blocks_to_markdown(draft.verdict)
    assert draft.differences is not None
    assert draft.differences.empty


def test_before_triplets_the_classifier_stands_alone_and_a_diverged_seed_is_no_number(tmp_path: Path) -> None:
    def classifier(config: dict[str, Any], phase: str) -> Measured | None:
        diverged = phase == "confirm" and config["seed"] == 2
        done = bare(config, phase)
        return (done._replace(status="diverged") if diverged else done) if "head_first" in str(done) else None

    draft = answered(tmp_path, classifier, draws=DRAWS[:1])
    stated = list(claims_of(draft.verdict))
    assert {claim.where["mining"] for claim in stated} == {"classifier"}
    assert all(np.isnan(claim.estimate) for claim in stated)
    assert draft.tables["gap_to_classifier"].empty
    assert set(draft.drawings) == {"accuracy"}


def test_several_sizes_in_one_ledger_are_told_one_by_one(tmp_path: Path) -> None:
    few = {"factors": {"colour": ["gray"], "mining": ["hard"]}, "draws": DRAWS[:1], "confirm_seeds": (1, 2)}
    sweep(tmp_path, bare, **few)
    draft = answered(tmp_path, bare, settings={**SETTINGS, "train_size": 100}, **few)
    assert set(draft.drawings) == {
        f"{name}_{n}" for name in ("accuracy", "learning_curves", "margin") for n in (100, 500)
    }
    assert [claim.where["train_size"] for claim in claims(draft.verdict, "test_first_accuracy")] == [100, 500]
    assert len(draft.tables["measures_100"]) == 1
