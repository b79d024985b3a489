"""What a person sees of an answer: one table that fits, nothing broken, nothing hidden."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from analysis.findings import Draft, Findings
from analysis.ledger import Ledger
from analysis.report.answer import Answer
from analysis.report.terminal import layout, say, show
from analysis.words import Bullets, Claim, Paragraph, Strong, plain
from tests.conftest import ROOT
from tests.support.answers import make_answer
from tests.support.synthetic import CONFIRM_SEEDS, DRAWS, add_trial, answer_by, begin, claims, condition, fill


def shown(answer: Answer, width: int = 80) -> str:
    console = Console(width=width, file=io.StringIO(), record=True)
    show(answer, console)
    return console.export_text()


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """One backbone and five sizes, complete."""
    folder = tmp_path_factory.mktemp("one")
    fill(folder, backbones=["squeezenet1_1"])
    return make_answer(folder, "transfer_sizes")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """Two backbones and three sizes, complete."""
    folder = tmp_path_factory.mktemp("two")
    fill(folder, sizes=[100, 500, 900])
    return make_answer(folder, "transfer_sizes")


def test_eighty_columns_hold_one_table_with_all_that_matters(one: Answer) -> None:
    text = shown(one)
    assert len(list(layout(one.brief.table, one.brief.keys, 80))) == 1
    assert [set(line) for line in text.splitlines()].count({"─"}) == 1, "one rule, under one heading"
    row = one.best.iloc[0]
    mean, low, high = (f"{100 * row[f'test_accuracy{end}']:.1f}" for end in ("", "_low", "_high"))
    found = next(line for line in text.splitlines() if line.split()[:1] == ["100"])
    assert f"{mean} [{low}, {high}] 5 {100 * row['oracle_accuracy']:.1f}" in " ".join(found.split())
    assert f"{100 * row['val_accuracy']:.1f}" in found
    assert found.split()[-1] == f"{row['best_epoch']:.0f}"
    for setting in (f"{row['lr']:.3g}", f"{row['weight_decay']:.3g}", str(row["batch_size"]), str(row["epochs"])):
        assert setting in found.split()
    for told in (
        "Data: digits (built-in)",
        "backbone squeezenet1_1",
        "55 trials (11 a condition)",
        "300 for validation",
    ):
        assert told in " ".join(text.split())
    assert "500 test images" in " ".join(text.split())
    for trouble in ("PARTIAL", "failed", "stopped", "diverged", "unfinished"):
        assert trouble not in text


def test_the_note_is_two_lines_and_the_answer_one_screen(one: Answer) -> None:
    assert [len(line) <= 80 for line in one.brief.note.splitlines()] == [True, True]
    assert len(shown(one).splitlines()) <= 35


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_no_cell_no_word_and_no_line_is_broken(two: Answer, width: int) -> None:
    figures = [two.files[-1].parent / "figures" / f"{name}.svg" for name in ("test_error", "learning_curves")]
    text = shown(replace(two, files=(*figures, *two.files)), width)
    for cell in two.brief.table.to_numpy().ravel():
        assert cell in text
    above, _, files = text.partition("Files in ")
    assert max(map(len, above.splitlines())) <= width
    for block in two.verdict:
        assert isinstance(block, Paragraph)
        assert "".join(map(plain, block.text)) in " ".join(above.split())
    stated = claims(two.verdict, "test_error")
    assert len(stated) == 4
    assert all(claim.text in text for claim in stated), "a claim stays whole"
    assert "test_error.svg, learning_curves.svg" in files


def test_where_keys_do_not_fit_each_backbone_has_a_table_of_its_own(two: Answer) -> None:
    parts = list(layout(two.brief.table, two.brief.keys, 80))
    assert [heading for heading, _, _ in parts] == ["squeezenet1_1", "resnet18"]
    assert all(list(frame["train size"]) == ["100", "500", "900"] for _, frame, _ in parts)
    ((heading, frame, _),) = layout(two.brief.table, two.brief.keys, 120)
    assert not heading
    assert len(frame) == 6


def test_further_columns_are_left_out_where_they_do_not_fit(two: Answer) -> None:
    frame = two.brief.table.assign(**{"test digits accuracy, %": "98.7"})
    needed = max(
        len(line) for line in shown(replace(two, brief=replace(two.brief, table=frame)), 200).splitlines()[2:9]
    )
    ((_, whole, _),) = layout(frame, two.brief.keys, needed, further=1)
    assert list(whole) == list(frame)
    parts = list(layout(frame, two.brief.keys, needed - 12, further=1))
    assert [heading for heading, _, _ in parts] == ["squeezenet1_1", "resnet18"], "first the table is parted"
    assert all(list(part)[-1] == "test digits accuracy, %" for _, part, _ in parts)
    narrow = [list(part) for _, part, _ in layout(frame, two.brief.keys, 62, further=1)]
    assert all("test digits accuracy, %" not in part for part in narrow)


def test_what_went_wrong_is_named_with_its_condition(tmp_path: Path) -> None:
    fill(tmp_path, sizes=[100, 300, 900], backbones=["squeezenet1_1"], confirm=False)
    with Ledger(tmp_path) as ledger:
        for seed in CONFIRM_SEEDS[:2]:
            add_trial(ledger, condition("squeezenet1_1", 300), DRAWS[2], 3, seed, "confirm")
        add_trial(ledger, condition("squeezenet1_1", 900), DRAWS[0], 1, 77, status="failed")
        add_trial(ledger, condition("squeezenet1_1", 900), DRAWS[0], 1, 78, status="diverged")
        add_trial(ledger, condition("squeezenet1_1", 100), DRAWS[0], 1, 79, status="stopped")
    text = " ".join(shown(make_answer(tmp_path, "transfer_sizes")).split())
    assert "PARTIAL: 20/33 trials" in text, "seeds that the plan does not ask for are not counted"
    assert "22 trials ran, 1 of them stopped early" in text
    for told in (
        "5 unfinished (train size 100)",
        "1 failed, 1 diverged in the search, 5 unfinished (train size 900)",
        "*: search",
    ):
        assert told in text
    sizes = [line.split() for line in shown(make_answer(tmp_path, "transfer_sizes")).splitlines() if " * " in line]
    assert [line[0] for line in sizes] == ["100", "900"], "these have no confirmed seed, which the star says"
    assert all(line[-3:] == ["0", "–", "–"] for line in sizes)


def test_a_ledger_without_a_finished_trial_says_so_briefly(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        begin(ledger)
    text = " ".join(shown(make_answer(tmp_path, "transfer_sizes")).split())
    assert "0 trials ran: 11 unfinished (in each of 10 conditions)." in text
    assert "No verdict yet" in text


def test_a_question_with_a_loss_and_no_test_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(part: Findings) -> Draft:
        return Draft("Loss by width", [Paragraph(("It falls.",))], counted="In the files only")

    made = answer_by(answer, tmp_path, monkeypatch)
    assert list(made.brief.table) == ["width", "lr", "validation loss [95 %]", "n", "best epoch"]
    assert list(made.brief.table["n"]) == ["2", "2"]
    text = shown(made)
    assert "test" not in text.partition("Files in")[0]
    assert "In the files only" not in text
    assert "In the files only" in (tmp_path / "verdict.md").read_text()


def test_texts_are_printed_by_their_runs() -> None:
    """Strong words are bold, a claim is one word, and further lines of a list's item are indented."""
    console = Console(width=20, file=io.StringIO(), record=True, color_system="truecolor", force_terminal=True)
    claim = Claim("5.1 % [4.9, 5.3]", "test_error", 0.051, 0.049, 0.053, 5, {})
    say(("an error of ", Strong("all of it"), " is ", claim), console)
    say(("- ", "one two three four five"), console, indent="  ")
    styled = console.export_text(styles=True, clear=False)
    assert "\x1b[1mall of\x1b[0m" in styled
    assert console.export_text().splitlines() == [
        "an error of all of",
        "it is",
        "5.1 % [4.9, 5.3]",
        "- one two three",
        "  four five",
    ]


def test_lists_follow_their_paragraph_without_a_gap(one: Answer) -> None:
    blocks = (Paragraph(("Found:",)), Bullets((("this",), ("that",))), Paragraph(("So.",)))
    assert "\nFound:\n- this\n- that\n\nSo.\n" in shown(replace(one, verdict=blocks))


@pytest.mark.parametrize(("columns", "width"), [(None, 100), ("72", 72), ("junk", 100)])
def test_piped_output_is_as_wide_as_columns_says_or_100(columns: str | None, width: int) -> None:
    program = "from analysis.report.terminal import standard_output; print(standard_output().width)"
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    environment |= {} if columns is None else {"COLUMNS": columns}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == str(width), done.stderr
