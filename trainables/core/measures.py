"""What a question measures: a measure is declared once, and all that is recorded and shown of it follows from that.

measures = (accuracy(), loss(), plain("l1", better="min", unit="px", low=0, images=True))
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from string import Formatter
from typing import Literal

import numpy as np

from common.files import Arrays
from common.problems import Problem, nearest

Better = Literal["max", "min"]
Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
HELD_OUT: tuple[Split, ...] = ("validation", "test")
PREFIXES: Mapping[Split, str] = {"train": "train", "validation": "val", "test": "test"}
"""What a measure's name has before it in the ledger: `val_accuracy` is the accuracy on validation data."""
RESERVED = ("images", "configs")
"""Names that would make columns of counts: `test_images`."""
ROUNDING = 1e-6
"""How far a value may lie outside its measure's bounds, relative to the bound: float32 has means that far above 1."""
UNLIKE = 1e-4
"""How far a test value may be from the mean of its images' values, relative to the largest of them."""


@dataclass(frozen=True)
class Measure:
    """One measure: `evaluate` (or, on training data, `train_epoch`) returns it under its name."""

    name: str
    better: Better
    """Whether a larger (max) or a smaller (min) value is better."""
    kind: Literal["share", "plain"] = "plain"
    """`share`: of images, shown in per cent; `plain`: any other number, shown as it is."""
    label: str = ""
    """What people read; the name with spaces, unless it is given. A config field in braces, such as `{first}`, stands
    for the data set that the field names."""
    unit: str = ""
    """The unit of a plain number, such as `px`."""
    low: float | None = None
    high: float | None = None
    """The least and the greatest value there can be, if there are any: intervals stay between them."""
    decimals: int | None = None
    """Digits after the point in tables and texts (of a share: in per cent); None leaves it to the number: to how many
    images there are for a share, else four significant digits."""
    tolerance: float | None = None
    """Values that close to the best count as the best; None: 0.1 point for a share, else 1 % of the range seen."""
    of: str | None = None
    """The config field of the data set whose held-out images it rests on; None: the sets that were trained on."""
    images: str | None = None
    """The array that has its value for each test image; see `Experiment.outputs`."""
    strata: str | None = None
    """The array that numbers parts of unequal size over which it is a mean of means, where there are any."""
    nearest: str | None = None
    """Of a measure of retrieval, the array that numbers the test image on which each image's value rests. Numbers count
    the images of `images` from 0; those of a gallery that has no values itself go on from there."""
    without: str | None = None
    """Likewise, the array that has each image's value if that image were not there."""
    error: Measure | None = None
    """What it misses, 1 − the measure: shown beside it, and a `select` may name it. `evaluate` does not return it."""
    splits: tuple[Split, ...] = SPLITS
    """Where it is measured; on training data it may always be missing."""
    optional: bool = False
    """Whether it may be missing elsewhere too: some configs or epochs have none."""

    @property
    def bounds(self) -> str:
        """The rule that a value keeps to, in words."""
        if self.kind == "share":
            return "a share of images, from 0 to 1"
        if self.low is None or self.high is None:
            return f"at least {self.low:g}" if self.low is not None else f"at most {self.high:g}"
        return f"from {self.low:g} to {self.high:g}"

    def bounded(self, value: float) -> float:
        """Return the value nearest to this one that lies within the bounds; NaN, of a trial that diverged, as it is."""
        if not math.isfinite(value):
            return value
        least, most = (-math.inf if self.low is None else self.low), (math.inf if self.high is None else self.high)
        return min(max(value, least), most)

    def is_outside(self, value: float) -> bool:
        """Return whether a value lies beyond a bound by more than rounding."""
        bound = self.bounded(value)
        return abs(value - bound) > ROUNDING * max(1, abs(bound))


def share(
    name: str, *, better: Better, label: str = "", of: str | None = None, images: bool = False, optional: bool = False,
    splits: tuple[Split, ...] = SPLITS,
) -> Measure:  # fmt: skip
    """Return a share of images, from 0 to 1, that has no error beside it, such as a recall; `images` as in `plain`."""
    measure = plain(
        name, better=better, label=label, low=0.0, high=1.0, of=of, images=images, optional=optional, splits=splits
    )
    return replace(measure, kind="share")


def accuracy(
    about: str = "", *, label: str = "", of: str | None = None, images: bool = True, optional: bool = False,
    splits: tuple[Split, ...] = SPLITS, retrieval: bool = False,
) -> Measure:  # fmt: skip
    """Return the share of images that are read right, and its error; ABOUT_accuracy and ABOUT_error if it is named.

    On one of several data sets, `of` names its config field, which is also what the name begins with unless `about` is
    given. With `images`, the arrays have `test_correct` (`test_ABOUT_correct`) and, where the accuracy is a mean over
    parts, `test_strata` (`test_ABOUT_strata`). With `retrieval`, an image is read by its nearest neighbour among test
    images, which are a sample too: the arrays have `test_nearest` and `test_without` (`test_ABOUT_…`) as well. The
    label is given without the word `accuracy`.
    """
    about, label = _named(about, label, of)
    stem = f"test_{about}_" if about else "test_"
    whole = replace(
        share(_joined(about, "accuracy"), better="max", of=of, optional=optional, splits=splits),
        label=f"{label} accuracy".strip(),
        images=f"{stem}correct" if images else None,
        strata=f"{stem}strata" if images else None,
        nearest=f"{stem}nearest" if images and retrieval else None,
        without=f"{stem}without" if images and retrieval else None,
    )
    missed = replace(whole, name=_joined(about, "error"), label=f"{label} error".strip(), better="min")
    return replace(whole, error=missed)


def loss(
    about: str = "", *, label: str = "", of: str | None = None, low: float | None = 0.0, optional: bool = False,
    splits: tuple[Split, ...] = SPLITS,
) -> Measure:  # fmt: skip
    """Return a loss, ABOUT_loss if it is named; `about`, `label` and `of` are as for `accuracy`.

    A loss that can be negative has no `low`.
    """
    about, label = _named(about, label, of)
    name = _joined(about, "loss")
    return plain(name, better="min", label=f"{label} loss".strip(), low=low, of=of, optional=optional, splits=splits)


def plain(
    name: str, *, better: Better, label: str = "", unit: str = "", low: float | None = None, high: float | None = None,
    decimals: int | None = None, tolerance: float | None = None, of: str | None = None, images: bool = False,
    optional: bool = False, splits: tuple[Split, ...] = SPLITS,
) -> Measure:  # fmt: skip
    """Return a plain number. With `images` it is the mean over the test images of `test_NAME_scores`.

    Where it is a mean over parts of unequal size, `test_NAME_strata` numbers them.
    """
    return Measure(
        name, better, label=label or name.replace("_", " "), unit=unit, low=low, high=high, decimals=decimals,
        tolerance=tolerance, of=of, images=f"test_{name}_scores" if images else None,
        strata=f"test_{name}_strata" if images else None, splits=splits, optional=optional,
    )  # fmt: skip


def _named(about: str, label: str, of: str | None) -> tuple[str, str]:
    if of is None:
        return about, label or about.replace("_", " ")
    return about or of, label or (about.replace("_", " ") if about else f"{{{of}}}")


def _joined(about: str, kind: str) -> str:
    return f"{about}_{kind}" if about else kind


def with_errors(measures: Iterable[Measure]) -> Iterator[Measure]:
    """Yield measures, each before its error if it has one."""
    return chain.from_iterable((one, one.error) if one.error else (one,) for one in measures)


def recorded(measures: Sequence[Measure], split: Split, found: Mapping[str, float]) -> dict[str, float]:
    """Return what was measured on a split under the ledger's names.

    Raises ValueError, with all that is wrong, where a name is not declared for the split, a declared measure is missing
    or a value lies outside its bounds.
    """
    known = {measure.name: measure for measure in measures if split in measure.splits}
    call = "train_epoch()" if split == "train" else f'evaluate("{split}")'
    wrong = [str(_undeclared(call, name, known)) for name in found if name not in known]
    needed = [] if split == "train" else [name for name, measure in known.items() if not measure.optional]
    remedy = "Return it, or declare it with optional=True, or for other splits."
    wrong += [
        str(Problem(call, f"returns every declared measure; {name} is one", sorted(found), remedy, given=False))
        for name in needed
        if name not in found
    ]
    for name in known.keys() & found.keys():
        if known[name].is_outside(found[name]):
            remedy = f'If it is right, declare it with other bounds, such as plain("{name}", better="min").'
            wrong.append(str(Problem(f"{call}: {name}", known[name].bounds, float(found[name]), remedy, given=False)))
    if wrong:
        raise ValueError("\n".join(sorted(wrong)))
    return {f"{PREFIXES[split]}_{name}": known[name].bounded(float(value)) for name, value in found.items()}


def _undeclared(call: str, name: str, known: Collection[str]) -> Problem:
    remedy = f'Declare it in `measures`, such as plain("{name}", better="min").'
    return Problem(call, "returns declared measures only", name, f"{remedy} {nearest(name, known)}", given=False)


def check_images(measures: Sequence[Measure], arrays: Arrays, row: Mapping[str, float]) -> None:
    """Check the test images' own values, on which standard errors rest, against the test values of the epoch read.

    Raises ValueError where a measure that was declared with `images` and measured has no such array, or another mean.
    """
    wrong = []
    for measure in measures:
        value = row.get(f"test_{measure.name}", math.nan)
        if measure.images is None or not math.isfinite(value):
            continue
        remedy = f"Keep it with keep_last, return it from outputs(), or declare {measure.name} with images=False."
        scores, strata = arrays.get(measure.images), arrays.get(measure.strata or "")
        if scores is None or scores.ndim != 1 or not scores.size:
            rule = f"an array [images] of the {measure.name} of each test image, as the measure declares it"
            wrong.append(Problem(measure.images, rule, sorted(arrays), remedy, given=False))
        elif abs((mean := _mean(scores, strata)) - value) > UNLIKE * float(np.abs(scores).max()):
            rule = f"values whose mean is test_{measure.name}, {value:g}"
            wrong.append(Problem(measure.images, rule, mean, remedy, given=False))
        else:
            wrong += _links_problems(measure, arrays, len(scores))
    if wrong:
        raise ValueError("\n".join(map(str, wrong)))


def _links_problems(measure: Measure, arrays: Arrays, images: int) -> Iterator[Problem]:
    """Yield what is wrong with the arrays that say on which other test images a measure of retrieval rests."""
    for name in filter(None, (measure.nearest, measure.without)):
        if name not in arrays or arrays[name].shape != (images,):
            rule = f"an array [{images}], as {measure.name} is declared with retrieval=True"
            yield Problem(name, rule, sorted(arrays), "Keep it with keep_last, or declare no retrieval.", given=False)


def _mean(scores: np.ndarray, strata: np.ndarray | None) -> float:
    """Return the mean of the values, or of their means in each stratum."""
    parts = [scores] if strata is None else [scores[strata == number] for number in np.unique(strata)]
    return math.fsum(float(part.mean(dtype=np.float64)) for part in parts) / len(parts)


def declaration_problems(measures: Sequence[Measure], data_fields: Collection[str]) -> list[Problem]:
    """Return what is wrong with a question's declaration; `data_fields` are the config fields that name data sets."""
    if not measures:
        remedy = "Declare what evaluate() returns, such as measures = (accuracy(), loss())."
        return [Problem("measures", "at least one measure", None, remedy, given=False)]
    names = [measure.name for measure in with_errors(measures)]
    found = [
        Problem("measures", "each name once", name, "Rename one of them.", given=False)
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    for measure in measures:
        found += _problems_of(measure, data_fields)
    return found


def _problems_of(measure: Measure, data_fields: Collection[str]) -> Iterator[Problem]:
    key = f"measures: {measure.name}"
    yield from _number_problems(measure, key)
    if not measure.name.isidentifier() or measure.name in RESERVED:
        rule = f"a Python name, and not {' or '.join(RESERVED)}"
        yield Problem(key, rule, measure.name, "Rename it.", given=False)
    told = {name for label in (measure.label, measure.error.label if measure.error else "") for name in _fields(label)}
    for field in dict.fromkeys([*filter(None, [measure.of]), *sorted(told)]):
        if field not in data_fields:
            rule = "`of`, and braces in a label, name a field of the Config that is a DataName"
            yield Problem(key, rule, field, nearest(field, data_fields) if data_fields else "It has none.", given=False)
    if not measure.splits or not {*measure.splits} <= {*SPLITS}:
        yield Problem(
            key, f"splits from {', '.join(SPLITS)}", measure.splits, "Mend them, or leave them out.", given=False
        )


def _number_problems(measure: Measure, key: str) -> Iterator[Problem]:
    if measure.low is not None and measure.high is not None and not measure.low < measure.high:
        yield Problem(key, "low < high", f"low={measure.low:g}, high={measure.high:g}", "Mend the bounds.", given=False)
    if measure.kind == "share" and (measure.low, measure.high) != (0, 1):
        rule = "a share of images, which has the bounds 0 and 1"
        yield Problem(key, rule, (measure.low, measure.high), "Declare it by share(…) or as kind plain.", given=False)
    if measure.kind != "share" and measure.error is not None:
        yield Problem(key, "only a share has an error, 1 − it", measure.error.name, "Leave out `error`.", given=False)
    if measure.tolerance is not None and not measure.tolerance >= 0:
        yield Problem(key, "a tolerance of 0 or more", measure.tolerance, "Mend it, or leave it out.", given=False)
    if measure.decimals is not None and not 0 <= measure.decimals <= 12:
        yield Problem(key, "decimals from 0 to 12", measure.decimals, "Mend them, or leave them out.", given=False)


def _fields(label: str) -> list[str]:
    """Return the fields in braces of a label."""
    return [field for _, field, _, _ in Formatter().parse(label) if field is not None]
