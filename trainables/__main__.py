"""`python -m trainables predict NETWORK IMAGE …` prints what a kept network sees in images."""

from __future__ import annotations

import sys

import tyro

from common.problems import Problem, Refused, nearest, refuse

PIPED_WIDTH = 120
COMMANDS = ("predict",)
USAGE = "python -m trainables predict runs/QUESTION/networks/NETWORK IMAGE_OR_FOLDER …\n    --help explains its options"


def main(argv: list[str]) -> int:
    """Run a command, and return the exit code: 0, or 2 where something that was given cannot be used."""
    if not argv or argv[0] in ("-h", "--help"):
        print(USAGE)
        return 0
    if argv[0] not in COMMANDS:
        return refuse(Problem("command", "one of predict", argv[0], nearest(argv[0], COMMANDS)))
    from rich.console import Console

    from trainables.networks.predict import Options, predictions  # late: it imports PyTorch

    options = tyro.cli(Options, args=argv[1:], prog="python -m trainables predict")
    try:
        console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
        console.print(predictions(options))
    except Refused as refused:
        return refuse(*refused.problems)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
