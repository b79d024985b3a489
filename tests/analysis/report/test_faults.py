"""A fault in a question's own file costs its verdict and figures, or one figure: no table, and no other answer."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

import analysis.__main__ as command
from analysis.findings import Draft, Drawing, Findings
from analysis.ledger import Ledger, LedgerError, Outcome
from analysis.report import make
from analysis.report.failed import alike, headline
from analysis.words import Paragraph
from tests.support.answers import make_answer
from tests.support.synthetic import DRAWS, KEY, add_trial, answer_by, fill, small

HERE = "tests/analysis/report/test_faults.py, line "
TABLES = ("best_config.csv", "best_config.tex", "seeds.csv", "curves.csv", "search.csv", "differences.csv")


def raising(part: Findings) -> Draft:
    row: dict[str, Any] = {}
    return row["no such column"]  # type: ignore[no-any-return]


def returning_none(part: Findings) -> Any:
    return None


def with_a_wrong_verdict(part: Findings) -> Draft:
    return Draft("Widths", ["a text is no block"])  # type: ignore[list-item]


def with_a_wrong_table(part: Findings) -> Draft:
    return Draft("Widths", [Paragraph(("Said.",))], tables={"more": [1, 2]})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (raising, "KeyError: 'no such column'"),
        (returning_none, "AttributeError: 'NoneType' object has no attribute"),
        (with_a_wrong_verdict, "AttributeError: 'str' object has no attribute"),
        (with_a_wrong_table, "AttributeError: 'list' object has no attribute"),
    ],
)
def test_a_fault_in_the_draft_leaves_all_tables_and_says_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Any, told: str
) -> None:
    made = answer_by(answer, tmp_path, monkeypatch)
    assert {path.name for path in (tmp_path / "tables").iterdir()} >= {*TABLES}
    assert made.title == "Widths"
    page, traces = (tmp_path / "answer.md").read_text(), (tmp_path / "errors.txt").read_text()
    assert made.text.startswith("No verdict and no figures: ")
    for text in (made.text, page):
        assert told in text
        assert ".py, line " in text
        assert "errors.txt has the traceback. Mend it, then type `python -m analysis widths`." in text
    assert traces.startswith("While the answer was made:\n\nTraceback (most recent call last):")
    assert told in traces
    assert len(made.faults) == 1
    assert "errors.txt" in json.loads((tmp_path / "manifest.json").read_text())["files"]
    mended = answer_by(lambda part: Draft("Widths", [Paragraph(("Said.",))]), tmp_path / "again", monkeypatch)
    assert (mended.faults, mended.text.splitlines()[0]) == ((), "Said.")


def test_the_line_that_is_told_is_one_of_the_questions_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = answer_by(raising, tmp_path, monkeypatch)
    line = raising.__code__.co_firstlineno + 2
    assert f"No verdict and no figures: {HERE}{line}: KeyError: 'no such column'." in made.text


def test_tables_are_there_before_the_questions_file_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[str] = set()

    def answer(part: Findings) -> Draft:
        seen.update(path.name for path in (tmp_path / "tables").iterdir())
        return Draft("Given", [Paragraph(("Said.",))], differences=part.differences.iloc[:0])

    answer_by(answer, tmp_path, monkeypatch)
    assert seen >= {*TABLES, "differences.md", "differences.tex"}
    assert not (tmp_path / "tables" / "differences.md").exists(), "the question compares nothing, after all"
    assert "Given." in (tmp_path / "tables" / "best_config.tex").read_text()


def broken() -> Figure:
    raise ZeroDivisionError("no seeds")


def test_a_fault_in_one_figure_costs_that_figure_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(part: Findings) -> Draft:
        drawings = {"good": Drawing(Figure, "Good."), "bad": Drawing(broken, "Bad.")}
        return Draft("Widths", [Paragraph(("Said.",))], drawings)

    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "bad.png").write_bytes(b"of an earlier answer")
    made = answer_by(answer, tmp_path, monkeypatch)
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"good.png"}
    page = (tmp_path / "answer.md").read_text()
    assert "figures/good.png" in page
    assert "figures/bad.png" not in page
    assert f"Said.\n\nNo figure bad: {HERE}{broken.__code__.co_firstlineno + 1}: ZeroDivisionError: no seeds." in page
    assert "in broken" in (tmp_path / "errors.txt").read_text()
    assert len(made.faults) == 1


def test_a_ledger_that_cannot_be_read_is_no_fault_of_the_questions_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(part: Findings) -> Draft:
        raise LedgerError("damaged")

    with pytest.raises(LedgerError, match="damaged"):
        answer_by(answer, tmp_path, monkeypatch)


@pytest.mark.slow
def test_the_other_questions_are_answered_and_the_exit_code_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "transfer_sizes", sizes=[100], backbones=["squeezenet1_1"])
    fill(tmp_path / "tiny_cifar", sizes=[100], backbones=["squeezenet1_1"])  # a ledger of another question
    out = ["--out", str(tmp_path), "--png-only"]
    broken_file = importlib.import_module("analysis.tiny_cifar")
    monkeypatch.setattr(broken_file, "COMPARED", ("backbone", "train_size"))
    monkeypatch.setattr(broken_file, "answer", raising)
    assert command.main(["tiny_cifar", "transfer_sizes", *out]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "KeyError: 'no such column'" in said
    assert said.index("No verdict and no figures") < said.index("test_error.png"), "the second has its figures"
    assert command.main(out) == 1, "all that have a ledger"
    assert command.main(["transfer_sizes", *out]) == 0
    assert command.main(["transfer_sizes", "digit_pair", *out]) == 2, "there is no ledger"
    captured = capsys.readouterr()
    assert "digit_pair" in captured.err
    assert command.main(["--out", str(tmp_path / "nowhere")]) == 2


def test_questions_are_found_without_running_their_files() -> None:
    before = {name for name in sys.modules if name.startswith("analysis.")}
    assert {"transfer_sizes", "tiny_cifar"} <= {*command.questions()}
    assert {name for name in sys.modules if name.startswith("analysis.")} == before


TRACE = """Traceback (most recent call last):
  File "/x/host.py", line 9, in step
    go()
  File "/x/loss.py", line {line}, in loss
    raise ValueError(
{what}
second line of the message
"""


def test_the_line_of_an_error_that_says_what_it_is() -> None:
    assert headline(TRACE.format(line=3, what="ValueError: no head 7")) == "ValueError: no head 7"
    assert headline("reported no val_loss") == "reported no val_loss"
    assert headline("") == ""
    chained = f"{TRACE.format(line=3, what='KeyError: 1')}\nDuring it:\n\n{TRACE.format(line=4, what='OSError: 2')}"
    assert headline(chained) == "OSError: 2"


def test_errors_are_alike_but_for_numbers_or_on_one_line_of_code() -> None:
    one = TRACE.format(line=3, what="ValueError: lr 0.1 at 0x7f8a")
    assert alike(one, TRACE.format(line=99, what="ValueError: lr 0.25 at 0xbeef"))
    assert alike(one, TRACE.format(line=3, what="ValueError: of another kind"))
    assert not alike(one, TRACE.format(line=3, what="KeyError: 'x'"))
    assert not alike(one, TRACE.format(line=4, what="ValueError: of another kind"))
    assert not alike("no val_loss", "no memory")


def test_the_tracebacks_of_failed_trials_are_kept_each_kind_once(tmp_path: Path) -> None:
    small(tmp_path)
    errors = [TRACE.format(line=3, what=f"ValueError: lr {lr}") for lr in (0.1, 0.2)] + ["RuntimeError: other"]
    with Ledger(tmp_path) as ledger:
        for seed, error in enumerate(errors, 70):
            trial = add_trial(ledger, KEY, DRAWS[0], 1, seed, status="failed")
            ledger.finish(trial, Outcome("failed", error=error))
    made = make_answer(tmp_path, "transfer_sizes")
    (warning,) = [told for told in made.warnings if "failed" in told]
    assert warning.startswith("3 trials failed. The first: `ValueError: lr 0.1` with backbone=squeezenet1_1")
    assert warning.endswith("seed=70; errors.txt has its traceback.")
    text = (tmp_path / "errors.txt").read_text()
    assert errors[0].strip() in text
    assert errors[1].strip() not in text
    assert "2 trials failed alike, the first with backbone" in text
    assert text.rstrip().endswith("RuntimeError: other")
    with Ledger(tmp_path) as ledger:
        for trial in ledger.trials(status="failed")["id"]:
            ledger.finish(trial, Outcome("done"))
    make.make_answer(tmp_path, "transfer_sizes", formats=())
    assert not (tmp_path / "errors.txt").exists(), "nothing has failed any more"
