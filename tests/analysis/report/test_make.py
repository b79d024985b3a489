"""The answer: complete, repeatable to the byte, honest about what is missing, and made without torch or Ray."""

from __future__ import annotations

import hashlib
import itertools
import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import analysis.__main__ as command
from analysis import transfer_sizes
from analysis.figures import style
from analysis.figures.lines import draw_lines
from analysis.figures.style import Words
from analysis.findings import Draft, Drawing, Findings
from analysis.ledger import Ledger, LedgerError, Status
from analysis.numbers.intervals import THESE
from analysis.report import make, rounded
from analysis.report.answer import Answer
from analysis.report.join import Joined, joined
from analysis.report.make import folder_of, gathered
from analysis.report.warnings import warnings_of
from analysis.words import Paragraph, claims_of
from tests.conftest import ROOT
from tests.support.answers import make_answer
from tests.support.synthetic import (
    BACKBONES,
    CONFIRM_SEEDS,
    DRAWS,
    KEY,
    Measured,
    add_trial,
    answer_by,
    as_question,
    begin,
    claims,
    condition,
    data_set,
    fill,
    fill_question,
    findings,
    fingerprints,
    gaps,
    golden,
    hash_of,
    markdown,
    plan,
    record,
    small,
    told,
)
from tests.support.synthetic import FACTORS as ONE

FIGURES = ("test_error", "epochs_to_best", "learning_curves")


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`out` of a finished sweep over two backbones and three sizes."""
    out = tmp_path_factory.mktemp("runs")
    fill(out / "transfer_sizes", sizes=[100, 500, 900])
    return out


@pytest.fixture(scope="module")
def answered(complete: Path) -> Answer:
    """Its answer, no figure of which is drawn."""
    return make_answer(complete / "transfer_sizes", "transfer_sizes")


def written(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of the answer."""
    paths = [p for p in folder.rglob("*") if p.is_file() and p.parent.name != "arrays" and "ledger" not in p.name]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


@pytest.mark.slow
def test_everything_is_written_and_the_same_again(complete: Path) -> None:
    folder = complete / "transfer_sizes"
    answer = make.make_answer(folder, "transfer_sizes")
    before = written(folder)
    tables = {f"tables/best_config.{kind}" for kind in ("csv", "md", "tex")}
    drawn = {f"figures/{name}.{kind}" for name in FIGURES for kind in ("png", "svg", "pdf")}
    assert tables | drawn | {"verdict.md", "answer.md", "manifest.json", "tables/seeds.csv"} <= set(before)
    assert "tables/search.csv" in before
    assert not [name for name in before if name.endswith(".partial")]
    make.make_answer(folder, "transfer_sizes")
    assert written(folder) == before
    assert {str(path.relative_to(folder)) for path in answer.files} == set(before)
    assert answer.partial is None
    assert all(f"figures/{name}.png" in (folder / "answer.md").read_text() for name in FIGURES)


def test_the_verdict_states_the_numbers_of_the_table(answered: Answer) -> None:
    for row in answered.best.to_dict("records"):
        own = {name: row[name] for name in ("backbone", "train_size")}
        for metric in ("test_error", "oracle_error"):
            found = claims(answered.verdict, metric, **own)
            assert len(found) == (row["train_size"] in (100, 900)), "the smallest and the largest set are told"
            for claim in found:
                mean, low, high = (row[f"{metric}{end}"] for end in ("", "_low", "_high"))
                assert (claim.estimate, claim.low, claim.high, claim.n) == (mean, low, high, 5)
                assert claim.text == f"{100 * mean:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
    assert {claim.metric for claim in answered.claims} == {"test_error", "oracle_error"}


def test_the_verdict_reads_as_the_golden_text(answered: Answer) -> None:
    assert markdown(answered) == golden("transfer_sizes")


def test_the_manifest_names_what_made_it(complete: Path, answered: Answer) -> None:
    assert complete / "transfer_sizes" / "manifest.json" in answered.files
    manifest = json.loads((complete / "transfer_sizes" / "manifest.json").read_text())
    assert manifest["runs"][0]["command"] == "python sweeps/transfer_sizes.py --builtin"
    assert manifest["runs"][0]["environment"]["commit"] == "0123abc"
    assert manifest["data"][0]["builtin"] is True
    assert manifest["trials"]["hardware"] == {"cpu": 6 * (6 + 5)}
    path = complete / "transfer_sizes" / "tables" / "best_config.csv"
    assert manifest["files"]["tables/best_config.csv"] == hashlib.sha256(path.read_bytes()).hexdigest()


def drawings(folder: Path) -> tuple[Findings, Joined]:
    """Return what a ledger holds and what transfer_sizes says of it, before it is written."""
    with findings(folder) as found:
        return found, joined(found, transfer_sizes)


@pytest.mark.slow
def test_figures_draw_the_table_and_name_the_data(complete: Path) -> None:
    found, draft = drawings(complete / "transfer_sizes")
    for name in FIGURES:
        note = draft.drawings[name].draw()._supxlabel.get_text()
        assert "digits (built-in)" in note
        assert "5 fresh seeds" in note
        assert "PARTIAL" not in note
    axes = draft.drawings["test_error"].draw().axes[0]
    drawn = [container.lines[0].get_ydata() for container in axes.containers]
    for line, (backbone, column) in zip(
        drawn, [(b, c) for b in ("squeezenet1_1", "resnet18") for c in ("oracle_error", "test_error")], strict=True
    ):
        assert list(line) == list(found.best.loc[found.best["backbone"] == backbone, column] * 100)
    assert len(draft.drawings["learning_curves"].draw().axes) == 6


@pytest.mark.slow
def test_a_line_figure_stands_gaps_single_seeds_and_wide_ranges(complete: Path, tmp_path: Path) -> None:
    found, _ = drawings(complete / "transfer_sizes")
    table = found.best.copy()
    table.loc[0, ["test_error", "test_error_low", "test_error_high"]] = float("nan")
    table.loc[1, ["test_error_low", "test_error_high"]] = float("nan")
    table["train_size"] = [100, 1000, 10_000] * 2
    figure = draw_lines(
        table, Words("t", "x", "y", "n"), x="train_size", columns={"test_error": ""}, series=["backbone"]
    )
    assert figure.axes[0].get_xscale() == "log"
    assert [path.name for path in style.save(figure, tmp_path, "it")] == ["it.png", "it.svg", "it.pdf"]
    assert b"Date" not in (tmp_path / "it.pdf").read_bytes()


@pytest.mark.slow
def test_data_sets_and_settings_are_compared_and_drawn_apart(tmp_path: Path) -> None:
    """Backbones rank one way on digits and the other way on letters, whose validation is not the default."""
    with Ledger(tmp_path) as ledger:
        for data, size, better in (("digits", None, "resnet18"), ("letters", 500, "squeezenet1_1")):
            keys = {(b, n): condition(b, n, data=data, validation=size) for b in BACKBONES for n in (100, 300)}
            begin(ledger, conditions=[*keys.values()], search_trials=1, search_seeds=[0], confirm_seeds=[1, 2, 3])
            for (backbone, images), key in keys.items():
                add_trial(ledger, key, DRAWS[0], 1, 0, accuracy=[0.5])
                for seed in (1, 2, 3):
                    right = 0.6 + 0.1 * (backbone == better) + images / 3000 + hash_of(key, seed) % 9 / 1000
                    add_trial(ledger, key, DRAWS[0], 1, seed, "confirm", accuracy=[0.5], test=[right])
    _, draft = drawings(tmp_path)
    assert set(draft.drawings) == {f"{name}_{part}" for name in FIGURES for part in ("digits_default", "letters_500")}
    for name, drawing in draft.drawings.items():
        note = drawing.draw()._supxlabel.get_text()
        assert ("Data: digits (built-in)" in note, "letters" in note) == ("digits" in name, "letters" in name)
    for data, direction in (("letters", "higher"), ("digits", "lower")):
        backbones = gaps(draft.verdict, "squeezenet1_1", "resnet18", data=data)
        assert [(gap.where["train_size"], gap.direction) for gap in backbones] == [(100, direction), (300, direction)]
        sizes = gaps(draft.verdict, 100, 300, data=data)
        assert [(gap.where["backbone"], gap.direction) for gap in sizes] == [(name, "lower") for name in BACKBONES]
    assert {claim.where["data"]: claim.where["validation"] for claim in claims_of(draft.verdict)} == {
        "digits": None,
        "letters": 500,
    }


def test_trials_that_all_ended_before_an_evaluation_still_answer(tmp_path: Path) -> None:
    small(tmp_path, tested=())
    with Ledger(tmp_path) as ledger:
        for seed in CONFIRM_SEEDS:
            config = {**json.loads(KEY), **DRAWS[1], "seed": seed}
            measured = Measured([{"steps": 7.0, "train_loss": float("nan")}], {"train_labels": 100}, {}, "collapsed")
            record(ledger, "transfer_sizes", KEY, config, 2, "confirm", measured)
    _, draft = drawings(tmp_path)
    assert set(draft.drawings) == set(FIGURES)
    (claim,) = claims(draft.verdict, "test_error", train_size=100)
    assert np.isnan(claim.estimate)
    assert claim.text == "no number (of 5 seeds 5 collapsed: 100.0 % [47.8, 100.0])"


def test_before_anything_is_confirmed_the_answer_is_partial(tmp_path: Path) -> None:
    fill(tmp_path, sizes=[100, 300], confirm=False)
    answer = make_answer(tmp_path, "transfer_sizes")
    assert answer.partial == "24/44"
    assert "24/44" in answer.text
    assert "**Partial: 24/44 trials.**" in (tmp_path / "answer.md").read_text()
    assert not (tmp_path / "figures").exists()


def test_an_answer_with_some_conditions_confirmed_says_so_on_its_face(tmp_path: Path) -> None:
    fill(tmp_path, sizes=[100, 300, 900], backbones=["squeezenet1_1"], confirm=False)
    with Ledger(tmp_path) as ledger:
        for seed in CONFIRM_SEEDS[:2]:
            add_trial(ledger, condition("squeezenet1_1", 300), DRAWS[2], 3, seed, "confirm")
    _, draft = drawings(tmp_path)
    assert "PARTIAL: 20/33 trials" in " ".join(draft.drawings["test_error"].draw()._supxlabel.get_text().split())
    assert {claim.where["train_size"] for claim in claims(draft.verdict, "test_error")} == {300}
    assert len(make_answer(tmp_path, "transfer_sizes").table) == 3


def test_a_ledger_without_a_finished_trial_still_answers(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        begin(ledger)
        add_trial(ledger, condition("squeezenet1_1", 100), DRAWS[0], 1, 0, status="running")
    answer = make_answer(tmp_path, "transfer_sizes")
    assert answer.partial == "0/110"
    assert len(answer.table) == 10
    with Ledger(tmp_path / "empty"):
        pass
    with pytest.raises(LedgerError, match="holds no run yet"):
        make_answer(tmp_path / "empty", "transfer_sizes")


def test_every_caveat_is_said(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        first = begin(ledger, confirm_seeds=CONFIRM_SEEDS[:2])
        ledger.end_run(first, outcome="complete", shared_seconds=0.0)
    fill(tmp_path, sizes=[100], backbones=["squeezenet1_1"], confirm=False)
    key = condition("squeezenet1_1", 100)
    with Ledger(tmp_path) as ledger:
        for seed in CONFIRM_SEEDS:
            trial = add_trial(ledger, key, DRAWS[2], 3, seed, "confirm", hardware="cpu" if seed < 3 else "gpu")
        add_trial(ledger, key, DRAWS[0], 1, 77, status="failed")
        add_trial(ledger, key, DRAWS[0], 1, 78, status="diverged")
    array = tmp_path / "arrays" / f"{trial[:32]}.npz"
    array.write_bytes(b"damaged")
    answer = make_answer(tmp_path, "transfer_sizes")
    said = "\n".join(answer.warnings)
    for phrase in (
        "2 kinds of hardware",
        "1 trial failed. It was `boom` with backbone=squeezenet1_1, train_size=100, lr=0.001",
        "seed=77; errors.txt has its traceback.",
        "Of the search trials 1 diverged: a config",
        "SHA-256",
        "5 seeds, after an answer on 2",
    ):
        assert phrase in said
    assert answer.best.iloc[0]["test_accuracy_image_se"] > 0  # of the four that are whole
    assert f"## Caveats\n\n- {said.splitlines()[0]}\n" in (tmp_path / "answer.md").read_text()


def test_seeds_without_a_number_are_told_with_the_share_of_them_to_be_expected(tmp_path: Path) -> None:
    fill(tmp_path, sizes=[100, 300], backbones=["squeezenet1_1"], confirm=False)
    statuses: dict[tuple[int, int], Status] = {(100, 3): "diverged", (300, 1): "collapsed", (300, 4): "diverged"}
    with Ledger(tmp_path) as ledger:
        for size, seed in itertools.product([100, 300], CONFIRM_SEEDS):
            key, status = condition("squeezenet1_1", size), statuses.get((size, seed), "done")
            add_trial(ledger, key, DRAWS[2], 3, seed, "confirm", status=status)
    answer = make_answer(tmp_path, "transfer_sizes")
    assert (
        "Train size 100: of 5 seeds 1 diverged: 20.0 % [0.5, 71.6]; train size 300: of 5 seeds 1 diverged and 1"
        " collapsed: 40.0 % [5.3, 85.3] (exact 95 % intervals). A mean over seeds that holds one has no number."
    ) in answer.warnings
    assert list(answer.best["search_diverged"]) == [0, 0]
    (claim,) = [one for one in answer.claims if one.metric == "test_error" and one.where.get("train_size") == 100]
    assert claim.text == "no number (of 5 seeds 1 diverged: 20.0 % [0.5, 71.6])"
    assert "1 diverged on fresh seeds (train size 100)" in answer.brief.cost


def test_what_makes_test_images_less_than_new_is_said(tmp_path: Path) -> None:
    shared = "digits: the splits share a font."
    data = [
        data_set("digits", duplicates=0, test_images=510, caveats=[shared]),
        data_set("some/where/mine.npz", duplicates=1_234, test_images=50_000, caveats=[shared]),
        data_set("older"),  # was recorded before copies were counted
    ]
    fill(tmp_path, sizes=[100], backbones=["squeezenet1_1"])
    with Ledger(tmp_path) as ledger:
        begin(ledger, factors=ONE, data=data, seen_on_test={"digits": "the number of layers"})
    answer = make_answer(tmp_path, "transfer_sizes")
    expected = (
        "Test images of mine.npz that are among the training images, pixel for pixel: 1,234 of 50,000 (2.47 %).",
        "Decided while looking at test images of digits: the number of layers.",
        shared,
    )
    assert answer.warnings[-3:] == expected
    page = (tmp_path / "answer.md").read_text()
    assert "\n".join(f"- {caveat}" for caveat in expected) in page


def test_seeds_that_stand_in_the_table_are_those_counted_as_added(tmp_path: Path) -> None:
    """5 seeds, then the command with 3 again: the table holds 5. Seed 42 stands apart, and is no added one."""
    with Ledger(tmp_path) as ledger:
        for seeds in (3, 5, 3):
            run = begin(ledger, factors=ONE, confirm_seeds=[*CONFIRM_SEEDS[:seeds], 42], extra_seeds=[42])
            ledger.end_run(run, outcome="complete", shared_seconds=0.0)
        for seed in CONFIRM_SEEDS:
            add_trial(ledger, condition("squeezenet1_1", 100), DRAWS[1], 2, 0)
            add_trial(ledger, condition("squeezenet1_1", 100), DRAWS[1], 2, seed, "confirm")
    said = make_answer(tmp_path, "transfer_sizes").warnings
    assert any(warning.startswith("5 seeds, after an answer on 3:") for warning in said)


@pytest.mark.parametrize("annealed", [True, False])
def test_where_the_learning_rate_falls_to_0_epochs_to_the_best_are_said_to_depend_on_those_asked_for(
    tmp_path: Path, annealed: bool
) -> None:
    def measure(config: dict[str, Any], phase: str) -> Measured:
        rows = [{"steps": i, "val_accuracy": 0.3 * i, "test_accuracy": 0.3 * i} for i in (1.0, 2.0, 3.0)]
        return Measured(rows, {"annealed": annealed}, {})

    shared: dict[str, Any] = {"factors": ONE, "draws": [{"lr": 0.1}], "settings": {"data": "digits"}}
    fill_question(tmp_path, "transfer_sizes", measure, **shared)
    said = [block.text for block in told(tmp_path, "transfer_sizes").verdict if isinstance(block, Paragraph)]
    assert ((transfer_sizes.ANNEALED,) in said) == annealed


def test_what_is_partial_names_the_commands_that_complete_it(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        for size, words in ((100, "--set train_size=100"), (300, "--set train_size=300")):
            key = condition("squeezenet1_1", size)
            made = plan(factors={**ONE, "train_size": [size]}, search_trials=1, search_seeds=[0])
            ledger.begin_run(command=f"python sweeps/transfer_sizes.py {words}", plan=made, environment={})
            add_trial(ledger, key, DRAWS[0], 1, 0)
            for seed in CONFIRM_SEEDS if size == 300 else ():
                add_trial(ledger, key, DRAWS[0], 1, seed, "confirm")
    make_answer(tmp_path, "transfer_sizes")
    page = (tmp_path / "answer.md").read_text()
    told = "Earlier commands lack 5 trials. To go on: `python sweeps/transfer_sizes.py --set train_size=100`\n"
    assert told in page
    assert "Partial" not in page, "the last command lacks nothing"


@pytest.mark.parametrize("harm", ["missing", "folder missing", "damaged", "cut off", "a folder"])
def test_arrays_that_cannot_be_read_cost_the_image_error_alone(tmp_path: Path, harm: str) -> None:
    fill(tmp_path, sizes=[100, 300], backbones=["squeezenet1_1"])
    with Ledger(tmp_path, readonly=True) as ledger:
        whole = gathered(ledger)
        known = warnings_of(whole.results, whole.best)
    for path in (tmp_path / "arrays").iterdir():
        content = path.read_bytes()
        path.unlink()
        if harm == "a folder":
            path.mkdir()
        elif "missing" not in harm:
            path.write_bytes(content[:100] if harm == "cut off" else b"damaged")
    if harm == "folder missing":
        (tmp_path / "arrays").rmdir()
    with Ledger(tmp_path, readonly=True) as ledger:
        answer = gathered(ledger)
    lost = [name for name in whole.best if name.endswith("image_se")]
    assert answer.best[lost].isna().all(axis=None)
    bounded = [f"test_{name}" for name in ("accuracy", "error")]
    shown = [f"{name}{end}" for name in bounded for end in ("_low", "_high", "_interval")]
    unchanged = [*lost, *shown]
    pd.testing.assert_frame_equal(answer.best.drop(columns=unchanged), whole.best.drop(columns=unchanged))
    assert (answer.best[[f"{name}_interval" for name in bounded]] == THESE).all(axis=None), "named as what it is"
    for end in ("_low", "_high"):
        assert list(answer.best[f"test_accuracy{end}"]) == list(whole.best[f"test_accuracy{end}_these"])
    assert rounded.results_table(answer.results, answer.best)["test accuracy, % [95 %]"][0].endswith(" (these images)")
    said = [warning for warning in warnings_of(answer.results, answer.best) if warning not in known]
    assert len(said) == 1
    assert "leaves out 10 trials without readable arrays; the first: " in said[0]


def test_trials_on_other_content_are_said_to_be_left_out(tmp_path: Path) -> None:
    fill(tmp_path, sizes=[100], backbones=["squeezenet1_1"])
    key = condition("squeezenet1_1", 100)
    with Ledger(tmp_path) as ledger:
        begin(ledger, conditions=[key], fingerprints=fingerprints(key, content="new"))
    answer = make_answer(tmp_path, "transfer_sizes")
    assert "11 trials on other content of the same data or weights: left out." in answer.warnings
    assert answer.partial == "0/11"


@pytest.mark.slow
def test_a_smoke_run_has_a_folder_of_its_own(tmp_path: Path) -> None:
    assert folder_of(tmp_path, "transfer_sizes", smoke=False) == tmp_path / "transfer_sizes"
    assert folder_of(tmp_path, "transfer_sizes", smoke=True) == tmp_path / "transfer_sizes-smoke"
    fill(folder_of(tmp_path, "transfer_sizes", smoke=True), sizes=[100], backbones=["squeezenet1_1"])
    assert command.main(["transfer_sizes", "--out", str(tmp_path), "--smoke"]) == 0
    assert command.main(["transfer_sizes", "--out", str(tmp_path)]) == 2


def test_another_question_needs_nothing_but_its_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(part: Findings) -> Draft:
        words = Words("Loss by width", "width", "loss", part.note())
        figure = partial(draw_lines, part.best, words, x="width", columns={"val_loss": "loss"})
        said = [Paragraph(("It falls.",))]
        return Draft("Loss by width", said, {"loss": Drawing(figure, "Loss.")}, {"more": part.best})

    made = answer_by(answer, tmp_path, monkeypatch)
    assert made.partial is None
    assert list(made.table["width"]) == ["8", "16"]
    assert {"tables/more.csv", "figures/loss.png"} <= set(written(tmp_path))


def test_a_question_reads_its_arrays_and_replaces_the_differences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[int] = []

    def answer(part: Findings) -> Draft:
        arrays = [part.arrays(trial) for trial in part.seeds["trial"]]
        kept.extend(len(own) for own in arrays)
        paired = part.compare("regime", "alone", "both", "test_loss")
        return Draft("With arrays", [Paragraph(("Said.",))], differences=paired)

    as_question("with_arrays", answer, ["regime"], monkeypatch)

    def measure(config: dict[str, Any], phase: str) -> Measured:
        loss = 0.1 * config["seed"] + (0.5 if config["regime"] == "both" else 0)
        row = {"steps": 1.0, "val_loss": loss, "val_accuracy": 0.5}
        tested = {"test_loss": loss, "test_accuracy": 0.5} if phase == "confirm" else {}
        return Measured([row | tested], {}, {"maps": np.zeros(3)} if tested else {})

    fill_question(tmp_path, "with_arrays", measure, factors={"regime": ["alone", "both"]}, draws=[{"lr": 0.1}],
                  settings={"precision": "fp32"}, confirm_seeds=[1, 2, 3], oracle=False)  # fmt: skip
    next((tmp_path / "arrays").iterdir()).write_bytes(b"damaged")
    made = make_answer(tmp_path, "with_arrays")
    assert sorted(kept) == [0, 1, 1, 1, 1, 1]
    assert [warning for warning in made.warnings if "SHA-256" in warning]
    assert made.differences[["metric", "n", "difference"]].to_numpy().tolist() == [["test_loss", 3, pytest.approx(0.5)]]
    page = (tmp_path / "answer.md").read_text()
    assert "change of test loss" in page
    assert "oracle" not in page
    assert "oracle" not in made.text


@pytest.mark.slow
def test_the_command_answers_without_torch_or_ray(complete: Path) -> None:
    program = (
        "import sys, analysis.__main__ as command\n"
        f"assert command.main(['transfer_sizes', '--out', {str(complete)!r}]) == 0\n"
        "assert not {'torch', 'ray', 'trainables', 'sweeps'} & set(sys.modules), 'imported'\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "squeezenet1_1" in done.stdout
    assert "best_config, differences (csv, md, tex)" in done.stdout


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["transfer_size"], "Did you mean 'transfer_sizes'?"),
        (["os"], "Known: "),
        (["transfer_sizes", "--out", "{tmp}"], "no ledger there"),
    ],
)
def test_the_command_refuses_in_words(
    argv: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([word.format(tmp=tmp_path) for word in argv]) == 2
    assert message in capsys.readouterr().err


def test_questions_are_the_modules_that_answer() -> None:
    assert "transfer_sizes" in command.questions()
    assert "report" not in command.questions(), "a package with a module `answer` is no question"


def test_no_figure_is_kept_in_the_state_of_pyplot() -> None:
    files = sorted((ROOT / "analysis").rglob("*.py"))
    assert ROOT / "analysis" / "figures" / "style.py" in files
    assert not [path for path in files if "pyplot" in path.read_text() and path.name != "style.py"]
