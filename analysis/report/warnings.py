"""What a reader should know before believing an answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.database.damage import Damage
from analysis.ledger import FINAL
from analysis.numbers.looks import ALPHA, look_at, percent
from analysis.numbers.progress import count
from analysis.numbers.results import CHOSEN, LOST, Results, records, short
from analysis.plan_record import made_by
from analysis.report.cells import key_named
from analysis.report.failed import ERRORS, failed_trials
from analysis.words import listed, lost_seeds

SHOWN = 7
"""Conditions that are named one by one, one fewer at most."""


def warnings_of(results: Results, best: pd.DataFrame) -> list[str]:
    """Return a sentence for each caveat."""
    used = results.trials[results.trials["phase"] == results.phase]
    own = best[best["recipe"] == CHOSEN]
    notes = _damaged(results) + _earlier(results)
    look = look_at(results)
    if look.before:
        earlier = " and ".join(map(str, look.before))
        spent = f"of the {percent(ALPHA)} of all looks, {percent(look.level)} is left for what this one claims"
        notes.append(f"{look.seeds} seeds, after an answer on {earlier}: {spent}.")
    notes += _near_ties(results, own)
    if (kinds := used["hardware"].nunique()) > 1:
        notes.append(f"The reported trials ran on {kinds} kinds of hardware; manifest.json names them.")
    notes += _older_code(results, used)
    if results.left_out:
        notes.append(f"{_trials(results.left_out)} on other content of the same data or weights: left out.")
    if failed := int(own["failed"].sum()):
        each, first = "The first: " if failed > 1 else "It was ", failed_trials(results)[0]
        notes.append(f"{_trials(failed)} failed. {each}{first.told}; {ERRORS} has its traceback.")
    notes += _lost(results, best)
    if rising := int(((best["n"] > 0) & (best["rising"] > best["n"] / 2)).sum()):
        rows = "1 row" if rising == 1 else f"{rising} rows"
        notes.append(f"In {rows} training ended while most seeds still improved: allow more epochs (↑).")
    if lost := results.unreadable:
        each, reason = "the first: " if len(lost) > 1 else "", next(iter(lost.values()))
        notes.append(f"Image variance leaves out {_trials(len(lost))} without readable arrays; {each}{reason}.")
    return [*notes, *_of_data(results)]


def _of_data(results: Results) -> Iterator[str]:
    """Yield what keeps test images from being new to the network, or to who made it, and the data sets' own caveats."""
    for data in results.data.values():
        if data.duplicates and data.test_images:
            copies = f"{data.duplicates:,} of {data.test_images:,} ({percent(data.duplicates / data.test_images)})"
            yield f"Test images of {short(data.name)} that are among the training images, pixel for pixel: {copies}."
    for name, decided in results.plan.seen_on_test.items():
        yield f"Decided while looking at test images of {name}: {decided}."
    yield from dict.fromkeys(caveat for data in results.data.values() for caveat in data.caveats)


def damaged(damage: Damage) -> str:
    """Return what a reader is told of a damaged ledger."""
    return f"The ledger is damaged: {damage}. Only they are shown; the sweep's command runs the others again."


def _damaged(results: Results) -> list[str]:
    """Return a sentence if the ledger is damaged: what is left of it, which is all that is shown."""
    return [] if results.ledger.damage is None else [damaged(results.ledger.damage)]


def _earlier(results: Results) -> list[str]:
    """Return a sentence if conditions of earlier commands, which the tables show too, lack trials."""
    newest = {key: run["command"] for run in results.runs for key in run["plan"].conditions}
    missing = {condition.key: count(results, condition).missing for condition in results.conditions}
    lacking = [key for key, trials in missing.items() if trials > 0 and key not in results.plan.conditions]
    if not lacking:
        return []
    commands = " and ".join(f"`{command}`" for command in dict.fromkeys(newest[key] for key in lacking))
    return [f"Earlier commands lack {_trials(sum(missing[key] for key in lacking))}. To go on: {commands}"]


def _older_code(results: Results, used: pd.DataFrame) -> list[str]:
    """Return a sentence if other code made some trials: how many that count, or of a plan before, that are `used`."""
    if not results.plan.code:
        versions = used["code_fingerprint"].nunique()
        told = f"The reported trials were made by {versions} versions of the code; see manifest.json."
        return [told] if versions > 1 else []
    trials = results.trials[results.trials["status"].isin(FINAL)]
    older = trials[trials["code_fingerprint"] != results.plan.own_code]
    if older.empty:
        return []
    now = results.modules.get(results.plan.own_code, {})
    made = made_by(Counter(older["code_fingerprint"]), results.modules, now)
    return [f"Of {len(trials)} finished trials, other code made {len(older)}, which were kept: {made}."]


def _lost(results: Results, best: pd.DataFrame) -> Iterator[str]:
    """Yield how many trials of the search diverged or collapsed, and which configs' seeds did, each with its share."""
    own = best[best["recipe"] == CHOSEN]
    counts = {status: int(own[f"search_{status}"].sum()) for status in LOST}
    if any(counts.values()):
        told = listed(f"{count} {status}" for status, count in counts.items() if count)
        yield f"Of the search trials {told}: a config of which one did so ranks last."
    rows = records(best[best["lost"] > 0])
    varying = [key for key in results.keys if best[key].nunique(dropna=False) > 1]
    names = [*varying, *(["recipe"] if best["recipe"].nunique() > 1 else [])]
    told_each = [f"{_named(results, row, names)}{lost_seeds(row)}" for row in rows[:SHOWN]]
    if rows:
        more = f"; and of {len(rows) - SHOWN} further rows of the table" if len(rows) > SHOWN else ""
        told = f"{'; '.join(told_each)}{more} (exact 95 % intervals)"
        yield f"{told[0].upper()}{told[1:]}. A mean over seeds that holds one has no number."


def _named(results: Results, row: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return what names a row before what is said of it: `train size 900: `; empty where there is one row."""
    named = ", ".join(key_named(results, key, row[key]) for key in names)
    return f"{named}: " if named else ""


def _near_ties(results: Results, own: pd.DataFrame) -> Iterator[str]:
    """Yield a sentence if some choices were near ties: another search would have chosen another config."""
    tied = records(own[own["near_tie"]])
    if not tied:
        return
    varying = [key for key in results.keys if own[key].nunique(dropna=False) > 1]
    named = [", ".join(key_named(results, key, row[key]) for key in varying) for row in tied]
    shown = f" ({'; '.join(named)})" if varying and len(named) < SHOWN else ""
    within = "the second best config's search score is within one standard error, over search seeds, of the best one's"
    yield f"In {len(tied)} of {len(own)} conditions{shown} the choice was a near tie: {within}."


def _trials(count: int) -> str:
    return f"{count} trial" if count == 1 else f"{count} trials"
