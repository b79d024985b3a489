"""What is measured of a network behind a spatial transformer, beside its accuracy; see `learned` for what it means."""

from __future__ import annotations

from typing import Literal

from trainables.core.measures import HELD_OUT, Measure, accuracy, loss, plain, share
from trainables.spatial.images import Origin

BY_ORIGIN: tuple[Origin, ...] = ("original", "elastic", "zoom")
"""Origins that have an accuracy of their own, beside that of all together."""


def _number(name: str, label: str, better: Literal["max", "min"] = "max", *, high: float | None = None) -> Measure:
    """Return a number that is 0 or more, which some conditions lack, as all below are."""
    return plain(name, better=better, label=label, low=0, high=high, decimals=3, optional=True, splits=HELD_OUT)


def _share_of_zoom(name: str, label: str) -> Measure:
    """Return a share that may be below 0, where a transformer makes smaller what is small."""
    return plain(name, better="max", label=label, decimals=3, optional=True, splits=HELD_OUT)


MEASURES: tuple[Measure, ...] = (
    accuracy(),
    *(accuracy(origin, optional=True, splits=HELD_OUT) for origin in BY_ORIGIN),
    loss(),
    _number("slant_r2", "R² of shear by slant", high=1),
    _number("slant_control", "R² of shear by slant, shuffled", "min", high=1),
    _number("shift_r2", "R² of shift by centre of mass", high=1),
    _number("shift_control", "R² of shift by centre of mass, shuffled", "min", high=1),
    _number("size_r2", "R² of scale by bounding box", high=1),
    _number("size_control", "R² of scale by bounding box, shuffled", "min", high=1),
    plain(
        "variation", better="max", label="how far maps differ between images", unit="px", low=0, decimals=2,
        optional=True, splits=HELD_OUT,
    ),
    _share_of_zoom("zoom_undone", "share of the zoom undone"),
    _share_of_zoom("zoom_control", "share of the zoom undone, between originals"),
    _number("left", "displacement left", "min"),
    _number("left_control", "displacement left, shuffled", "min"),
    _number("left_affine", "displacement left by the best affine maps", "min"),
    _number("sharpness_before", "sharpness of class means, inputs", high=1),
    _number("sharpness", "sharpness of class means, outputs", high=1),
    share("degenerate", better="min", label="degenerate maps", optional=True, splits=HELD_OUT),
    share("little_ink", better="min", label="elastic copies with little ink", optional=True, splits=HELD_OUT),
)  # fmt: skip
