"""The networks that trials left: a table of them, and their cards, which get what was measured.

A card has two claims, each with its interval: what this network does on other images, and what its config does when it
is trained again with other seeds.
"""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.findings import Findings
from analysis.numbers.intervals import wilson_interval
from analysis.numbers.measures import Column
from analysis.numbers.results import PerImage, Results, records
from analysis.numbers.seeds import image_error
from common.files import write_atomic

NORMAL = 1.96
"""Standard errors on either side of a 95 % interval."""
MB = 1_000_000


def networks_of(found: Findings) -> pd.DataFrame:
    """Return a row for each network that a reported trial left: condition, config, seed, measures, size and folder.

    A config may be both chosen and prescribed.
    """
    results = found.results
    rows: dict[str, dict[str, Any]] = {}
    for seed in _reported(found):
        trial, kept = seed["trial"], _fact(results, seed["trial"])
        if trial in rows:
            rows[trial]["recipe"] += f" and {seed['recipe']}"
        elif "folder" in kept:
            measured = {column.name: seed[column.name] for column in _columns(results) if column.name in seed}
            named = {name: seed[name] for name in [*results.keys, "recipe", "seed"]}
            rows[trial] = {**named, **measured, "bytes": kept["bytes"], "folder": kept["folder"], "trial": trial}
    return pd.DataFrame(rows.values(), dtype=object)


def lying_in(folder: Path, table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its columns typed and each network's `folder` joined to that of the ledger."""
    if not len(table):
        return table
    return table.assign(folder=[str(folder / name) for name in table["folder"]]).infer_objects()


def told_networks(table: pd.DataFrame, folder: Path) -> str:
    """Return a sentence on the networks and how to use one; empty where there are none."""
    if not len(table):
        return ""
    count = "1 network is" if len(table) == 1 else f"{len(table)} networks are"
    command = shlex.join(["python", "-m", "trainables", "predict", str(folder / table["folder"].iloc[0])])
    return (
        f"{count} in networks/, {table['bytes'].sum() / MB:.2g} MB, with a row in tables/networks.csv."
        f" To see what one reads in images: `{command} IMAGE`"
    )


def left_out_networks(results: Results) -> list[str]:
    """Return a caveat where networks were too large to be kept."""
    facts = [_fact(results, trial) for trial in results.trials["id"]]
    large = [fact for fact in facts if "limit" in fact]
    if not large:
        return []
    count = "1 network was" if len(large) == 1 else f"{len(large)} networks were"
    each, limit = (max(fact[name] for fact in large) / MB for name in ("bytes", "limit"))
    return [
        f"{count} not kept: up to {each:.2g} MB each, where each one's share was {limit:.2g} MB. A larger --network-mb"
        " keeps those of trials that run from then on."
    ]


def complete_cards(found: Findings, table: pd.DataFrame, folder: Path) -> list[Path]:
    """Add to each network's card what the answer says of it; return the cards, those left out that are not there."""
    results = found.results
    commands = {key: run["command"] for run in results.runs for key in run["plan"].conditions}
    configs = {_name(results, row): row for row in records(found.best)}
    seeds = {seed["trial"]: seed for seed in _reported(found)}
    written = []
    for row in records(table):
        path, seed = folder / row["folder"] / "card.json", seeds[row["trial"]]
        if not path.exists():
            continue
        card = json.loads(path.read_bytes())
        card["answer"] = {
            "command": commands[seed["condition"]],
            "recipe": row["recipe"],
            "condition": {key: seed[key] for key in results.keys},
            "measures": dict(_measures(results, seed, configs[_name(results, seed)])),
        }
        content = (json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
        if content != path.read_bytes():
            write_atomic(path, content)
        written.append(path)
    return written


def _reported(found: Findings) -> Iterator[dict[str, Any]]:
    yield from records(found.seeds)
    yield from records(found.extra)


def _fact(results: Results, trial: str) -> dict[str, Any]:
    fact: dict[str, Any] = results.facts[trial].get("network", {})
    return fact


def _name(results: Results, row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what tells the condition and config of a row from others; what is missing is None, in some tables NaN."""
    values = [row[name] for name in [*results.keys, "recipe"]]
    return tuple(None if isinstance(value, float) and math.isnan(value) else value for value in values)


def _columns(results: Results) -> list[Column]:
    """Return the columns of what reported trials measured on the last of the splits, errors left out."""
    split = results.splits[-1]
    return [results.measures.columns(name, split)[0] for name in results.metrics]


def _measures(
    results: Results, seed: Mapping[str, Any], config: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what was measured of a network and of its config, by column."""
    for column in _columns(results):
        value = _number(seed.get(column.name))
        if value is None:
            continue
        low, high = _over_images(results, seed["trial"], column, value)
        yield (
            column.name,
            {
                "this network": {"value": value, "low": low, "high": high},
                "its config": {
                    "mean": _number(config.get(column.name)),
                    "low": _number(config.get(f"{column.name}_low")),
                    "high": _number(config.get(f"{column.name}_high")),
                    "interval": config[f"{column.name}_interval"],
                    "seeds": int(config["n"]),
                },
            },
        )


def _over_images(results: Results, trial: str, column: Column, value: float) -> tuple[float | None, float | None]:
    """Return the bounds of a network's measure on other images of the kind; None where no array tells."""
    if column.measure.images is None or column.split != "test":
        return None, None
    known: PerImage | None = results.per_image(trial, column.measure)
    if known is None:
        return None, None
    alone = known.links is None and (known.strata is None or len(np.unique(known.strata)) == 1)
    if alone and known.values.dtype == np.bool_:
        return wilson_interval(int(known.values.sum()), len(known.values))
    half = NORMAL * image_error([known])
    measure = column.measure
    low = max(value - half, -math.inf if measure.low is None else measure.low)
    return _number(low), _number(min(value + half, math.inf if measure.high is None else measure.high))


def _number(value: Any) -> float | None:
    """Return a number that JSON can hold, None for others."""
    return float(value) if value is not None and math.isfinite(value) else None
