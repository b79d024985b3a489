"""`python -m sweeps` lists the questions; `python -m sweeps transfer_sizes …` runs one."""

from __future__ import annotations

import ast
import runpy
import sys
from pathlib import Path

from common.problems import Problem, nearest

REFUSED = 2


def questions() -> dict[str, str]:
    """Return the name of every question, with the first line of its docstring."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if not path.stem.startswith("__"):
            text = ast.get_docstring(ast.parse(path.read_text())) or ""
            found[path.stem] = text.partition("\n")[0]
    return found


def main(argv: list[str]) -> int:
    """List the questions or run one, and return the exit code."""
    known = questions()
    if not argv or argv[0] in ("-h", "--help"):
        for name, text in known.items():
            print(f"python sweeps/{name}.py\n    {text}")
        return 0
    name = argv[0]
    if name not in known:
        print(Problem("question", "a file in sweeps/", name, nearest(name, known)), file=sys.stderr)
        return REFUSED
    sys.argv = argv
    runpy.run_module(f"sweeps.{name}", run_name="__main__")
    return 0  # not reached: a question's main exits


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
