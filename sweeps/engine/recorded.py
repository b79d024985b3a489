"""What the ledger keeps of a plan, from which the analysis knows what was asked without the question's code."""

from __future__ import annotations

from dataclasses import asdict

from analysis.plan_record import (
    ChoiceRecord,
    DataSetRecord,
    Fingerprints,
    MeasureRecord,
    PlanRecord,
    RangeRecord,
    VariantRecord,
)
from sweeps.engine.plan import Condition, Plan
from sweeps.engine.space import Choice, Dimension


def recorded(plan: Plan) -> PlanRecord:
    """Return the record of a plan that the ledger keeps for the analysis. Raises Refused where data cannot be read."""
    sweep, request, experiment, conditions = plan.sweep, plan.request, plan.sweep.experiment, plan.conditions
    data = tuple(_data_set(plan, name, beside) for name, beside in plan.datasets().items())
    used = {name for one in data for name in (one.name, *one.made_from)}
    return PlanRecord(
        question=sweep.question,
        factors={name: tuple(values) for name, values in request.factors.items()},
        hyperparameters=tuple(request.hyperparameters),
        select=sweep.select,
        report=tuple(sweep.report),
        oracle=experiment.test_every_epoch,
        epoch_chosen=experiment.epoch_chosen,
        data_fields=experiment.config_class().data_fields(),
        conditions=tuple(condition.key for condition in conditions),
        search=plan.search,
        scheduler=plan.scheduler,
        fingerprints={condition.key: _fingerprints(plan, condition) for condition in conditions},
        space={condition.key: _space(plan, condition) for condition in conditions},
        draws=None if plan.model_based else {c.key: tuple(d.values for d in plan.draws_of(c)) for c in conditions},
        search_trials={
            c.key: plan.configs_in(c) * len(plan.first_seeds()) if plan.is_searched(c) else 0 for c in conditions
        },
        finalists=plan.finalists,
        search_seeds=request.search_seeds,
        confirm_seeds=request.confirm_seeds,
        extra_seeds=tuple(sweep.extra_seeds),
        prescribed=request.prescribed is not None,
        variants={c.key: variants for c in conditions if (variants := _variants(plan, c))},
        confirm=experiment.has_test,
        procedure=experiment.procedure,
        titles=_titles(plan),
        measures=tuple(MeasureRecord.model_validate(asdict(measure)) for measure in experiment.measures),
        data=data,
        seen_on_test={name: told for name, told in experiment.seen_on_test.items() if name in used},
        code=(plan.code.fingerprint, *plan.kept),
    )


def _variants(plan: Plan, condition: Condition) -> tuple[VariantRecord, ...]:
    return tuple(VariantRecord(name=draw.variant, values=draw.values) for draw in plan.variants_of(condition))


def _fingerprints(plan: Plan, condition: Condition) -> Fingerprints:
    has_test = plan.sweep.experiment.has_test
    return Fingerprints(
        search=plan.fingerprint(condition, "search"),
        confirm=plan.fingerprint(condition, "confirm") if has_test else None,
    )


def _space(plan: Plan, condition: Condition) -> dict[str, ChoiceRecord | RangeRecord]:
    space, optional = plan.space_of(condition).items(), plan.sometimes_unused(condition)
    return {name: _dimension(dimension, optional=name in optional) for name, dimension in space}


def _dimension(dimension: Dimension, *, optional: bool) -> ChoiceRecord | RangeRecord:
    if isinstance(dimension, Choice):
        return ChoiceRecord(values=dimension.values, optional=optional)
    return RangeRecord(low=dimension.low, high=dimension.high, optional=optional)


def _titles(plan: Plan) -> dict[str, str]:
    fields = plan.sweep.experiment.config_class().model_fields
    return {name: field.title for name, field in fields.items() if field.title is not None}


def _data_set(plan: Plan, name: str, beside: tuple[str, ...]) -> DataSetRecord:
    about = plan.sources.summary(name)
    return DataSetRecord(
        name=about.name,
        builtin=about.builtin,
        origin=about.origin,
        made_from=about.made_from,
        classes=tuple(about.classes),
        test_images=sum(about.test_counts),
        duplicates=plan.sources.duplicates(name, beside) if plan.sweep.experiment.has_test else None,
        caveats=about.caveats,
    )
