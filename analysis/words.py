"""The text of an answer as data, which every renderer shares, and the words for numbers in it.

A text is a sequence of runs: plain strings, `Strong` words, and the `Claim` and `Summary` runs that state numbers.
People read what the runs say; programs take the numbers from the claims.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from analysis.numbers.families import Found, word
from analysis.numbers.measures import Form
from analysis.numbers.results import CHOSEN, LOST, PRESCRIBED, REFERENCE, short

NONE = "–"
OVER_BOTH: Literal["seeds and images"] = "seeds and images"
GONE = "a seed diverged or collapsed"
"""Why a number that has seeds is none."""
Direction = Found


@dataclass(frozen=True)
class Strong:
    """Words in bold."""

    text: str


@dataclass(frozen=True)
class Claim:
    """A number that an answer states: a mean over seeds, or what one network reached."""

    text: str
    """How it reads, with its interval: `5.1 % [4.9, 5.3]`."""
    metric: str
    """The column of the tables that holds it."""
    estimate: float
    """NaN where a seed diverged or collapsed."""
    low: float
    high: float
    """Bounds of the 95 % interval; NaN where there is none."""
    n: int
    """Number of seeds."""
    where: Mapping[str, Any]
    """The values that name its condition, `recipe` (`chosen` or `prescribed`) among them."""
    over: Literal["seeds and images", "seeds", "images"] = "seeds"
    """What the interval is over: seeds, a claim about a config trained again, on new images or on these alone, or test
    images, about one network."""


@dataclass(frozen=True)
class Difference(Claim):
    """How much higher a metric is at the value `after` of a factor than at `before`, paired by seed."""

    factor: str = ""
    before: Any = None
    after: Any = None
    p: float = math.nan
    """Adjusted for its family (`numbers.families`); NaN where it is a comparison by itself."""
    level: float = math.nan
    """At most which `p` shows a difference: the level of this look."""

    @property
    def name(self) -> str:
        """What is compared, and where: `latent 2: fully connected no → yes`."""
        where = {key: value for key, value in self.where.items() if (key, value) != ("recipe", CHOSEN)}
        return compared(self.factor, self.before, self.after, where)

    @property
    def direction(self) -> Direction:
        """One of the four words for a difference."""
        if not math.isnan(self.level):
            return word(self.estimate, self.p, self.level)
        if math.isnan(self.estimate):
            return "no number"
        if self.high < 0:
            return "lower"
        return "higher" if self.low > 0 else "not shown to differ"


@dataclass(frozen=True)
class Summary:
    """Words that sum several claims up."""

    text: str
    claims: tuple[Claim, ...]


Run = str | Strong | Claim | Summary
Text = tuple[Run, ...]


@dataclass(frozen=True)
class Paragraph:
    """A block of running text."""

    text: Text


@dataclass(frozen=True)
class Bullets:
    """A list; it belongs to the paragraph before it."""

    items: tuple[Text, ...]


Block = Paragraph | Bullets


def text(template: str, *values: Run | Text | int) -> Text:
    """Return the runs of a template in which each `{}` stands for the next of `values`, itself a run or a text."""
    pieces = template.split("{}")
    if len(pieces) != len(values) + 1:
        raise ValueError(f"a template has {len(pieces) - 1} places for {len(values)} values: {template!r}")
    runs: list[Run] = [pieces[0]]
    for value, piece in zip(values, pieces[1:], strict=True):
        if isinstance(value, tuple):
            runs += value
        else:
            runs.append(str(value) if isinstance(value, int) else value)
        runs.append(piece)
    return tuple(run for run in runs if run != "")


def join(separator: str, texts: Iterable[Text]) -> Text:
    """Return texts with `separator` between them; empty ones are left out."""
    joined: list[Run] = []
    for one in filter(None, texts):
        joined += [separator, *one] if joined else one
    return tuple(joined)


def enumerated(texts: Iterable[Text]) -> Text:
    """Return the texts as `a, b and c`."""
    *first, last = list(texts) or [()]
    return (*join(", ", first), " and ", *last) if first else last


def plain(run: Run) -> str:
    """Return what a run says, without its weight."""
    return run if isinstance(run, str) else run.text


def claims_of(blocks: Sequence[Block]) -> Iterator[Claim]:
    """Yield every claim that blocks state or sum up, once, in their order."""
    seen: set[str] = set()
    for block in blocks:
        for one in block.items if isinstance(block, Bullets) else (block.text,):
            for run in one:
                for claim in _claims_of_run(run):
                    if repr(claim) not in seen:
                        seen.add(repr(claim))
                        yield claim


def _claims_of_run(run: Run) -> tuple[Claim, ...]:
    if isinstance(run, Summary):
        return run.claims
    return (run,) if isinstance(run, Claim) else ()


class Directions(NamedTuple):
    """What a question calls the directions of its differences."""

    lower: str
    higher: str
    neither: str


DIFFERS = Directions("is lower", "is higher", "is not shown to differ")


def outcomes(
    differences: Iterable[Difference], words: Directions, where: Callable[[Difference], str], link: str = "with"
) -> Summary:
    """Return which way each difference points: `helps with 100 and 500, and hurts with 2,000`; no text without any.

    `where` names a difference by what tells it from the others; `link` stands before these names.
    """
    said: dict[str, list[str]] = {}
    known = tuple(differences)
    for one in known:
        word = {
            "lower": words.lower,
            "higher": words.higher,
            "not shown to differ": words.neither,
            "no number": f"has no number ({GONE})",
        }[one.direction]
        said.setdefault(word, []).append(where(one))
    parts = [f"{word} {link} {listed(names)}" for word, names in said.items()]
    return Summary(", and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]])), known)


def percent(mean: float, low: float = math.nan, high: float = math.nan, digits: int = 1) -> str:
    """Return a share in per cent with its interval: `5.1 % [4.9, 5.3]`."""
    if math.isnan(mean):
        return f"no number ({GONE})"
    bounds = "" if math.isnan(low) else f" [{100 * low:.{digits}f}, {100 * high:.{digits}f}]"
    return f"{100 * mean:.{digits}f} %{bounds}"


def points(mean: float, low: float = math.nan, high: float = math.nan) -> str:
    """Return a difference of two shares with its interval: `+1.2 points [0.4, 2.0]`."""
    if math.isnan(mean):
        return f"no number ({GONE})"
    digits = 2 if high - low < 0.01 else 1
    bounds = "" if math.isnan(low) else f" [{100 * low:.{digits}f}, {100 * high:.{digits}f}]"
    return f"{100 * mean:+.{digits}f} points{bounds}".replace("-", "−")


def amount(form: Form, mean: float, low: float = math.nan, high: float = math.nan, note: str = "") -> str:
    """Return a value with its unit, interval and a note: `5.1 % [4.9, 5.3]`, `3.21 px [3.10, 3.32] (these images)`."""
    if math.isnan(mean):
        return f"no number ({GONE})"
    bounds = "" if math.isnan(low) else f" [{form.number(low)}, {form.number(high)}]"
    return noted(f"{form.number(mean)}{form.after}{bounds}", note)


def change(form: Form, mean: float, low: float = math.nan, high: float = math.nan, note: str = "") -> str:
    """Return a difference with its unit, interval and a note: `+1.2 points [0.4, 2.0]`, `−0.12 px [−0.20, −0.04]`."""
    if math.isnan(mean):
        return f"no number ({GONE})"
    if form.share:
        return noted(points(mean, low, high), note)
    bounds = "" if math.isnan(low) else f" [{form.number(low)}, {form.number(high)}]"
    return noted(f"{form.signed(mean)}{form.after}{bounds}", note)


def lost_seeds(row: Mapping[str, Any]) -> str:
    """Return how many seeds of a row of the best configs have no number: `of 10 seeds 1 diverged: 10.0 % [0.3, 44.5]`.

    The interval is exact, of the share of new seeds that would. Empty where none did.
    """
    told = [f"{row[f'n_{status}']} {status}" for status in LOST if row[f"n_{status}"]]
    share = percent(row["lost"], row["lost_low"], row["lost_high"])
    return f"of {row['n']} seeds {listed(told)}: {share}" if told else ""


def noted(told: str, note: str) -> str:
    """Return a text with a note in brackets, if there is one."""
    return f"{told} ({note})" if note else told


def interval_note(kind: str, *, mixed: bool = True) -> str:
    """Return what stands in brackets beside a number whose interval is of this kind (`intervals.Kind`), or is missing.

    That it holds on these images alone is said where other numbers hold for new ones (`mixed`). That there is one seed,
    the text says by itself.
    """
    if kind in ("seeds alike", "too few seeds"):
        return f"no interval: {kind}"
    return kind if kind == "these images" and mixed else ""


def ranged(counts: Iterable[float]) -> str:
    """Return `5`, or `3–5` where counts differ."""
    known = sorted({int(count) for count in counts})
    return "–".join(map(str, dict.fromkeys([known[0], known[-1]])))


def listed(items: Iterable[str]) -> str:
    """Return `a, b and c`."""
    *first, last = list(items) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def setting_text(name: str, value: Any) -> str:
    """Return a setting for people: None, which leaves it at the question's default, has a word.

    A hyperparameter that is fixed in some conditions only (`fixed_…`) is searched where it is None.
    """
    if missing(value):
        return "searched" if name.startswith("fixed_") else "default"
    return as_text(value)


def missing(value: Any) -> bool:
    """Return whether there is no value: None in one table is NaN in another."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def file_suffix(settings: Mapping[str, Any]) -> str:
    """Return what tells the files of these settings from others': `_digits_default`; empty without settings."""
    values = (setting_text(key, value) if missing(value) else value for key, value in settings.items())
    return re.sub(r"[^\w.-]+", "_", "".join(f"_{value}" for value in values))


def heading(name: str) -> str:
    """Return a field's name as a heading."""
    return name.replace("_", " ")


def named(name: str, value: Any, known_as: str | None = None) -> str:
    """Return a value with the name of its factor: `train size 2,000`, `fully connected yes`, `chosen config`.

    `known_as` stands for the factor's name; empty, for values that speak for themselves.
    """
    if known_as is None and name == "recipe":
        return f"{value} config" if value in (CHOSEN, PRESCRIBED, REFERENCE) else str(value)
    if known_as is None:
        known_as = heading(name)
    return f"{known_as} {counted(value)}".strip()


def compared(factor: str, before: Any, after: Any, where: Mapping[str, Any] | None = None) -> str:
    """Return what two conditions differ in: `latent 2: fully connected no → yes`.

    `where` is what they have in common.
    """
    change = f"{'config' if factor == 'recipe' else heading(factor)} {counted(before)} → {counted(after)}"
    common = ", ".join(named(name, value) for name, value in (where or {}).items() if name != factor)
    return f"{common}: {change}" if common else change


def counted(value: Any) -> str:
    """Return a factor's value in running text, whole numbers with a thousands separator: `2,000`."""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else as_text(value)


def as_text(value: Any) -> str:
    """Return a factor, setting or hyperparameter for people, whole numbers in full; of a path, its last part."""
    if missing(value):
        return NONE
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else f"{value:.3g}"
    return short(str(value))
