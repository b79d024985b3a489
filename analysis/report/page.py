"""The whole answer as one page of Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from analysis import words
from analysis.findings import Drawing, Findings
from analysis.numbers.looks import Look
from analysis.report import markup, rounded
from analysis.report.answer import Answer
from analysis.report.columns import SharedTable, shared_table


def paired(look: Look, families: str) -> str:
    """Return how differences were compared, as the end of a sentence; `families` names these with their sizes."""
    return (
        "paired by seed and image, each interval by itself; p is moderated t's, adjusted by Holm's method within"
        f" {families}; found is lower or higher where p is {look.told}."
    )


def page(answer: Answer, found: Findings, drawings: Mapping[str, Drawing]) -> str:
    """Return the whole answer as one Markdown page."""
    parts = [f"# {answer.title}"]
    if answer.partial:
        parts.append(f"**Partial: {answer.partial} trials.** To go on: `{found.results.runs[-1]['command']}`")
    parts.append(answer.text)
    parts += ["## Best configs", markup.to_markdown(answer.table), answer.caption]
    parts += [f"![{d.caption}](figures/{name}.png)\n\n*{d.caption}*" for name, d in drawings.items()]
    if len(answer.differences):
        parts.append(tables_told([shown_differences(answer, found)], level=2))
    for name, blocks in answer.sections.items():
        parts += [f"## {name}", markup.blocks_to_markdown(blocks)]
    parts += ["## Methods", markup.blocks_to_markdown(answer.methods)]
    if answer.networks_note:
        parts += ["## Networks", answer.networks_note]
    if answer.warnings:
        parts += ["## Caveats", "\n".join(f"- {warning}" for warning in answer.warnings)]
    run = found.results.runs[-1]
    commit = run["environment"].get("commit") or "unknown"
    made = [f"- `{run['command']}` at commit {commit}; `manifest.json` has versions and hardware."]
    for name, data in found.results.data.items():
        sources = f", made from {words.listed(data.made_from)}" if data.made_from else ""
        made.append(f"- Data {name}: {data.origin}{sources}")
    parts += ["## Made by", "\n".join(made)]
    parts += ["## Appendix", tables_told(answer.appendix, level=3)]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def tables_told(shown: Sequence[SharedTable], level: int) -> str:
    """Return parts of an answer in Markdown, each under a heading of this level."""
    parts = []
    for part in shown:
        blocks = map(markup.to_markdown, part.blocks)
        parts += [f"{'#' * level} {part.title}", *(block.rstrip() for block in blocks), part.note]
    return "\n\n".join(filter(None, parts))


def shown_differences(answer: Answer, found: Findings) -> SharedTable:
    """Return the differences that people are shown, and where the others are."""
    shown = rounded.differences_table(found.results, answer.differences_shown)
    made = shared_table("Differences", shown, list(shown).index("compared") + 1 if len(shown) else 0)
    left_out = len(answer.differences) - len(shown)
    others = f"Shown is what the verdict rests on; {left_out} more are in tables/differences.csv." if left_out else ""
    compared = f"Differences are {paired(found.look, rounded.families_told(found.results, answer.differences))}"
    return replace(made, note=" ".join(filter(None, [made.note, compared, others])))
