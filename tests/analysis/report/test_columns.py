"""Tables that people read have seven columns at most, lose nothing, and compile within a page's text."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest

from analysis.report.answer import Answer
from analysis.report.columns import CONFIG, MOST, in_blocks, shaped, shared_table
from analysis.report.latex import NEEDED, TEXT_WIDTH, to_latex, width_of
from tests.analysis import test_cifar_transfer, test_digit_pair, test_joint_embedding, test_tiny_cifar
from tests.support.answers import make_answer
from tests.support.synthetic import fill, fill_question

WIDE = [f"hyperparameter {i}" for i in range(16)]


def pair(folder: Path) -> None:
    fill_question(folder, "digit_pair", test_digit_pair.measure, **test_digit_pair.PLAN)


def embedding(folder: Path) -> None:
    own = test_joint_embedding
    fill_question(folder, "joint_embedding", own.bare, factors=own.FACTORS, draws=own.DRAWS, settings=own.SETTINGS,
                  search_seeds=[1001], confirm_seeds=own.SEEDS, **own.PLAN)  # fmt: skip


def transfer(folder: Path) -> None:
    own = test_cifar_transfer
    fill_question(folder, "cifar_transfer", own.measure, factors=own.FACTORS, draws=own.DRAWS, settings=own.SETTINGS,
                  search_seeds=[1001], confirm_seeds=own.SEEDS, extra_seeds=[42], **own.PLAN)  # fmt: skip


QUESTIONS: dict[str, Callable[[Path], None]] = {
    "transfer_sizes": fill, "digit_pair": pair, "joint_embedding": embedding, "cifar_transfer": transfer,
    "tiny_cifar": test_tiny_cifar.sweep,
}  # fmt: skip


@pytest.fixture(scope="module", params=QUESTIONS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Answer]:
    folder = tmp_path_factory.mktemp(request.param)
    QUESTIONS[request.param](folder)
    return folder, make_answer(folder, request.param)


def test_every_table_of_an_answer_has_seven_columns_at_most(made: tuple[Path, Answer]) -> None:
    folder, answer = made
    pages = [folder / "answer.md", *sorted((folder / "tables").glob("*.md"))]
    for path in pages:
        rules = [line for line in path.read_text().splitlines() if re.fullmatch(r"\|[-:|]+\|", line)]
        assert rules, path.name
        assert max(rule.count("|") - 1 for rule in rules) <= MOST, path.name
    assert len(answer.table) == len(answer.best)
    assert [part.title for part in answer.appendix][-1] == "Effort"


def test_what_a_table_lacks_stands_in_the_appendix(made: tuple[Path, Answer]) -> None:
    folder, answer = made
    page = (folder / "answer.md").read_text()
    for name in ("train_size", "lr"):
        for value in answer.best.get(name, pd.Series(dtype=object)).dropna().unique():
            assert f"{value:.3g}" in page or str(value) in page
    for told in ("trials run", "failed", "diverged", "steps", "these images", "validation"):
        assert told in page


def test_latex_tables_are_within_the_text_and_say_what_they_need(made: tuple[Path, Answer]) -> None:
    folder, _ = made
    for path in sorted((folder / "tables").glob("*.tex")):
        text = path.read_text()
        floats = text.split(r"\begin{table}")[1:]
        assert text.count(NEEDED) == len(floats)
        tabulars = re.findall(r"\\begin\{tabular\}\{@\{\}(.*?)@\{\}\}\n(.*?)\\end\{tabular\}", text, re.DOTALL)
        assert len(tabulars) >= len(floats)
        for columns, body in tabulars:
            assert 0 < _width(columns, body) <= TEXT_WIDTH, path.name


@pytest.mark.latex
def test_latex_tables_compile_without_an_overfull_box(made: tuple[Path, Answer], tmp_path: Path) -> None:
    folder, _ = made
    tables = [path.read_text() + "\n\\clearpage" for path in sorted((folder / "tables").glob("*.tex"))]
    head = [r"\documentclass{article}", r"\usepackage[utf8]{inputenc}", NEEDED.removeprefix("% needs ")]
    (tmp_path / "it.tex").write_text("\n".join([*head, r"\begin{document}", *tables, r"\end{document}"]))
    command = ["pdflatex", "-interaction=nonstopmode", "it.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Overfull" not in done.stdout
    assert "too large" not in done.stdout


def _width(columns: str, body: str) -> float:
    """Return how wide a tabular is in points: fixed columns as they say, others as wide as what is in them."""
    kinds = re.findall(r">\{\\raggedright\\arraybackslash\}p\{(\d+)pt\}|([lr])", columns)
    lines = [line.removesuffix(r" \\") for line in body.splitlines() if line.endswith(r" \\")]
    cells = [line.split(" & ") for line in lines]
    return sum(
        float(fixed) if fixed else max(width_of(part) for row in cells for part in _plain(row[i]))
        for i, (fixed, _) in enumerate(kinds)
    ) + 8.0 * (len(kinds) - 1)


def _plain(cell: str) -> Sequence[str]:
    lines = re.sub(r"\\shortstack\[[lr]\]\{(.*)\}$", r"\1", cell).split(r" \\ ")
    return [re.sub(r"\\rightarrow|\\uparrow|\$", "", line).replace("\\", "").replace("{[}", "[") for line in lines]


def wide(rows: int = 3) -> pd.DataFrame:
    cells = {"size": [str(i) for i in range(rows)], **{name: [f"{i}" for i in range(rows)] for name in WIDE}}
    return pd.DataFrame({**cells, "test": ["90 [80, 95]"] * rows, "seeds": ["5"] * rows, "spread": ["1"] * rows})


def test_many_hyperparameters_are_numbered_configs() -> None:
    effort = pd.DataFrame({"size": ["0", "1", "2"], "steps": ["1", "2", "3"], "failed": ["0"] * 3})
    found = shaped(wide(), effort, keys=1, settings=16, needed=["test", "seeds"])
    assert list(found.table) == ["size", CONFIG, "test", "spread"]
    assert list(found.table[CONFIG]) == ["1", "2", "3"]
    assert found.note == "In all rows: seeds 5."
    configs, spent = found.appendix
    assert [part.title for part in found.appendix] == ["Configs", "Effort"]
    assert [len(block.columns) for block in configs.blocks] == [7, 7, 5]
    assert all(next(iter(block)) == CONFIG for block in configs.blocks)
    assert {name for block in configs.blocks for name in block} == {CONFIG, *WIDE}
    assert list(spent.table) == ["size", "steps"]
    assert spent.note == "In all rows: failed 0."


def test_few_hyperparameters_are_columns_and_those_alike_are_told_once() -> None:
    found = wide()[["size", *WIDE[:2], "test", "seeds"]].assign(**{WIDE[1]: "0.1", "seeds": ["5", "4", "5"]})
    effort = found[["size"]].assign(steps="3")
    shown = shaped(found, effort, keys=1, settings=2, needed=["test", "seeds"])
    assert list(shown.table) == ["size", WIDE[0], "test", "seeds"]
    assert shown.note == f"In all rows: {WIDE[1]} 0.1."
    alone = shaped(found.iloc[:1], effort.iloc[:1], keys=1, settings=2, needed=["test", "seeds"])
    assert list(alone.table) == ["size", *WIDE[:2], "test", "seeds"], "one row has no others to share with"


def test_blocks_begin_with_the_keys_and_hold_every_column_once() -> None:
    blocks = in_blocks(wide(), 1)
    assert all(next(iter(block)) == "size" and len(block.columns) <= MOST for block in blocks)
    assert [name for block in blocks for name in list(block)[1:]] == list(wide())[1:]
    assert shared_table("Effort", wide()[["size", "seeds"]], 1).blocks == []


def test_latex_breaks_text_before_it_parts_a_table_and_parts_numbers() -> None:
    sentence = "a long name of what is compared with what, and where it is compared"
    text = to_latex(pd.DataFrame({"where": [sentence] * 2, "compared": [sentence] * 2, "n": ["1", "2"]}), "c", "l")
    assert text.count(r"\begin{tabular}") == 1
    assert text.count(r"\raggedright") == 2
    numbers = to_latex(pd.DataFrame({f"{i}": ["81.2 [80.1, 82.3] (these images)"] for i in range(6)}), "c", "l")
    assert numbers.count(r"\begin{tabular}") > 1
    assert r"\shortstack[r]{epochs to \\ the best \\ {[}95 \%]}" in to_latex(
        pd.DataFrame({"epochs to the best [95 %]": ["1"]}), "c", "l"
    ), "a bracket after a break of a line would be taken for its height"


def test_a_table_that_a_page_does_not_hold_goes_on_in_another_float() -> None:
    rows = pd.DataFrame({"where": [f"a place with a name of some length, {i}" for i in range(90)], "n": "1"})
    text = to_latex(rows, "All of them", "it")
    assert text.count(r"\caption{All of them}") == 1
    assert text.count(r"\begin{table}") == text.count(r"\caption{Continued.}") + 1 == 2
    assert all(f"length, {i} " in text for i in range(90)), "no row is lost"
    assert r"\label{tab:it-2}" in text
