"""What a sweep says of measures and fields, checked against what its experiment declares."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.selection import objective
from common.problems import Problem, nearest
from sweeps.engine.sweep import Sweep
from trainables.core.measures import Split, declaration_problems, with_errors


def measure_problems(sweep: Sweep) -> list[Problem]:
    """Return what is wrong with the declared measures, and with those that the sweep selects by and reports."""
    experiment = sweep.experiment
    fields = experiment.config_class().data_fields()
    found = declaration_problems(experiment.measures, fields)
    if experiment.measures:
        found += [*_select_problems(sweep), *_report_problems(sweep)]
    return found


def reserved_problems(sweep: Sweep) -> list[Problem]:
    """Return a problem for each field that the sweep gives values, although options or the experiment do."""
    remedies = {"seed": "Omit it: --seeds gives them.", "precision": 'Write `precision = "fp32"` in the experiment.'}
    return [
        Problem(f"{place}: {name}", "a field that no option sets", values[name], remedy, given=False)
        for place in ("factors", "space", "fixed", "builtin", "smoke")
        for name, remedy in remedies.items()
        if name in (values := getattr(sweep, place))
    ]


def _select_problems(sweep: Sweep) -> Iterator[Problem]:
    try:
        goal = objective(sweep.select)
    except ValueError:
        rule = "'max val_MEASURE' or 'min val_MEASURE': nothing is chosen on test data"
        yield Problem("select", rule, sweep.select, f"Known: {', '.join(_selectable(sweep))}.", given=False)
        return
    known = {f"val_{m.name}": m for m in with_errors(sweep.experiment.measures) if "validation" in m.splits}
    measure = known.get(goal.metric)
    if measure is None:
        rule = f"a measure that {sweep.experiment.__name__}.measures declares, on validation data"
        yield Problem("select", rule, sweep.select, nearest(goal.metric, known), given=False)
    elif measure.better != goal.mode:
        rule = f"{measure.better!r}, as {measure.name} is declared with better={measure.better!r}"
        yield Problem(
            "select",
            rule,
            sweep.select,
            f"Write '{measure.better} {goal.metric}', or mend the declaration.",
            given=False,
        )


def _selectable(sweep: Sweep) -> list[str]:
    own = [m for m in with_errors(sweep.experiment.measures) if "validation" in m.splits]
    return [f"'{m.better} val_{m.name}'" for m in own]


def _report_problems(sweep: Sweep) -> Iterator[Problem]:
    split: Split = "test" if sweep.experiment.has_test else "validation"
    known = [m.name for m in with_errors(sweep.experiment.measures) if split in m.splits]
    for name in sweep.report:
        if name not in known:
            rule = f"measures that {sweep.experiment.__name__}.measures declares, on {split} data"
            yield Problem("report", rule, name, nearest(name, known), given=False)
