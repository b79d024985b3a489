"""The preflight finds everything that is wrong with a request, all at once, before Ray starts."""

from __future__ import annotations

import ast
import contextlib
import itertools
import math
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import analysis
from analysis.numbers.looks import percent
from common.problems import Problem, Refused
from sweeps.engine.fingerprint import code_of
from sweeps.engine.hardware import hardware_problems
from sweeps.engine.measured import measure_problems, reserved_problems
from sweeps.engine.older_code import kept_code
from sweeps.engine.options import Options
from sweeps.engine.plan import Condition, Plan
from sweeps.engine.request import Request, request
from sweeps.engine.space import Choice, middle
from sweeps.engine.sweep import Sweep
from trainables.core.config import config_problems
from trainables.core.device import Precision, default_precision
from trainables.data.readers.download import Absent, fetch, parted, told
from trainables.data.sources import Sources, forget

MOST_CONFIGS = 10_000
MOST_DUPLICATES = 0.01
"""Share of a set's test images that may stand in its training split."""


def make_plan(sweep: Sweep, options: Options, problems: list[Problem], folder: Path) -> Plan:
    """Return the plan for a request whose results go to `folder`; download what it lacks once nothing is wrong.

    Raises Refused with these and all other problems, and LedgerError where a ledger lies there that cannot be read.
    """
    plan, absent = checked_plan(sweep, options, problems, folder)
    if absent:
        download(absent)
        # Now that all is there, all can be checked.
        found = [*_semantics(plan, set()), *duplicate_problems(plan, options)]
        if found:
            raise Refused(found)
    return plan


def checked_plan(sweep: Sweep, options: Options, problems: list[Problem], folder: Path) -> tuple[Plan, list[Absent]]:
    """Return the plan for a request, and what would have to be downloaded for it; download and write nothing.

    Raises what `make_plan` raises.
    """
    found = [*problems, *hardware_problems(options), *folder_problems(options), *output_problems(folder)]
    found += [*measure_problems(sweep), *reserved_problems(sweep), *precision_problems(sweep, options)]
    if options.search == "pareto" and sweep.tradeoff is None:
        rule = "a search for a question that trades its metric for another measure; this one does not"
        found.append(Problem("--search", rule, options.search, "Use optuna, or omit it."))
    asked, wrong = request(sweep, options, sweep.experiment.config_class().offered(sources_of(options)))
    found += wrong
    precision, sources = precision_of(sweep, options), sources_of(options)
    value_problems = _values(sweep, asked, precision)
    found += value_problems
    code = code_of(sweep.experiment)
    kept, unasked = kept_code(folder, code, options)
    found += unasked
    plan = Plan(sweep, asked, sources, precision, options.search, options.scheduler, code, kept)
    too_many = condition_problems(plan) or size_problems(plan)
    found += too_many or [*default_problems(plan), *_semantics(plan, {problem.key for problem in value_problems})]
    found += duplicate_problems(plan, options)
    wrong, absent = parted(found)
    if wrong:
        raise Refused(wrong)
    return plan, absent


def download(absent: list[Absent]) -> None:
    """Download what a request lacks, which is told before. Raises Refused with all that cannot be."""
    print(f"downloading {told(absent)} …", file=sys.stderr)
    failed = fetch(absent)
    if failed:
        raise Refused(failed)
    forget()  # what was known without the files


def precision_problems(sweep: Sweep, options: Options) -> list[Problem]:
    """Return a problem where the options ask for another arithmetic than the only one of the question."""
    only = sweep.experiment.precision
    if only is None or options.precision in ("auto", only):
        return []
    return [Problem("--precision", f"auto: {sweep.question} computes in {only}", options.precision, "Omit it.")]


def precision_of(sweep: Sweep, options: Options) -> Precision:
    """Return the arithmetic that the question needs or the options ask for, on this machine."""
    if sweep.experiment.precision is not None:
        return sweep.experiment.precision
    if options.precision == "auto":
        return default_precision(options.gpus)
    return "bf16" if options.precision == "bf16" else "fp32"


def sources_of(options: Options) -> Sources:
    """Return where the options say that data and weights are; reading them downloads nothing, which `download` does."""
    return Sources(_absolute(options.data_dir), _absolute(options.weights_dir), download=False)


def output_problems(folder: Path) -> list[Problem]:
    """Return a problem if results cannot be written; make no folder."""
    nearest_folder = next((path for path in (folder, *folder.absolute().parents) if path.exists()), folder)
    try:
        with tempfile.NamedTemporaryFile(dir=nearest_folder):
            return []
    except OSError as error:
        rule = f"a folder that can be written ({error.strerror or error})"
        return [Problem("--out", rule, str(folder), "Name another folder, or change its permissions.")]


def folder_problems(options: Options) -> list[Problem]:
    """Return a problem for each folder that was named but does not exist, rather than download in silence."""
    named = {"--data-dir": options.data_dir, "--weights-dir": options.weights_dir}
    return [
        Problem(name, "a folder that exists", str(path), "Mend the path; without the option it is downloaded.")
        for name, path in named.items()
        if path is not None and not path.expanduser().is_dir()
    ]


def answer_problems(question: str) -> list[Problem]:
    """Return a problem if the file of the answer, needed only when all trials are done, is missing or not Python."""
    path = Path(analysis.__file__).parent / f"{question}.py"
    try:
        ast.parse(path.read_text())
    except (OSError, SyntaxError) as error:
        rule = f"analysis/{question}.py, a Python file"
        return [
            Problem(
                "the answer", rule, str(error), "Write `answer(findings) -> Draft` there; see the README.", given=False
            )
        ]
    return []


def condition_problems(plan: Plan) -> list[Problem]:
    """Return a problem for each combination of factors that is excluded, where nothing else was asked for."""
    if plan.conditions:
        return []
    rule = "conditions that the question has; left out are " + " and ".join(
        ", ".join(f"{name}={value}" for name, value in values.items()) for values in plan.sweep.excluded
    )
    asked = " ".join(f"{name}={','.join(map(str, values))}" for name, values in plan.request.factors.items())
    return [Problem("--set", rule, asked, "Ask for other values, too.")]


def size_problems(plan: Plan) -> list[Problem]:
    """Return a problem if there are too many configs to wait for; they are counted without being made."""
    grid = plan.search == "grid"
    counts = [_grid_size(plan, c) if grid else plan.request.samples for c in plan.conditions]
    if sum(counts) <= MOST_CONFIGS:
        return []
    most = f"{max(counts):,}" if min(counts) == max(counts) else f"up to {max(counts):,}"
    return [
        Problem(
            "--search" if grid else "--samples",
            f"at most {MOST_CONFIGS:,} configs in all conditions together",
            f"{most} in each of {len(counts):,} conditions",
            "Give fewer samples, pin hyperparameters with --set, or use random search.",
        )
    ]


def _grid_size(plan: Plan, condition: Condition) -> int:
    space = plan.space_of(condition).values()
    return math.prod(len(d.values) if isinstance(d, Choice) else plan.request.grid_points for d in space)


def default_problems(plan: Plan) -> list[Problem]:
    """Return a problem for each hyperparameter without a default that some configs do not use, and so cannot store."""
    fields = plan.sweep.experiment.config_class().model_fields
    unused = {name for condition in plan.conditions for name in plan.sometimes_unused(condition)}
    rule = "a hyperparameter with a default, since some configs do not use it"
    return [
        Problem(name, rule, None, "Give the field a default in the question's Config.", given=False)
        for name in sorted(unused)
        if fields[name].is_required()
    ]


def duplicate_problems(plan: Plan, options: Options) -> list[Problem]:
    """Return a problem for each data set of whose test images too many are among those that a trial is trained on.

    One that cannot be read is left to the question, which names its fields.
    """
    config = plan.sweep.experiment.config_class()
    if options.allow_duplicates or not plan.sweep.experiment.has_test:
        return []
    values = {}
    for field in config.data_fields():
        fixed = plan.request.fixed.get(field, config.model_fields[field].get_default())
        named = plan.request.factors.get(field, [fixed])
        values[field] = [name for name in named if isinstance(name, str)]  # it has no value at all otherwise
    found = []
    for names in itertools.product(*values.values()):
        for field, name in zip(values, names, strict=True):
            with contextlib.suppress(Refused):
                found += _duplicates(field, name, names, plan.sources)
    return found


def _duplicates(field: str, name: str, beside: Sequence[str], sources: Sources) -> list[Problem]:
    count, images = sources.duplicates(name, beside), sum(sources.summary(name).test_counts)
    if count <= MOST_DUPLICATES * images:
        return []
    own = count == sources.duplicates(name)
    where = "its training split too" if own else f"the training splits of {' and '.join(dict.fromkeys(beside))}"
    rule = f"at most 1 % of the test images of {name} in {where}, pixel for pixel"
    told = f"{count:,} of {images:,} test images ({percent(count / images)}) are among the training images"
    remedy = "Take them out of one split, or give --allow-duplicates: the answer then says how many there are."
    return [Problem(field, rule, told, remedy, given=False)]


def _values(sweep: Sweep, asked: Request, precision: Precision) -> list[Problem]:
    """Return the problems of each value that a field may have, while each other field has its first value."""
    candidates: dict[str, list[Any]] = {name: list(values) for name, values in asked.factors.items()}
    candidates |= {name: [value] for name, value in asked.fixed.items()}
    for name, dimension in asked.space.items():
        candidates[name] = dimension.ends()
    for config in (asked.prescribed or {}, *asked.variants.values()):
        for name, value in config.items():
            candidates[name] = list(dict.fromkeys([*candidates.get(name, []), value]))
    first = {name: values[0] for name, values in candidates.items()} | {"precision": precision}
    fields = sweep.experiment.config_class().model_fields
    found = [
        Problem(name, "a value", None, f"Give it one in Sweep's factors, space or fixed, or --set {name}=VALUE.")
        for name, field in fields.items()
        if field.is_required() and name not in first and name != "seed"
    ]
    for name, values in candidates.items():
        for value in values:
            for rule in _errors(sweep, {**first, name: value}, name):
                found.append(Problem(f"--set {name}", rule, value, remedy(sweep, name)))
    return found


def _errors(sweep: Sweep, values: dict[str, Any], name: str) -> list[str]:
    try:
        sweep.experiment.config_class().model_validate(values)
    except ValidationError as error:
        return [e["msg"] for e in error.errors() if not e["loc"] or e["loc"][0] == name]
    return []


def remedy(sweep: Sweep, name: str) -> str:
    """Return what a field means and which values it takes."""
    field = sweep.experiment.config_class().model_fields[name]
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    bounds = [f"{sign} {getattr(m, b)}" for m in field.metadata for b, sign in signs.items() if hasattr(m, b)]
    kind = getattr(field.annotation, "__name__", None) or str(field.annotation).replace("typing.", "")
    return f"{name} is {field.description or 'a setting'}: {' and '.join([kind, *bounds])}."


def _semantics(plan: Plan, broken: set[str]) -> list[Problem]:
    """Return the problems that the question itself finds in each condition, with sound values for `broken` fields."""
    found: list[Problem] = []
    config_class = plan.sweep.experiment.config_class()
    sweep = plan.sweep
    sound = {
        **middle(sweep.space),
        **{k: v[0] for k, v in sweep.factors.items()},
        **sweep.fixed,
    }
    typical = middle(plan.request.space)
    ends = [{name: value} for name, dimension in plan.request.space.items() for value in dimension.ends()]
    for condition in plan.conditions:
        drawn = [*plan.draws_of(condition), *plan.variants_of(condition)]
        for tried in [{}, *ends, *(d.values for d in drawn)]:
            values = {**typical, **condition.values, **tried}
            values |= {name: value for name, value in sound.items() if f"--set {name}" in broken}
            try:
                config = config_class.model_validate(values)
            except ValidationError:
                continue  # `_values` has reported it
            found += config_problems(config, plan.sources)
    return found


def _absolute(path: Path | None) -> Path | None:
    return path.expanduser().resolve() if path is not None else None
