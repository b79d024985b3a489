"""The differences that people are shown: all where these are few, else those on which the verdict rests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.numbers.results import records
from analysis.words import Claim, Difference, missing

FEW = 12
"""Differences that are all shown."""


def spoken(differences: pd.DataFrame, claims: Iterable[Claim]) -> pd.DataFrame:
    """Return the rows of `differences` that are shown beside a verdict which makes these claims."""
    if len(differences) <= FEW:
        return differences
    told = [claim for claim in claims if isinstance(claim, Difference)]
    rows = [any(_is_of(claim, row) for claim in told) for row in records(differences)]
    return differences[np.array(rows, dtype=bool)]


def _is_of(claim: Difference, row: Mapping[str, Any]) -> bool:
    """Return whether a claim compares what a row does, in whichever order."""
    if {claim.before, claim.after} != {row["from"], row["to"]}:
        return False
    same = {"metric": claim.metric, "factor": claim.factor, **claim.where}
    return all(row[name] == value or (missing(row[name]) and missing(value)) for name, value in same.items())
