"""The options of the command line, which are the same for every sweep."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from common.problems import Problem, nearest

CHOICES = {
    "search": ("random", "grid", "optuna", "pareto"),
    "scheduler": ("none", "asha"),
    "precision": ("auto", "bf16", "fp32"),
    "keep_networks": ("none", "chosen", "all"),
}
"""The values of options that take one of a few words."""
OLDER = ("keep", "rerun")


def _told(default: str = "", metavar: str | None = None) -> Any:
    """Return what --help says of a default that is no value to type, and calls the value."""
    return tyro.conf.arg(help_behavior_hint=f"(default: {default})" if default else "", metavar=metavar)


@dataclass(frozen=True)
class Options:
    gpus: int = 0
    """GPUs to use."""
    cpus: Annotated[int | None, _told("all", "INT")] = None
    """CPU cores to use."""
    address: Annotated[str | None, _told(metavar="ADDRESS")] = None
    """A running Ray cluster to join; a private one is started otherwise. --out must be on a file system it shares."""
    trials_per_gpu: int | Literal["auto"] = 1
    """Trials that share a GPU; auto: as many as fit, by the memory that the most expensive holds after an epoch."""
    seeds: Annotated[int | None, _told("what the question states: 5, or 10 where a trial is cheap", "INT")] = None
    """Fresh seeds on which each chosen config is confirmed. Looks at an answer are planned for 5, 10 and 20 of them."""
    samples: Annotated[int | None, _told("what the question states", "INT")] = None
    """Configs that each condition tries (with a model those in the ledger count); for grid, values from each range."""
    search: str = "random"
    """random (the same draws in every condition), grid, optuna (TPE, a model for each condition), or pareto (one model
    for all conditions, where a question trades its metric for another measure, as accuracy for parameters)."""
    search_seed: int = 0
    """Another number draws other configs, and seeds the model anew. Trials in the ledger count where configs coincide;
    a model also learns from all others there that lie in the space."""
    scheduler: str = "none"
    """none, or asha (stops weak trials early, compared within a condition only)."""
    set: Annotated[tuple[str, ...], _told(metavar="KEY=VALUE [KEY=VALUE ...]")] = ()
    """k=v fixes, k=a,b enumerates, k=low:high searches a range. Several may follow, or repeat the option."""
    prescribed: Annotated[bool, _told()] = True
    """Leave out the config that the question itself prescribes, which otherwise has a row of its own, or else our own
    reference, and variants of it."""
    data: Annotated[str | None, _told("what the question states", "NAME")] = None
    """A data set's name, or the path of an .npz, a folder or a .zip of class folders; for two, A,B."""
    allow_duplicates: Annotated[bool, _told()] = False
    """Take data sets with more than 1 % of the test images in the training split too, pixel for pixel. Answers tell how
    many there are in any case."""
    data_dir: Annotated[Path | None, _told(metavar="FOLDER")] = None
    """The folder with data sets in torchvision's layout; nothing is written there. What it lacks is downloaded into a
    cache."""
    weights_dir: Annotated[Path | None, _told(metavar="FOLDER")] = None
    """The folder with pre-trained weights, as <backbone>*.pth. What it lacks is downloaded into a cache."""
    out: Path = Path("runs")
    """Results go to OUT/<question>."""
    builtin: Annotated[bool, _told()] = False
    """Use built-in data and networks: no download, minutes on a laptop."""
    smoke: Annotated[bool, _told()] = False
    """The smallest run that goes through every step; results go to OUT/<question>-smoke."""
    keep_networks: str = "chosen"
    """Which trained networks to keep in OUT/<question>/networks, each with a card: none, chosen (those of the confirmed
    trials, of chosen and prescribed configs) or all (of search trials too). Those of finished trials are gone."""
    network_mb: float = 50
    """Megabytes that all networks of a command may take. A network is kept if it takes no more than this divided by the
    number of networks that the command plans."""
    dry_run: Annotated[bool, _told()] = False
    """Show what would run and what would be downloaded, and stop: nothing is run, downloaded or written."""
    fresh: Annotated[bool, _told()] = False
    """Set an existing ledger aside and start anew."""
    older_code: Annotated[str | None, _told("ask", "{keep,rerun}")] = None
    """What becomes of finished trials that other code made. keep: they count, and the answer says so; typed again, the
    command keeps them without being told. rerun: they stay in the ledger, but count for nothing (as with --smoke)."""
    time_budget: Annotated[float | None, _told("no limit", "MINUTES")] = None
    """Minutes after which no further trial is started; the answer is then marked partial."""
    precision: str = "auto"
    """bf16, fp32, or auto: bf16 where the processor has it."""
    dashboard: Annotated[bool, _told()] = True
    """Do without Ray's dashboard, which otherwise is served on 127.0.0.1."""

    def problems(self) -> list[Problem]:
        """Return a problem for each value that no sweep could use."""
        found = []
        for key, known in CHOICES.items():
            value = getattr(self, key)
            if value not in known:
                option = f"--{key.replace('_', '-')}"
                found.append(Problem(option, f"one of {', '.join(known)}", value, nearest(value, known)))
        if self.older_code is not None and self.older_code not in OLDER:
            remedy = nearest(self.older_code, OLDER)
            found.append(Problem("--older-code", "keep or rerun", self.older_code, remedy))
        smallest = {"gpus": 0, "cpus": 1, "trials_per_gpu": 1, "seeds": 1, "samples": 1, "search_seed": 0}
        for key, least in smallest.items():
            value = getattr(self, key)
            if isinstance(value, int) and value < least:
                option = f"--{key.replace('_', '-')}"
                found.append(Problem(option, f"a whole number from {least} on", value, "Omit it for the default."))
        if self.trials_per_gpu != 1 and self.gpus == 0:
            rule = "an option beside --gpus"
            found.append(Problem("--trials-per-gpu", rule, self.trials_per_gpu, "Give --gpus N too, or omit it."))
        if self.seeds is not None and self.seeds > 1000:
            found.append(Problem("--seeds", "at most 1000", self.seeds, "Give a smaller number."))
        if not 0 < self.network_mb < float("inf"):
            remedy = "Omit it for 50; --keep-networks none keeps none."
            found.append(Problem("--network-mb", "megabytes, more than 0", self.network_mb, remedy))
        if self.time_budget is not None and not 0 < self.time_budget < float("inf"):
            found.append(Problem("--time-budget", "minutes, more than 0", self.time_budget, "Omit it for no limit."))
        return found


def parse(
    argv: list[str], *, prog: str, description: str, fields: Collection[str] = ()
) -> tuple[Options, list[Problem]]:
    """Return the options, and the problems with the command line itself; `fields` are what --set takes.

    Exits with 0 on --help, and with 2 if a word cannot be read at all, such as letters where a number belongs.
    """
    options, unknown = tyro.cli(
        Options,
        prog=prog,
        description=description,
        args=_merge_repeated_set(argv),
        return_unknown_args=True,
        config=(tyro.conf.FlagCreatePairsOff,),
    )
    names = {f"--{'no-' * (f.default is True)}{f.name.replace('_', '-')}" for f in dataclasses.fields(Options)}
    found = [Problem(word, "an option of every sweep", word, _meant(word, names, fields)) for word in _options(unknown)]
    return options, found + options.problems()


def _options(unknown: Sequence[str]) -> Iterator[str]:
    """Yield the unknown words without those that are values of an unknown option before them."""
    for before, word in zip(["", *unknown], unknown, strict=False):
        if word.startswith("-") or not before.startswith("--") or "=" in before:
            yield word


def _meant(word: str, names: Collection[str], fields: Collection[str]) -> str:
    """Return a remedy for an unknown option: fields of the question are set by --set."""
    name, equals, value = word.lstrip("-").partition("=")
    field = name.replace("-", "_")
    if field in fields:
        return f"Did you mean --set {field}={value if equals else 'VALUE'}?"
    return nearest(word.split("=")[0], names)


def _merge_repeated_set(argv: list[str]) -> list[str]:
    """Return `--set a=1 --set b=2` as `--set a=1 b=2`, the only form that the parser understands."""
    rest: list[str] = []
    pairs: list[str] = []
    target = rest
    for word in argv:
        if word == "--set":
            target = pairs
        elif word.startswith("--set="):
            pairs.append(word.removeprefix("--set="))
            target = rest
        elif word.startswith("--"):
            target = rest
            rest.append(word)
        else:
            target.append(word)
    if "--set" in argv and not pairs:
        pairs.append("")  # `request` refuses it, along with other problems
    return [*rest, "--set", *pairs] if pairs else rest
