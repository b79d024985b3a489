"""The whole answer as one page of Markdown."""

from __future__ import annotations

from collections.abc import Mapping

from analysis import words
from analysis.findings import Drawing, Findings
from analysis.report import markup, rounded
from analysis.report.answer import Answer

PAIRED = "paired by seed; `apart` where the 95 % interval excludes 0, not widened for the number of comparisons."


def page(answer: Answer, found: Findings, drawings: Mapping[str, Drawing]) -> str:
    """Return the whole answer as one Markdown page."""
    parts = [f"# {answer.title}"]
    if answer.partial:
        parts.append(f"**Partial: {answer.partial} trials.** To go on: `{found.results.runs[-1]['command']}`")
    parts.append(answer.text)
    parts += [f"![{d.caption}](figures/{name}.png)\n\n*{d.caption}*" for name, d in drawings.items()]
    parts += ["## Best configs", markup.to_markdown(answer.table), answer.caption]
    parts += ["## Effort", markup.to_markdown(answer.effort)]
    if len(answer.differences):
        differences = markup.to_markdown(rounded.differences_table(found.results, answer.differences))
        parts += ["## Differences", differences, f"Differences are {PAIRED}"]
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
    return "\n\n".join(part.rstrip() for part in parts) + "\n"
