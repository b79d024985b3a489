"""A wide table of text as tables that people can read: seven columns at most, and what all rows share said once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.words import NONE, listed

MOST = 7
"""Columns of a table that people read."""
CONFIG = "config"
"""The heading of a config's number, which stands for its hyperparameters where these are too many."""
SEEDS = "seeds"
"""The heading of n."""


@dataclass(frozen=True)
class SharedTable:
    """A part of an answer's appendix."""

    title: str
    table: pd.DataFrame
    """Empty where its rows share everything."""
    keys: int
    """How many of the table's first columns name the row."""
    note: str
    """What all of its rows share."""

    @property
    def blocks(self) -> list[pd.DataFrame]:
        """The table as tables of at most `MOST` columns, each of which begins with the keys; none if it is empty."""
        return in_blocks(self.table, self.keys) if len(self.table) else []


@dataclass(frozen=True)
class Shaped:
    """The best configs as people read them."""

    table: pd.DataFrame
    """What was compared, chosen and found, in at most `MOST` columns."""
    keys: int
    """How many of its first columns name the condition."""
    note: str
    """What all of its rows share."""
    appendix: tuple[SharedTable, ...]


def shaped(found: pd.DataFrame, effort: pd.DataFrame, *, keys: int, settings: int, needed: Sequence[str]) -> Shaped:
    """Return the best configs, and an appendix with what does not fit beside them.

    `found` has columns for what names the condition (`keys`), then the hyperparameters (`settings` columns), then what
    was found, of which the columns `needed` come before others. `effort` has the same keys and rows. Hyperparameters
    are columns of the table if they fit beside these; else it has the numbers of configs, which the appendix lists.
    """
    names = list(map(str, found))
    named = [name for name in names[:keys] if found[name].nunique() > 1] or names[:1]
    same = [name for name in names if len(found) > 1 and found[name].nunique() == 1]
    alike = [name for name in [*names[: keys + settings], SEEDS] if name in same and name not in named]
    chosen = [name for name in names[keys : keys + settings] if name not in alike]
    measured = [name for name in names[keys + settings :] if name not in alike]
    first = [name for name in needed if name in measured]
    others = []
    if len(named) + len(chosen) + len(first) <= MOST:
        table = found[[*named, *chosen]]
    else:
        table = found[named].assign(**{CONFIG: numbered(found[chosen])})
        configs = pd.concat([table[CONFIG], found[chosen]], axis="columns").drop_duplicates()
        others.append(shared_table("Configs", configs[configs[CONFIG] != NONE], 1))
    room = max(1, MOST - len(table.columns))
    fitting = [*first, *(name for name in measured if name not in first)][:room]
    if rest := [name for name in measured if name not in fitting]:
        others.append(shared_table("Further numbers", found[[*named, *rest]], len(named)))
    spent = [name for name in map(str, effort) if name not in names[:keys]]
    others.append(shared_table("Effort", effort[[*named, *spent]], len(named)))
    table = pd.concat([table, found[[name for name in measured if name in fitting]]], axis="columns")
    return Shaped(table, len(named), shared(found[alike]), tuple(others))


def numbered(settings: pd.DataFrame) -> list[str]:
    """Return the number of each row's config, from 1 in their order; a dash where there is none yet."""
    rows = list(settings.itertuples(index=False, name=None))
    known = [row for row in dict.fromkeys(rows) if set(row) != {NONE}]
    return [str(known.index(row) + 1) if row in known else NONE for row in rows]


def shared_table(title: str, table: pd.DataFrame, keys: int) -> SharedTable:
    """Return a part of the appendix; what is the same in each of several rows is told instead of shown."""
    names = list(map(str, table))[keys:]
    same = [name for name in names if len(table) > 1 and table[name].nunique() == 1]
    left = table.drop(columns=same) if len(same) < len(names) else pd.DataFrame()
    return SharedTable(title, left, keys, shared(table[same]))


def shared(alike: pd.DataFrame) -> str:
    """Return what columns say that are the same in all rows of a table: `In all rows: failed 0 and stopped 0.`"""
    told = listed(f"{name} {alike[name].iloc[0]}" for name in alike if alike[name].iloc[0] != NONE)
    return f"In all rows: {told}." if told else ""


def in_blocks(
    table: pd.DataFrame, keys: int, fits: Callable[[Sequence[str]], bool] = lambda names: len(names) <= MOST
) -> list[pd.DataFrame]:
    """Return a table as tables whose columns fit, by their names, beside each other, each after the first `keys`."""
    names = list(map(str, table))
    blocks: list[list[str]] = [[]]
    for name in names[keys:]:
        if blocks[-1] and not fits([*names[:keys], *blocks[-1], name]):
            blocks.append([])
        blocks[-1].append(name)
    return [table[[*names[:keys], *block]] for block in blocks]
