"""A hyperparameter that changes nothing in a config is not drawn, not in the grid, not in the id and not modelled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from common.problems import Refused
from sweeps.cifar_transfer import SWEEP as CIFAR_TRANSFER
from sweeps.digit_pair import SWEEP as DIGIT_PAIR
from sweeps.engine.plan import Condition, Draw, Plan
from sweeps.engine.recorded import recorded
from sweeps.engine.space import choice
from sweeps.engine.tpe import Proposer
from sweeps.joint_embedding import SWEEP as JOINT_EMBEDDING
from sweeps.transfer_sizes import SWEEP as TRANSFER_SIZES
from tests.support.driver import Driver, by_lr, plan
from tests.support.toy import SWEEP, Config, Toy

SMALL = ("--builtin", "--smoke", "--precision", "fp32")
KNN = {"k", "metric", "weighting"}


def condition_of(made: Plan, **values: Any) -> Condition:
    return next(c for c in made.conditions if values.items() <= c.values.items())


def test_neighbours_are_drawn_with_their_own_three_hyperparameters(tmp_path: Path) -> None:
    made = plan(tmp_path, "--builtin", "--set", "method=knn,finetune", "train_size=100", sweep=CIFAR_TRANSFER)
    knn, finetune = condition_of(made, method="knn"), condition_of(made, method="finetune")
    assert {*made.space_of(knn)} == KNN
    assert all({*d.values} == KNN for d in made.draws_of(knn))
    assert {*made.space_of(finetune)} == {"lr", "weight_decay", "epochs"}
    task = made.task(knn, made.draws_of(knn)[0], 1001, "search")
    assert not {"lr", "blend"} & task.stored_config.keys()
    assert type(task.config).model_validate(task.stored_config) == task.config, "what is stored can be run again"
    record = recorded(made)
    assert {*record.space[knn.key]} == KNN
    assert record.draws is not None
    assert record.draws[knn.key] == tuple(d.values for d in made.draws_of(knn))


def test_a_grid_spans_what_a_condition_uses(tmp_path: Path) -> None:
    words = ("--builtin", "--search", "grid", "--set", "method=knn", "train_size=100")
    made = plan(tmp_path, *words, sweep=CIFAR_TRANSFER)
    (condition,) = made.conditions
    assert made.configs_in(condition) == 3 * 2 * 2


def test_configs_that_differ_in_what_they_do_not_use_are_one(tmp_path: Path) -> None:
    grid = ("--search", "grid", "--no-prescribed", "--set", "lr=0.001", "width=8", "second_weight=0.2,0.5,0.8")
    made = plan(tmp_path, *SMALL, *grid, sweep=DIGIT_PAIR)
    alone, both = condition_of(made, regime="first"), condition_of(made, regime="both")
    assert [d.values for d in made.draws_of(alone)] == [{"lr": 0.001, "width": 8}]
    assert len(made.draws_of(both)) == 3
    assert made.search_trials_in(alone) == 1
    assert made.search_trials_in(both) == 3
    assert made.size == sum(made.search_trials_in(c) + made.confirm_trials_in(c) for c in made.conditions)
    record = recorded(made)
    assert (record.search_trials[alone.key], record.search_trials[both.key]) == (1, 3)


def test_the_draws_of_what_is_used_are_those_that_other_conditions_have(tmp_path: Path) -> None:
    made = plan(tmp_path, "--builtin", "--precision", "fp32", sweep=JOINT_EMBEDDING)
    triplets, classifier = (condition_of(made, mining=mining, colour="gray") for mining in ("hard", "classifier"))
    for one, other in zip(made.draws_of(triplets), made.draws_of(classifier), strict=True):
        assert other.values == {name: value for name, value in one.values.items() if name != "margin"}


def test_a_model_knows_only_what_a_condition_uses(tmp_path: Path) -> None:
    made = plan(tmp_path, *SMALL, "--search", "optuna", "--set", "method=knn", sweep=CIFAR_TRANSFER)
    proposer = Proposer(made, made.conditions[0], [])
    assert {*proposer.ask(1)} == KNN


def test_ids_are_those_of_ledgers_made_before_unused_hyperparameters_left_the_config(tmp_path: Path) -> None:
    """Computed by the tree at 36b24b7, where ids were those of 47f536a: for the same data, they are so still."""
    space = {name: dimension for name, dimension in TRANSFER_SIZES.space.items() if name != "schedule"}  # as it was
    before = replace(TRANSFER_SIZES, space=space, prescribed=None)
    made = plan(tmp_path, "--builtin", "--precision", "fp32", sweep=before)
    condition = made.conditions[-1]
    draw = Draw(2, {"lr": 0.0144, "epochs": 100, "weight_decay": 0.0488, "batch_size": 32})
    configs = [made.task(condition, draw, seed, "search").config.stored() for seed in (1001, 1)]
    search, confirm = (
        made.id_of(phase, condition.key, config, "d0")
        for phase, config in zip(("search", "confirm"), configs, strict=True)
    )
    assert search == "04b63ced437377025502fc015f233eafce6708add4f7d9ec204aa8fe5c6e2db7"
    assert confirm == "6867659e735d5bf9e543cf13ae0e75d487a66a4fc2f3c0b2f50f3e75c08b5194"


class Joint(Config):
    """Uses `sleep` only where both of two other hyperparameters have one of their values."""

    mix: str = "none"
    stem: str = "half"

    def unused(self) -> frozenset[str]:
        return frozenset() if (self.mix, self.stem, self.epochs) == ("cutmix", "full", 6) else frozenset({"sleep"})


class JointToy(Toy):
    @classmethod
    def config_class(cls) -> type[Config]:
        return Joint


MIXES = {"mix": choice(["none", "mixup", "cutmix"]), "stem": choice(["half", "full"]), "sleep": choice([0.0, 0.001])}
JOINT = replace(SWEEP, experiment=JointToy, space={**SWEEP.space, **MIXES})


@pytest.mark.parametrize("further", [{}, {"fault": choice(["none", "nan", "oom", "over"]), "data": choice([*"abcd"])}])
def test_a_hyperparameter_that_only_several_others_together_bring_into_use_is_searched(
    tmp_path: Path, further: dict[str, Any]
) -> None:
    sweep = replace(JOINT, space={**JOINT.space, **further})
    made = plan(tmp_path, "--samples", "40", sweep=sweep)
    condition = made.conditions[0]
    assert {*made.space_of(condition)} == {*sweep.space}
    assert {*recorded(made).space[condition.key]} == {*sweep.space}
    assert any("sleep" in d.values for d in made.draws_of(condition))
    assert [name for name, kind in recorded(made).space[condition.key].items() if kind.optional] == ["sleep"]


def test_a_model_is_told_of_a_prescribed_config_that_names_what_is_used_only_jointly(tmp_path: Path) -> None:
    stated = {"lr": 0.1, "epochs": 6, "mix": "cutmix", "stem": "full", "sleep": 0.001}
    driver = Driver(
        tmp_path, "--search", "optuna", "--samples", "6", "--seeds", "1", sweep=replace(JOINT, prescribed=stated)
    )
    driver.run(lambda trial: -1 if trial.prescribed else by_lr(trial))
    assert len(driver.ran) == driver.plan.size
    assert any(trial.prescribed for trial in driver.ran)


class Idle(Config):
    """Uses no learning rate, which has no default."""

    def unused(self) -> frozenset[str]:
        return frozenset({"lr"})


class IdleToy(Toy):
    @classmethod
    def config_class(cls) -> type[Config]:
        return Idle


def test_an_unused_hyperparameter_without_a_default_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        plan(tmp_path, sweep=replace(SWEEP, experiment=IdleToy))
    assert [problem.key for problem in refused.value.problems] == ["lr"]
    assert "default" in refused.value.problems[0].remedy
