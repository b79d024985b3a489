"""Requests and plans."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from common.canonical import canonical
from common.problems import Refused
from sweeps.engine.gpu_sharing import fitting
from sweeps.engine.hardware import Machine, Session
from sweeps.engine.options import Options, parse
from sweeps.engine.plan import Condition, Plan
from sweeps.engine.preflight import answer_problems
from sweeps.engine.recorded import recorded
from sweeps.engine.session import joined
from sweeps.engine.space import choice, integers, loguniform
from tests.support.driver import PRESCRIBED, plan
from tests.support.toy import SWEEP, Config, Toy
from trainables.core.experiment import Experiment
from trainables.core.task import Task
from trainables.data.sources import Sources


def search_trials(made: Plan, condition: Condition) -> list[Task]:
    return [made.task(condition, d, seed, "search") for d in made.draws_of(condition) for seed in made.first_seeds()]


@pytest.mark.parametrize(
    ("words", "there"),
    [
        ([], True),
        (["--smoke"], True),
        (["--set", "epochs=3"], True),
        (["--set", "epochs=4"], False),
        (["--set", "epochs=3,4"], False),
        (["--set", "epochs=3:9"], True),
        (["--set", "lr=0.5"], True),
    ],
)
def test_the_prescribed_recipe_is_only_called_so_where_all_that_it_states_holds(
    tmp_path: Path, words: list[str], there: bool
) -> None:
    stated = replace(SWEEP, space={"lr": SWEEP.space["lr"]}, fixed={"epochs": 3}, prescribed={"lr": 0.05, "epochs": 3})
    made = plan(tmp_path, *words, sweep=stated)
    assert made.draws()[0].prescribed == there
    assert recorded(made).prescribed == there
    made.task(made.conditions[0], made.draws()[0], 1001, "search")


class Offering(Config):
    """A config whose sources may offer more sizes."""

    @classmethod
    def offered(cls, sources: Sources) -> dict[str, list[int]]:
        return {"size": [30, 200] if sources.weights_dir else [], "lr": [0.3]}


class Offered(Toy, Experiment[Offering]):  # type: ignore[misc]  # the toy's own config is another
    pass


@pytest.mark.parametrize(
    ("words", "sizes"),
    [
        (["--weights-dir", "."], [30, 200, 20]),
        ([], [20, 200]),
        (["--weights-dir", ".", "--set", "size=25"], [25]),
    ],
)
def test_what_the_folders_offer_is_compared_too_unless_the_command_says_what_is(
    tmp_path: Path, words: list[str], sizes: list[int]
) -> None:
    made = plan(tmp_path, *words, sweep=replace(SWEEP, experiment=Offered))
    assert made.request.factors == {"size": sizes}
    assert "lr" in made.request.space, "only a factor takes what is offered"


def test_every_condition_gets_the_same_draws_and_the_prescribed_recipe_first(tmp_path: Path) -> None:
    made = plan(tmp_path, "--samples", "4", sweep=PRESCRIBED)
    by_condition = []
    for condition in made.conditions:
        trials = search_trials(made, condition)
        by_condition.append([(t.draw, t.stored_config["lr"], t.stored_config["epochs"], t.seed) for t in trials])
        assert [t.prescribed for t in trials[:3]] == [True, True, False]
    assert by_condition[0] == by_condition[1]
    assert by_condition[0][0][:3] == (0, 0.05, 3)


def test_more_samples_and_more_seeds_extend_a_plan(tmp_path: Path) -> None:
    few, many = plan(tmp_path, "--samples", "2", "--seeds", "2"), plan(tmp_path, "--samples", "5", "--seeds", "4")
    ids = [{t.id for c in p.conditions for t in search_trials(p, c)} for p in (few, many)]
    assert ids[0] < ids[1]
    assert set(few.request.confirm_seeds) < set(many.request.confirm_seeds)
    assert set(many.request.confirm_seeds).isdisjoint(many.request.search_seeds)


def test_another_search_seed_draws_other_configs_and_moves_no_trial_seed(tmp_path: Path) -> None:
    first, other = plan(tmp_path), plan(tmp_path, "--search-seed", "1")
    assert plan(tmp_path, "--search-seed", "0").draws() == first.draws()
    assert {d.values["lr"] for d in first.draws()}.isdisjoint(d.values["lr"] for d in other.draws())
    assert (first.request.search_seeds, first.request.confirm_seeds) == ((1001, 1002), (1, 2, 3, 4, 5))
    assert (other.request.search_seeds, other.request.confirm_seeds) == ((1001, 1002), (1, 2, 3, 4, 5))
    with pytest.raises(Refused) as refused:
        plan(tmp_path, "--search-seed", "-1")
    assert [p.key for p in refused.value.problems] == ["--search-seed"]


def test_a_pinned_hyperparameter_or_a_further_one_leaves_the_draws_of_the_others(tmp_path: Path) -> None:
    for kept, words in (("epochs", ("lr=0.1",)), ("lr", ("epochs=3",)), ("lr", ("sleep=0:1", "size=20:200"))):
        as_usual, changed = plan(tmp_path), plan(tmp_path, "--set", *words)
        assert [d[kept] for d in changed.samples] == [d[kept] for d in as_usual.samples]


@pytest.mark.parametrize("extra", [(42,), (1001, 1002), (3, 1002, 2000)])
@pytest.mark.parametrize("seeds", ["5", "1000"])
def test_no_seed_is_used_for_two_purposes(tmp_path: Path, extra: tuple[int, ...], seeds: str) -> None:
    request = plan(tmp_path, "--seeds", seeds, sweep=replace(SWEEP, extra_seeds=extra)).request
    assert len({*request.confirm_seeds} - {*extra}) == int(seeds)
    assert {*extra} < {*request.confirm_seeds}
    assert len(request.search_seeds) == SWEEP.search_seeds
    assert {*request.search_seeds}.isdisjoint(request.confirm_seeds)


def test_ids_are_made_from_content(tmp_path: Path) -> None:
    made = plan(tmp_path)
    condition, first = made.conditions[0], made.draws()[0]
    trial = made.task(condition, first, 1, "search")
    assert trial.id == made.task(condition, replace(first, index=77), 1, "search").id
    other_precision = plan(tmp_path, "--precision", "fp32" if made.precision == "bf16" else "bf16")
    others = [
        made.task(made.conditions[1], first, 1, "search"),
        made.task(condition, made.draws()[1], 1, "search"),
        made.task(condition, first, 2, "search"),
        made.task(condition, first, 1, "confirm"),
        other_precision.task(other_precision.conditions[0], first, 1, "search"),
    ]
    assert len({trial.id, *(other.id for other in others)}) == 6
    assert len(trial.id) == 64


def test_a_grid_takes_as_many_values_from_a_range_as_asked_for(tmp_path: Path) -> None:
    for words, values in (((), 3), (("--samples", "5"), 5)):
        made = plan(tmp_path, "--search", "grid", *words)
        assert len({d.values["lr"] for d in made.draws()}) == values


def test_set_fixes_enumerates_and_searches(tmp_path: Path) -> None:
    made = plan(tmp_path, "--set", "size=10,30,50", "lr=0.01:0.1", "--set", "epochs=4", "sleep=0.5")
    assert made.request.factors == {"size": [10, 30, 50]}
    assert made.request.space["lr"] == loguniform(0.01, 0.1)
    assert made.request.space["epochs"] == choice([4])
    assert made.request.fixed == {"sleep": 0.5}
    assert "lr" not in made.conditions[0].values
    assert "epochs" not in made.conditions[0].values, "a hyperparameter stays one, even where it is fixed"


def test_a_factor_can_be_searched_and_a_setting_compared(tmp_path: Path) -> None:
    made = plan(tmp_path, "--set", "size=20:200", "sleep=0,1")
    assert made.request.space["size"] == integers(20, 200)
    assert made.request.factors == {"sleep": [0.0, 1.0]}
    assert len(made.conditions) == 2


def test_conditions_hold_all_settings_and_no_hyperparameter(tmp_path: Path) -> None:
    condition = plan(tmp_path).conditions[0]
    assert condition.key == canonical(
        {"data": "drawn", "fault": "none", "precision": condition.values["precision"], "size": 20, "sleep": 0}
    )


def test_smoke_is_small_but_goes_through_every_step(tmp_path: Path) -> None:
    made = plan(tmp_path, "--smoke", "--set", "size=20,50,200")
    assert made.size <= 12
    assert len(made.request.confirm_seeds) == 2


def test_a_recipe_goes_along_where_builtin_or_smoke_leave_no_choice(tmp_path: Path) -> None:
    scaled = replace(PRESCRIBED, builtin={"epochs": choice([4]), "lr": loguniform(1e-2, 1)})
    assert plan(tmp_path, "--builtin", sweep=scaled).request.prescribed == {"lr": 0.05, "epochs": 4}
    assert plan(tmp_path, "--builtin", "--smoke", sweep=scaled).request.prescribed == {"lr": 0.05, "epochs": 2}
    assert plan(tmp_path, "--set", "epochs=5", sweep=scaled).request.prescribed == {"lr": 0.05, "epochs": 3}


def test_a_hyperparameter_that_builtin_fixes_to_a_plain_value_reaches_every_trial(tmp_path: Path) -> None:
    fixed = replace(SWEEP, builtin={"lr": 0.05})
    asked = plan(tmp_path, "--builtin", sweep=fixed)
    assert asked.request.space["lr"] == choice([0.05])
    for condition in asked.conditions:
        assert "lr" not in condition.values, "conditions never differ in a hyperparameter"
        for draw in asked.draws_of(condition):
            assert asked.task(condition, draw, 1001, "search").stored_config["lr"] == 0.05


def test_trials_share_a_gpu_as_its_memory_and_the_cores_allow(tmp_path: Path) -> None:
    assert fitting(used=10, whole=80, most=16) == 7, "nine tenths of it"
    assert fitting(used=10, whole=80, most=4) == 4
    assert fitting(used=79, whole=80, most=16) == 1
    options, problems = parse(["--gpus", "1", "--trials-per-gpu", "auto"], prog="toy", description="")
    assert (options.trials_per_gpu, problems) == ("auto", [])
    for words in (["--gpus", "1", "--trials-per-gpu", "0"], ["--trials-per-gpu", "2"]):
        assert [p.key for p in parse(words, prog="toy", description="")[1]] == ["--trials-per-gpu"]
    shared = Session(Machine(gpus=2), cpus=16, dashboard=None, temporary=tmp_path, trials_per_gpu=4)
    assert (shared.slots, shared.cpus_per_trial, shared.gpus_per_trial) == (8, 2, 0.25)
    narrow = Session(Machine(gpus=1), cpus=3, dashboard=None, temporary=tmp_path, trials_per_gpu=6)
    assert narrow.cpus_per_trial == 0.5
    without = Session(Machine(), cpus=3, dashboard=None, temporary=tmp_path)
    assert (without.slots, without.gpus_per_trial) == (3, 0)


def test_every_value_is_checked_not_only_the_first(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        plan(tmp_path, "--set", "size=20,1,200", "lr=0.1,-1", "epochs=3,2000")
    assert {p.key for p in refused.value.problems} == {"--set size", "--set lr", "--set epochs"}


def test_a_field_that_the_sweep_gives_no_value_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        plan(tmp_path, sweep=replace(SWEEP, space={"lr": SWEEP.space["lr"]}))
    assert [(p.key, p.rule) for p in refused.value.problems] == [("epochs", "a value")]


def test_a_question_without_its_answer_file_is_refused() -> None:
    assert answer_problems("transfer_sizes") == []
    (problem,) = answer_problems("toy")
    assert "analysis/toy.py" in problem.rule


def test_a_cluster_that_has_less_than_was_asked_for_is_refused() -> None:
    there = Machine(address="10.0.0.1:6379")
    assert joined(there, [{"CPU": 8.0}, {"CPU": 4.0}, {}]) == (12, math.inf)
    with pytest.raises(Refused) as refused:
        joined(replace(there, gpus=2, cpus=16), [{"CPU": 8.0, "GPU": 1.0}])
    assert [p.key for p in refused.value.problems] == ["--gpus", "--cpus"]
    with pytest.raises(Refused, match="nodes that have cores"):
        joined(replace(there, gpus=1), [{"CPU": 8.0}, {"GPU": 1.0}])


def test_a_trial_asks_for_no_more_cores_than_the_node_with_its_gpu_has(tmp_path: Path) -> None:
    """A head of 16 cores and a node of 4 with a GPU: no node has the 20 that a lone trial would get of both."""
    machine = Machine(address="10.0.0.1:6379", gpus=1)
    cpus, beside = joined(machine, [{"CPU": 16.0}, {"CPU": 4.0, "GPU": 1.0}])
    alone = Session(machine, cpus, dashboard=None, temporary=tmp_path, cpus_per_gpu=beside)
    assert alone.cpus_per_trial == 4
    assert replace(alone, trials_per_gpu=8).cpus_per_trial == 0.5


@pytest.mark.parametrize(("words", "option"), [
    (("--search", "grid", "--samples", "100000000"), "--search"), (("--samples", "100000000"), "--samples"),
])  # fmt: skip
def test_more_configs_than_anybody_waits_for_are_refused_before_they_are_made(
    tmp_path: Path, words: tuple[str, ...], option: str
) -> None:
    with pytest.raises(Refused) as refused:
        plan(tmp_path, *words)
    assert [p.key for p in refused.value.problems] == [option]


def test_the_last_word_of_a_key_counts_whatever_stood_before_it(tmp_path: Path) -> None:
    for words, factors in (
        (("sleep=0:1", "sleep=0,1"), {"size": [20, 200], "sleep": [0, 1]}),
        (("sleep=0:1", "sleep=1"), {"size": [20, 200]}),
        (("size=20:200", "size=50"), {"size": [50]}),
    ):
        made = plan(tmp_path, "--set", *words)
        assert made.request.factors == factors
        assert set(made.request.space) == {"lr", "epochs"}


def test_help_names_what_set_takes() -> None:
    lines = SWEEP.keys().splitlines()
    assert "  size: points (compared: 20, 200)" in lines
    assert "  lr: SGD's learning rate (searched: 0.001 to 1)" in lines
    assert not any(line.startswith(("  seed:", "  precision:")) for line in lines), "they have options"


def test_options_have_no_problem_by_default() -> None:
    assert Options().problems() == []


EXCLUDING = replace(SWEEP, factors={**SWEEP.factors, "sleep": [0.0, 0.1]}, excluded=[{"size": 200, "sleep": 0.1}])


def test_a_combination_of_factors_that_is_excluded_is_no_condition(tmp_path: Path) -> None:
    def conditions(*words: str) -> list[tuple[int, float]]:
        made = plan(tmp_path, *words, sweep=EXCLUDING)
        assert {*recorded(made).conditions} == {c.key for c in made.conditions}
        return [(c.values["size"], c.values["sleep"]) for c in made.conditions]

    assert conditions() == [(20, 0.0), (20, 0.1), (200, 0.0)]
    assert conditions("--set", "size=50,200") == [(50, 0.0), (50, 0.1), (200, 0.0)]
    with pytest.raises(Refused, match=r"left out are size=200, sleep=0.1; you gave 'size=200 sleep=0.1'"):
        conditions("--set", "size=200", "sleep=0.1")
    with pytest.raises(ValueError, match=r"`excluded` names \['width'\]"):
        replace(SWEEP, excluded=[{"width": 3}])
