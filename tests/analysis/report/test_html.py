"""An answer in a notebook: a page of its own, in which no text can become markup."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd

from analysis.report import make
from analysis.report.html import blocks_to_html, table_to_html
from analysis.words import Bullets, Paragraph, Strong
from tests.support.synthetic import fill


def test_an_answer_shows_its_table_its_verdict_and_its_figures(tmp_path: Path) -> None:
    fill(tmp_path, backbones=["squeezenet1_1"], sizes=[100, 900])
    answer = make.make_answer(tmp_path, "transfer_sizes", formats=("png",))
    page = answer._repr_html_()
    assert page.count("<tr>") == 1 + len(answer.best)
    for claim in answer.claims:
        assert claim.text in page or claim.text not in answer.text
    images = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert [base64.b64decode(image) for image in images] == [path.read_bytes() for path in answer.figures.values()]
    assert {*answer.figures} == {"test_error", "epochs_to_best", "learning_curves"}
    assert repr(answer) == f"<Answer to transfer_sizes: {len(answer.best)} rows, in {tmp_path}>"
    partial = replace(answer, partial="3/9", warnings=("<odd>",))
    assert "PARTIAL: 3/9 trials" in partial._repr_html_()
    assert "&lt;odd&gt;" in partial._repr_html_()
    assert "3/9" in repr(partial)


def test_text_is_escaped() -> None:
    blocks = [Paragraph(("a < b & ", Strong("<b>"))), Bullets((("<i>",), ('"quoted"\nline',)))]
    assert list(blocks_to_html(blocks)) == [
        "<p>a &lt; b &amp; <strong>&lt;b&gt;</strong></p>",
        "<ul><li>&lt;i&gt;</li><li>&quot;quoted&quot;<br>line</li></ul>",
    ]
    table = table_to_html(pd.DataFrame({"<data>": ["<script>"], "n": ["5"]}))
    assert '<th style="text-align: left">&lt;data&gt;</th>' in table
    assert '<td style="text-align: left">&lt;script&gt;</td><td style="text-align: right">5</td>' in table
