"""How an answer was arrived at, in paragraphs for a paper's methods section, made from the plan alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from analysis.numbers.results import REFERENCE, Results
from analysis.plan_record import ChoiceRecord, PlanRecord, RangeRecord
from analysis.selection import objective
from analysis.words import Paragraph, Strong, as_text, heading, listed, missing, text

PROPOSED = {
    "random": "points of a scrambled Sobol sequence, the same in every condition",
    "grid": "all combinations of their values",
    "optuna": "proposed by a model of each condition's finished trials (a tree-structured Parzen estimator)",
    "pareto": "proposed by one model of all conditions' finished trials (a tree-structured Parzen estimator)",
}
"""How configs come about, by the kind of search."""

INTERVALS = (
    "Of 95 %: Student's t over the seeds, joined with the variance over test images where it is known which"
    " of them each network has right; those of shares by the delta method on the logit. Differences are paired by seed"
    " and image, and told as lower or higher by moderated t, adjusted by Holm's method within their family."
)


GALLERIES = (
    " Where an image is read by its nearest neighbour among test images, the images that are searched count as a sample"
    " too, by the jackknife."
)


def methods(results: Results) -> tuple[Paragraph, ...]:
    """Return the paragraphs on training, search, choice and confirmation."""
    plan = results.plan
    told = {
        "Training": " ".join(filter(None, [results.measures.filled(plan.procedure), _fixed(results)])),
        "Search": _search(results),
        "Choice": _choice(results),
        "Confirmation": _confirmation(results),
        "Intervals": _intervals(results) if results.plan.confirm else "",
    }
    return tuple(Paragraph(text("{} {}", Strong(f"{name}."), said)) for name, said in told.items() if said)


def _intervals(results: Results) -> str:
    searched = any(measure.nearest is not None for measure in results.measures.declared)
    return INTERVALS + (GALLERIES if searched else "")


def _fixed(results: Results) -> str:
    """Return the settings that all conditions share."""
    told = set(results.data_fields)  # data sets stand beside every table
    shown = {name: value for name, value in results.settings.items() if not missing(value) and name not in told}
    if not shown:
        return ""
    return f"The same throughout: {listed(f'{heading(name)} {as_text(value)}' for name, value in shown.items())}."


def _search(results: Results) -> str:
    plan = results.plan
    spaces = {key: plan.space[key] for key in plan.conditions if plan.space[key]}
    if not spaces:
        return ""
    if not plan.searches:
        return "There was none: each condition has one config, which was stated beforehand."
    counts = sorted({_configs(plan, key) for key in spaces})
    number = as_text(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    noun = "config" if counts == [1] else "configs"
    factors = " × ".join(map(heading, plan.factors))
    each = f"each of {len(plan.conditions)} conditions ({factors})" if len(plan.conditions) > 1 else "the one condition"
    ranges = list(dict.fromkeys(told for space in spaces.values() for told in _dimensions(results, space)))
    sentences = [
        f"In {each}, {number} {noun} of {listed(ranges)} ran: {PROPOSED[plan.search]}"
        f"{'; so did the prescribed config' if plan.prescribed else ''}.",
        _seeds_of_search(plan),
    ]
    if plan.scheduler != "none":
        sentences.append(
            f"Weak trials were stopped early ({plan.scheduler.upper()}), compared within their condition only."
        )
    return " ".join(sentences)


def _configs(plan: PlanRecord, condition: str) -> int:
    """Return how many configs a condition draws, the prescribed one not counted.

    A model's are those of its search trials, which count each of the first seeds.
    """
    draws = None if plan.draws is None else plan.draws.get(condition)
    first_seeds = 1 if plan.finalists else len(plan.search_seeds)
    tried = plan.search_trials[condition] // first_seeds if draws is None else len(draws)
    return tried - plan.prescribed


def _dimensions(results: Results, space: Mapping[str, ChoiceRecord | RangeRecord]) -> Iterator[str]:
    for name, dimension in space.items():
        title = results.titled(name)
        if isinstance(dimension, RangeRecord):
            yield f"{title} ({as_text(dimension.low)} to {as_text(dimension.high)})"
        elif len(dimension.values) > 1:
            yield f"{title} ({', '.join(map(as_text, dimension.values))})"


def _seeds_of_search(plan: PlanRecord) -> str:
    seeds = len(plan.search_seeds)
    if plan.finalists:
        best = "the best one" if plan.finalists == 1 else f"the best {plan.finalists}"
        return f"Each ran on one search seed, and {best} of a condition on {seeds}."
    return f"Each ran on {seeds} search seeds." if seeds > 1 else "Each ran on one search seed."


def _choice(results: Results) -> str:
    goal = objective(results.plan.select)
    extreme = "lowest" if goal.mode == "min" else "highest"
    measure = results.measures.label(goal.metric.removeprefix("val_"))
    if not results.plan.searches:
        best = results.plan.epoch_chosen == "best"
        return f"The epoch with the {extreme} validation {measure} is read." if best else ""
    mean = ", as a mean over its search seeds" if len(results.plan.search_seeds) > 1 else ""
    return f"Chosen was the config with the {extreme} validation {measure} at the {results.epoch_read}{mean}."


def _confirmation(results: Results) -> str:
    plan = results.plan
    if not plan.confirm:
        return ""
    seeds = [seed for seed in plan.confirm_seeds if seed not in plan.extra_seeds]
    who = "The chosen and the prescribed config were" if plan.prescribed else "The chosen config was"
    if not plan.searches:
        who = "The prescribed config was" if plan.prescribed else "The config was"
    opened = "in each epoch, for the oracle and the test curves" if plan.oracle else "once, at the epoch that is read"
    sentences = [
        f"{who} trained {'anew ' * plan.searches}on {len(seeds)} fresh seeds.",
        f"Only then was test data opened, {opened}.",
    ]
    alike: dict[tuple[str, ...], list[str]] = {}
    for key, variants in plan.variants.items():
        values = json.loads(key)
        where = listed(f"{heading(name)} {as_text(values[name])}" for name in plan.factors)
        alike.setdefault(tuple(variant.name for variant in variants), []).append(where)
    for known, places in alike.items():
        names, where = [*known], "; ".join(places)
        changed = "variants of the prescribed config"
        if names[:1] == [REFERENCE]:  # the question prescribes none
            names.remove(REFERENCE)
            changed = "a reference of our own making and variants of it"
        sentences.append(f"At {where}, so were {changed}, each with one choice changed: {listed(names)}.")
    if plan.extra_seeds:
        named: list[Any] = [str(seed) for seed in plan.extra_seeds]
        sentences.append(f"What the question asks of seed {listed(named)} is shown by itself, and is in no mean.")
    return " ".join(sentences)
