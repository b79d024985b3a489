"""The report: every question on one page that needs nothing else, whatever stands in names, and however far it is."""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from analysis.__main__ import main, questions
from analysis.pages.command import write_report
from analysis.pages.entries import entries
from analysis.report.make import folder_of
from tests.analysis.test_transfer_sizes import TUNED, falling
from tests.support.synthetic import Measured, fill_question

pytestmark = pytest.mark.slow

NASTY = "<script>alert(1) <img src=x> #let x = 1; *b* [ $x$"


def answered(out: Path, data: str = "digits", made: Any = falling) -> None:
    """Fill the ledger of transfer_sizes."""
    fill_question(
        folder_of(out, "transfer_sizes", smoke=False), "transfer_sizes", made,
        factors={"backbone": ["resnet50", "vgg19"], "train_size": [100, 300, 500, 700]}, draws=[TUNED],
        settings={"data": data, "precision": "fp32"},
    )  # fmt: skip


class Page(HTMLParser):
    """What a page refers to, and its texts by tag."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.ids: list[str] = []
        self.scripts = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = dict(attrs)
        self.links += [str(own[name]) for name in ("src", "href") if name in own]
        self.ids += [str(own["id"])] if "id" in own else []
        self.scripts += tag == "script"
        if tag == "img":
            self.pictures.append(own)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("runs")
    answered(out)
    (out / "digit_pair").mkdir()
    (out / "digit_pair" / "ledger.sqlite").write_bytes(b"no ledger" * 400)
    page, _ = write_report(out, questions())
    return out, page.read_text(encoding="utf-8")


def test_every_question_has_a_row_that_says_how_far_it_is(report: tuple[Path, str]) -> None:
    out, text = report
    folders = {name: folder_of(out, name, smoke=False) for name in questions()}
    states = {one.question: one.state for one in entries(folders, png=False)}
    assert states.pop("transfer_sizes") == "answered"
    assert states.pop("digit_pair") == "unreadable"
    assert {*states.values()} == {"not run"}
    assert f"1 of {len(questions())} questions have an answer" in text
    assert "With 700 training images the test error is" in text.split("</table>")[0], "the answer in a sentence"


def test_it_needs_no_other_file_or_host(report: tuple[Path, str]) -> None:
    page = Page(report[1])
    assert all(link.startswith(("data:", "#")) for link in page.links)
    assert {link[1:] for link in page.links if link.startswith("#")} <= {*page.ids}
    assert not re.search(r"url\(|@import|https?://(?!www\.w3)", report[1])
    assert len(page.pictures) >= 4
    assert all(picture["alt"] for picture in page.pictures)
    assert len(page.ids) == len({*page.ids})


def test_the_page_tells_what_the_answer_does(report: tuple[Path, str]) -> None:
    text = report[1]
    for part in ("A law over train size", "Best configs", "Methods", "What the numbers claim", "How to run it again"):
        assert part in text
    assert "Effort" in text, "the appendix unfolds"


def test_what_others_wrote_into_names_is_text(tmp_path: Path) -> None:
    answered(tmp_path, data=NASTY)
    page, paper = write_report(tmp_path, ["transfer_sizes"])
    text = page.read_text(encoding="utf-8")
    assert Page(text).scripts == 1, "our own"
    assert "&lt;script&gt;alert(1) &lt;img src=x&gt;" in text
    assert "x" not in Page(text).links
    assert paper.read_bytes().startswith(b"%PDF")


def test_a_partial_answer_says_so(tmp_path: Path) -> None:
    def half(config: dict[str, Any], phase: str) -> Measured | None:
        return None if phase == "confirm" and config["seed"] > 2 else falling(config, phase)

    answered(tmp_path, made=half)
    page, _ = write_report(tmp_path, ["transfer_sizes"])
    assert re.search(r"<strong>Partial: \d+/\d+ trials.</strong>", page.read_text(encoding="utf-8"))


def test_figures_are_drawn_again_only_where_the_ledger_has_grown(tmp_path: Path) -> None:
    answered(tmp_path)
    write_report(tmp_path, ["transfer_sizes"], pdf=False)
    drawn = tmp_path / "transfer_sizes" / "figures" / "law.png"
    first = drawn.stat().st_mtime_ns
    write_report(tmp_path, ["transfer_sizes"], pdf=False)
    assert drawn.stat().st_mtime_ns == first
    ledger = tmp_path / "transfer_sizes" / "ledger.sqlite"
    os.utime(ledger, ns=(first + 10**9, first + 10**9))
    write_report(tmp_path, ["transfer_sizes"], pdf=False)
    assert drawn.stat().st_mtime_ns > first


def test_the_command_writes_both_files_and_refuses_a_folder_that_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--out", str(tmp_path)]) == 0
    assert [Path(line).name for line in capsys.readouterr().out.split()] == ["index.html", "report.pdf"]
    assert main(["report", "--out", str(tmp_path / "none")]) == 2
    assert "--out: a folder that sweeps have filled" in capsys.readouterr().err
