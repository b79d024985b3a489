"""`labsweep`, or `python -m sweeps`: the one entry to all commands.

labsweep                       # lists the questions
labsweep transfer_sizes …      # does what `python sweeps/transfer_sizes.py …` does
labsweep answer QUESTION …     # does what `python -m analysis QUESTION …` does
labsweep report                # does what `python -m analysis report` does
labsweep predict …             # does what `python -m trainables predict …` does
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Mapping
from pathlib import Path

from common.problems import Problem, nearest, refuse

COMMANDS = {
    "answer": ("analysis.__main__", ()),
    "report": ("analysis.__main__", ("report",)),
    "predict": ("trainables.__main__", ("predict",)),
}
"""The module whose `main` does a command that is no question, and the words that it expects first."""


def questions() -> dict[str, str]:
    """Return the name of every question, with the first line of its docstring."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if not path.stem.startswith("__"):
            text = ast.get_docstring(ast.parse(path.read_text())) or ""
            found[path.stem] = text.partition("\n")[0]
    return found


def main(argv: list[str], name: str = "python -m sweeps") -> int:
    """List the questions, run one, or do another command, and return the exit code; `name` is what was typed."""
    known = questions()
    if not argv or argv[0] in ("-h", "--help"):
        print(listing(known, name))
        return 0
    first, rest = argv[0], argv[1:]
    if first in COMMANDS:
        module, words = COMMANDS[first]
        return int(importlib.import_module(module).main([*words, *rest]))
    if first not in known:
        return refuse(Problem("question", "a file in sweeps/", first, nearest(first, [*known, *COMMANDS])))
    from sweeps.engine import main as run  # it imports PyTorch, which takes seconds

    sweep = importlib.import_module(f"sweeps.{first}").SWEEP
    return run(sweep, rest, () if name.startswith("python") else (name, first))  # which exits the process itself


def listing(known: Mapping[str, str], name: str) -> str:
    """Return how to run each question, with the line that states it, and the other commands."""
    in_checkout = name.startswith("python")
    lines = []
    for question, text in known.items():
        lines += [f"python sweeps/{question}.py" if in_checkout else f"{name} {question}", f"    {text}"]
    lines += [f"{name} answer QUESTION", "    Make its answer again, from the ledger alone."]
    lines += [f"{name} report", "    One page of all questions and their answers, to be read in a browser or printed."]
    lines += [f"{name} predict NETWORK IMAGE …", "    What a kept network sees in images."]
    return "\n".join([*lines, "With --help, each explains its options."])


def labsweep() -> int:
    """Do what `labsweep` with the words of this process asks for, and return the exit code."""
    return main(sys.argv[1:], "labsweep")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
