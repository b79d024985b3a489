"""The agenda, driven by hand: what is next, given what finished."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.ledger import Ledger, Outcome
from analysis.numbers.progress import Count, progress
from analysis.numbers.results import Results
from analysis.numbers.seeds import by_seed
from analysis.numbers.tables import best_config
from analysis.plan_record import PlanRecord
from analysis.report.methods import methods
from analysis.report.rounded import caption
from analysis.selection import asked_for, chosen, config_text
from common.problems import Refused
from sweeps.engine.agenda import Signal
from sweeps.engine.recorded import recorded
from sweeps.engine.sweep import Variants
from tests.support.driver import CHANGES, PRESCRIBED, REFERENCED, VARIED, Driver, by_lr, plan
from tests.support.toy import SWEEP
from trainables.core.task import Task


def test_search_then_the_best_config_is_confirmed_on_fresh_seeds(tmp_path: Path) -> None:
    driver = Driver(tmp_path, "--samples", "6", "--seeds", "3")
    driver.run()
    assert len(driver.ran) == driver.plan.size == 2 * (6 * 2 + 3)
    best = min({float(t.stored_config["lr"]) for t in driver.phase("search")}, key=lambda lr: abs(lr - 0.1))
    assert {t.stored_config["lr"] for t in driver.phase("confirm")} == {best}
    assert [t.seed for t in driver.phase("confirm")[:3]] == [1, 2, 3]


def test_longest_trials_go_first(tmp_path: Path) -> None:
    driver = Driver(tmp_path, "--seeds", "1")
    costs = []
    while isinstance(trial := driver.start(), Task):
        costs.append(trial.cost)
    assert costs == sorted(costs, reverse=True)


def test_the_prescribed_recipe_is_confirmed_as_well(tmp_path: Path) -> None:
    driver = Driver(tmp_path, "--seeds", "2", sweep=PRESCRIBED)
    driver.run(lambda trial: 0.1 if trial.prescribed else by_lr(trial))
    for condition in driver.plan.conditions:
        confirmed = [t for t in driver.phase("confirm") if t.condition == condition.key]
        assert sorted(t.prescribed for t in confirmed) == [False, False, True, True]


def test_a_lone_config_is_confirmed_while_it_is_searched(tmp_path: Path) -> None:
    driver = Driver(tmp_path, "--samples", "1", "--seeds", "3", "--set", "size=200")
    handed_out = [driver.start() for _ in range(driver.plan.size)]
    assert sorted(t.phase for t in handed_out if isinstance(t, Task)) == ["confirm"] * 3 + ["search"] * 2
    for trial in handed_out:
        assert isinstance(trial, Task)
        driver.finish(trial, 0.5)
    assert driver.start() is Signal.OVER


def test_a_lone_config_need_not_be_searched_and_is_the_chosen_one(tmp_path: Path) -> None:
    unsearched = replace(SWEEP, search_single=False)
    driver = Driver(tmp_path, "--samples", "1", "--seeds", "3", "--set", "size=200", sweep=unsearched)
    ledger = driver.ledger.folder
    assert driver.plan.size == 3
    assert driver.command() == 3
    assert {trial.phase for trial in driver.ran} == {"confirm"}
    with Ledger(ledger, readonly=True) as kept:
        results = Results(kept)
        assert progress(results).missing == 0
        seeds = by_seed(results)
        (row,) = best_config(results, seeds).to_dict("records")
        assert (row["recipe"], row["n"], row["search_seeds"], row["unfinished"]) == ("chosen", 3, 0, 0)
        assert math.isnan(row["search_accuracy"])
        told = " ".join(str(run) for paragraph in methods(results) for run in paragraph.text)
        assert "There was none" in told
        assert "hosen" not in told
        assert "chosen" not in caption(results, best_config(results, seeds))


def test_several_configs_are_searched_whatever_a_lone_one_would_need(tmp_path: Path) -> None:
    unsearched = replace(SWEEP, search_single=False)
    several = Driver(tmp_path, "--samples", "2", "--seeds", "3", "--set", "size=200", sweep=unsearched)
    assert several.plan.size == 2 * 2 + 3
    several.run()
    assert len(several.ran) == several.plan.size


def test_an_unsearched_config_counts_as_missing_until_it_has_run(tmp_path: Path) -> None:
    unsearched = replace(SWEEP, search_single=False)
    driver = Driver(tmp_path, "--samples", "1", "--seeds", "3", "--set", "size=200", sweep=unsearched)
    driver.ledger.begin_run(command="toy", plan=recorded(driver.plan), environment={}, modules=driver.plan.code.modules)
    assert progress(Results(driver.ledger)) == Count(3, 0)
    driver.run(at_most=2)
    assert progress(Results(driver.ledger)) == Count(3, 2)


def test_a_config_that_is_chosen_is_confirmed_only_then(tmp_path: Path) -> None:
    driver = Driver(tmp_path, "--samples", "2", "--seeds", "3", "--set", "size=200")
    handed_out = [trial for _ in range(20) if isinstance(trial := driver.start(), Task)]
    assert {trial.phase for trial in handed_out} == {"search"}


def test_the_prescribed_recipe_can_be_left_out(tmp_path: Path) -> None:
    driver = Driver(tmp_path, "--seeds", "2", "--no-prescribed", sweep=PRESCRIBED)
    driver.run()
    assert not any(trial.prescribed for trial in driver.ran)
    assert recorded(driver.plan).prescribed is False


def test_variants_of_the_prescribed_config_are_confirmed_on_its_seeds_in_one_condition(tmp_path: Path) -> None:
    driver = Driver(tmp_path, "--seeds", "3", sweep=VARIED)
    driver.run(lambda trial: {0: 0.1, -1: 0.99, -2: 0.99}.get(trial.draw, by_lr(trial)))
    assert len(driver.ran) == driver.plan.size
    varied = [trial for trial in driver.ran if trial.draw < 0]
    assert {(t.phase, t.stored_config["size"]) for t in varied} == {("confirm", 200)}, "200 is the nearest to 150"
    assert sorted((t.stored_config["lr"], t.stored_config["epochs"], t.seed) for t in varied) == [
        *((0.01, 3, seed) for seed in (1, 2, 3)),
        *((0.05, 6, seed) for seed in (1, 2, 3)),
    ]
    ((condition, kept),) = PlanRecord.model_validate_json(recorded(driver.plan).to_json()).variants.items()
    assert condition == varied[0].condition
    values = {"slow": {"lr": 0.01, "epochs": 3}, "long": {"lr": 0.05, "epochs": 6}}
    assert [(variant.name, variant.values) for variant in kept] == list(values.items()), "in their order"
    chosen_ones = {t.draw for t in driver.phase("confirm")} - {0, -1, -2}
    assert chosen_ones, "what the search chose is confirmed too, however well variants do"
    assert all(draw > 0 for draw in chosen_ones)


def test_where_none_is_prescribed_a_reference_is_confirmed_beside_its_variants_and_never_chosen(tmp_path: Path) -> None:
    driver = Driver(tmp_path, "--seeds", "3", sweep=REFERENCED)
    driver.run(lambda trial: 0.99 if trial.draw < 0 else by_lr(trial))
    assert len(driver.ran) == driver.plan.size
    assert not any(trial.prescribed for trial in driver.ran)
    assert recorded(driver.plan).prescribed is False
    own = {(t.draw, t.phase, t.stored_config["lr"], t.stored_config["epochs"]) for t in driver.ran if t.draw < 0}
    assert own == {(-1, "confirm", 0.05, 3), (-2, "confirm", 0.01, 3), (-3, "confirm", 0.05, 6)}
    (kept,) = recorded(driver.plan).variants.values()
    assert [variant.name for variant in kept] == ["reference", "slow", "long"]
    assert {t.draw for t in driver.phase("confirm") if t.draw > 0}, "what the search chose is confirmed too"


def test_variants_may_be_asked_for_in_several_conditions_each_once(tmp_path: Path) -> None:
    several = Variants(CHANGES, reference={"lr": 0.05, "epochs": 3}, at=[{"size": 30}, {"size": 150}, {"size": 1}])
    driver = Driver(tmp_path, "--seeds", "2", sweep=replace(SWEEP, variants=several))
    driver.run()
    assert len(driver.ran) == driver.plan.size
    varied = [(t.phase, t.stored_config["size"]) for t in driver.ran if t.draw < 0]
    assert sorted(varied) == [("confirm", 20)] * 6 + [("confirm", 200)] * 6, "size 20 is meant twice"
    assert len(recorded(driver.plan).variants) == 2


@pytest.mark.parametrize(
    ("words", "variants"),
    [
        (["--no-prescribed"], set()),
        (["--set", "lr=0.2"], {"reference", "slow", "long"}),
        (["--smoke"], {"reference", "slow"}),  # all have two epochs
    ],
)
def test_a_reference_follows_what_is_asked_for(tmp_path: Path, words: list[str], variants: set[str]) -> None:
    made = plan(tmp_path, *words, sweep=REFERENCED)
    assert {draw.variant for c in made.conditions for draw in made.variants_of(c)} == variants


@pytest.mark.parametrize(
    ("sweep", "said"),
    [
        ({"variants": Variants({}, reference={"lr": 0.1})}, "leave out their `reference`"),
        ({"prescribed": None, "variants": Variants({"x": {"sleep": 1}}, reference={"lr": 1})}, "`reference` does not"),
        ({"prescribed": None, "variants": Variants({"reference": {"lr": 1}}, reference={"lr": 1})}, "no variant is"),
    ],
)
def test_a_reference_that_says_nothing_is_refused(sweep: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(PRESCRIBED, **sweep)


@pytest.mark.parametrize(
    ("words", "variants"),
    [
        (["--no-prescribed"], set()),
        (["--set", "lr=0.2"], {"slow", "long"}),  # the prescribed config keeps its own values
        (["--smoke"], {"slow"}),  # all have two epochs: the long variant is the prescribed config
        (["--set", "size=20"], {"slow", "long"}),
    ],
)
def test_variants_follow_the_prescribed_config_that_is_asked_for(
    tmp_path: Path, words: list[str], variants: set[str]
) -> None:
    made = plan(tmp_path, *words, sweep=VARIED)
    assert {draw.variant for c in made.conditions for draw in made.variants_of(c)} == variants
    assert len([c for c in made.conditions if made.variants_of(c)]) == bool(variants)


def test_a_variant_of_what_is_not_prescribed_is_refused() -> None:
    with pytest.raises(ValueError, match=r"variant 'awake' changes \['sleep'\], which `prescribed` does not state"):
        replace(PRESCRIBED, variants=Variants({"awake": {"sleep": 0}}))


def test_a_variant_with_a_value_that_is_not_allowed_is_found_beforehand(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="lr"):
        plan(tmp_path, sweep=replace(PRESCRIBED, variants=Variants({"wild": {"lr": 11.0}})))


def test_a_prescribed_recipe_that_wins_is_confirmed_once(tmp_path: Path) -> None:
    driver = Driver(tmp_path, "--seeds", "2", sweep=PRESCRIBED)
    driver.run(lambda trial: 0.99 if trial.prescribed else 0.5)
    assert len(driver.phase("confirm")) == 2 * 2


def test_where_trials_are_dear_only_finalists_run_on_further_seeds(tmp_path: Path) -> None:
    driver = Driver(tmp_path, "--samples", "6", "--seeds", "1", sweep=replace(SWEEP, finalists=2, search_seeds=3))
    driver.run()
    for condition in driver.plan.conditions:
        searched = [t for t in driver.phase("search") if t.condition == condition.key]
        assert len(searched) == driver.plan.search_trials_in(driver.plan.conditions[0]) == 6 + 2 * 2
        further = {t.stored_config["lr"] for t in searched if t.seed != driver.plan.request.search_seeds[0]}
        ranked = sorted({float(t.stored_config["lr"]) for t in searched}, key=lambda lr: abs(lr - 0.1))
        assert further == set(ranked[:2])
    assert len(driver.ran) == driver.plan.size


def test_more_samples_are_chosen_among_alike_by_engine_and_answer(tmp_path: Path) -> None:
    few = replace(SWEEP, finalists=2, search_seeds=3)
    for samples in ("3", "5", "9"):  # a finalist of a shorter search may be none of a longer one
        driver = Driver(tmp_path, "--samples", samples, "--seeds", "1", sweep=few)
        driver.run(lambda trial: random.Random(f"{trial.stored_config['lr']} {trial.seed}").random())
        trials, last, plan = driver.ledger.trials(), driver.ledger.last_epochs(), recorded(driver.plan)
        for condition in driver.plan.conditions:
            own = trials[trials["condition_key"] == condition.key]
            confirmed = {
                config_text(t.stored_config)
                for t in driver.agenda.condition_runs[condition.key].known.values()
                if t.confirm
            }
            assert confirmed == set(chosen(own, last, plan)["config"])
            asked, due = asked_for(own, last, plan, condition.key)
            assert len(asked) == due == driver.plan.search_trials_in(condition)
        driver.ledger.close()


def test_a_condition_waits_for_its_own_trials_only(tmp_path: Path) -> None:
    driver = Driver(tmp_path, "--samples", "1", "--seeds", "1")
    held = driver.start()
    assert isinstance(held, Task)
    confirmed = False
    for _ in range(3):
        trial = driver.start()
        assert isinstance(trial, Task)
        driver.finish(trial, 0.5)
        confirmed |= trial.phase == "confirm"
    while isinstance(trial := driver.start(), Task):
        confirmed |= trial.phase == "confirm"
        driver.finish(trial, 0.5)
    assert trial is Signal.NOT_YET, "one trial runs, and what comes next depends on it"
    assert confirmed, "the other condition went on to its confirmation meanwhile"
    driver.finish(held, 0.5)
    driver.run()
    assert len(driver.ran) == driver.plan.size


def test_what_the_ledger_has_is_not_run_again(tmp_path: Path) -> None:
    first = Driver(tmp_path, "--samples", "4")
    first.run(at_most=11)
    first.ledger.close()
    second = Driver(tmp_path, "--samples", "4")
    second.run()
    assert {t.id for t in first.ran}.isdisjoint(t.id for t in second.ran)
    assert len(first.ran) + len(second.ran) == first.plan.size
    second.ledger.close()
    third = Driver(tmp_path, "--samples", "4")
    assert third.agenda.trials_left == 0
    assert third.start() is Signal.OVER


def test_failed_trials_are_tried_again_by_the_next_command_and_leave_no_winner_behind(tmp_path: Path) -> None:
    driver = Driver(tmp_path, "--samples", "2", "--seeds", "1")
    while isinstance(trial := driver.start(), Task):
        driver.finish(trial, 0.5, "failed" if trial.stored_config["size"] == 20 else "done")
    assert {t.stored_config["size"] for t in driver.phase("confirm")} == {200}
    driver.ledger.close()
    again = Driver(tmp_path, "--samples", "2", "--seeds", "1")
    assert again.agenda.trials_left == 4


def test_optuna_models_each_condition_and_learns_from_results(tmp_path: Path) -> None:
    driver = Driver(tmp_path, "--search", "optuna", "--samples", "25", "--seeds", "1")
    driver.run()
    assert len(driver.ran) == driver.plan.size
    for condition in driver.plan.conditions:
        lrs = [float(t.stored_config["lr"]) for t in driver.phase("search") if t.condition == condition.key]
        late, early = lrs[-20:], lrs[:8]
        assert sum(0.03 < lr < 0.3 for lr in late) / 20 > sum(0.03 < lr < 0.3 for lr in early) / 8


def test_a_model_starts_with_the_configs_of_a_random_search(tmp_path: Path) -> None:
    """A condition's own model with the first four, in each condition; a shared one with the first eight, all in all."""
    words = ("--samples", "8", "--seeds", "1")
    for search, shares in (("optuna", [4, 4]), ("pareto", [8])):
        driver = Driver(tmp_path / search, "--search", search, *words, sweep=replace(TRADING, search_seeds=1))
        driver.run()
        drawn = [{**values} for values in driver.plan.samples]
        order = [{name: t.stored_config[name] for name in ("lr", "epochs")} for t in driver.phase("search")]
        first = [[v for v in drawn if v in own] for own in _by_study(driver, order, shared=search == "pareto")]
        assert [values[:share] for values, share in zip(first, shares, strict=True)] == [drawn[:n] for n in shares]


def _by_study(driver: Driver, order: list[dict[str, object]], *, shared: bool) -> list[list[dict[str, object]]]:
    """Return the searched configs that each model proposed."""
    if shared:
        return [order]
    conditions = [t.condition for t in driver.phase("search")]
    return [[o for o, key in zip(order, conditions, strict=True) if key == c.key] for c in driver.plan.conditions]


def test_optuna_learns_a_trial_that_diverged_as_the_worst_there_is(tmp_path: Path) -> None:
    """Its loss is no number any more; its accuracy is one still."""
    driver = Driver(tmp_path, "--search", "optuna", "--samples", "3", "--seeds", "1", "--set", "size=200")
    for _ in range(2):
        trial = driver.start()
        assert isinstance(trial, Task)
        driver.finish(trial, 0.9, "diverged")
    (course,) = driver.agenda.condition_runs.values()
    assert course._proposer is not None
    assert [trial.value for trial in course._proposer._study.trials if trial.state.is_finished()] == [-math.inf]


def test_a_range_for_what_has_a_default_leaves_the_prescribed_recipe_as_it_was(tmp_path: Path) -> None:
    driver = Driver(
        tmp_path, "--search", "optuna", "--samples", "2", "--seeds", "1", "--set", "sleep=0.5:1", sweep=PRESCRIBED
    )
    driver.run(lambda trial: -1 if trial.prescribed else by_lr(trial))
    assert len(driver.ran) == driver.plan.size
    assert {trial.stored_config["sleep"] for trial in driver.ran if trial.prescribed} == {0}


TRADING = replace(SWEEP, tradeoff="min parameters", finalists=1)


def test_a_shared_model_trades_accuracy_for_parameters_and_learns_across_conditions(tmp_path: Path) -> None:
    """Few epochs stand for few parameters, and accuracy is best at lr = 0.1, in both conditions."""
    driver = Driver(tmp_path, "--search", "pareto", "--samples", "20", "--seeds", "1", sweep=TRADING)

    def finish(trial: Task) -> None:
        driver.ledger.add_epochs(trial.id, [{"epoch": 1, "val_accuracy": by_lr(trial)}])
        driver.ledger.finish(trial.id, Outcome("done", facts={"parameters": trial.stored_config["epochs"]}))
        driver.ran.append(trial)
        driver.agenda.on_finished(trial)

    while isinstance(trial := driver.start(), Task):
        finish(trial)
    searched = driver.phase("search")
    assert len(driver.ran) == driver.plan.size
    counts = [sum(t.condition == c.key and t.seed == 1001 for t in searched) for c in driver.plan.conditions]
    assert counts == [20, 20], "each condition has its share"
    late = [t for t in searched if t.seed == 1001][-20:]
    assert sum(t.stored_config["epochs"] == 3 for t in late) > 10, "dominated configs are proposed less"
    for condition in driver.plan.conditions:
        own = [t for t in searched if t.condition == condition.key]
        best = max(own, key=by_lr).stored_config["lr"]
        assert {t.stored_config["lr"] for t in driver.phase("confirm") if t.condition == condition.key} == {best}


def test_a_question_that_trades_nothing_has_no_such_search(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        plan(tmp_path, "--search", "pareto")
    assert {problem.key for problem in refused.value.problems} == {"--search"}


def test_the_prescribed_recipe_is_confirmed_beside_the_search_and_the_winner_after_it(tmp_path: Path) -> None:
    driver = Driver(tmp_path, "--samples", "2", "--seeds", "1", "--set", "size=20", sweep=PRESCRIBED)
    at_once = []
    while isinstance(trial := driver.start(), Task):
        at_once.append(trial)
    assert sum(t.confirm for t in at_once) == 1
    assert len([t for t in at_once if not t.confirm]) == driver.plan.search_trials_in(driver.plan.conditions[0])
    for trial in at_once:
        driver.finish(trial, 0.1 if trial.prescribed else by_lr(trial))
    last = driver.start()
    assert isinstance(last, Task)
    assert last.confirm
    assert not last.prescribed


def test_a_single_config_has_no_finalists_to_be_chosen_among(tmp_path: Path) -> None:
    words = ("--samples", "4", "--seeds", "1", "--set", "size=20", "lr=0.05", "epochs=3")
    driver = Driver(tmp_path, *words, sweep=replace(PRESCRIBED, finalists=2))
    driver.run()
    assert len(driver.plan.draws()) == 1, "what is drawn is what is prescribed"
    assert [t.phase for t in driver.ran].count("search") == 1
    assert len(driver.ran) == 2


def test_seeds_that_a_question_prescribes_are_confirmed_too(tmp_path: Path) -> None:
    driver = Driver(tmp_path, "--samples", "2", "--seeds", "2", sweep=replace(SWEEP, extra_seeds=(42,)))
    driver.run()
    seeds = [t.seed for t in driver.phase("confirm")]
    assert sorted(seeds) == [1, 1, 2, 2, 42, 42]


def test_optuna_goes_on_where_a_killed_run_left_off(tmp_path: Path) -> None:
    words = ("--search", "optuna", "--samples", "6", "--seeds", "1")
    first = Driver(tmp_path, *words)
    first.run(at_most=7)
    open_trial = first.start()
    assert isinstance(open_trial, Task)
    first.ledger.close()  # the driver dies while that one runs
    second = Driver(tmp_path, *words)
    second.run()
    assert {t.id for t in first.ran}.isdisjoint(t.id for t in second.ran)
    assert open_trial.id in {t.id for t in second.ran}
    assert len(first.ran) + len(second.ran) == first.plan.size


def test_a_grid_that_is_reordered_or_narrowed_confirms_what_is_best_now(tmp_path: Path) -> None:
    grid = ("--search", "grid", "--set", "epochs=3")
    first = Driver(tmp_path, *grid, "lr=0.1,0.5", "--seeds", "1")
    first.run()
    assert {t.stored_config["lr"] for t in first.phase("confirm")} == {0.1}
    first.ledger.close()
    reordered = Driver(tmp_path, *grid, "lr=0.5,0.1", "--seeds", "2")
    reordered.run()
    assert {t.stored_config["lr"] for t in reordered.phase("confirm")} == {0.1}
    assert not reordered.phase("search")
    reordered.ledger.close()
    narrowed = Driver(tmp_path, *grid, "lr=0.5", "--seeds", "1")
    narrowed.run()
    assert {t.stored_config["lr"] for t in narrowed.phase("confirm")} == {0.5}


def test_trials_that_asha_stopped_are_run_to_their_end_by_a_plan_without_it(tmp_path: Path) -> None:
    asha = Driver(tmp_path, "--samples", "3", "--seeds", "1", "--scheduler", "asha")
    while isinstance(trial := asha.start(), Task):
        stop = trial.phase == "search" and trial.draw == 2
        asha.finish(trial, by_lr(trial), "stopped" if stop else "done")
    asha.ledger.close()
    again = Driver(tmp_path, "--samples", "3", "--seeds", "1", "--scheduler", "asha")
    assert again.agenda.trials_left == 0
    again.ledger.close()
    whole = Driver(tmp_path, "--samples", "3", "--seeds", "1")
    whole.run()
    assert {(t.draw, t.seed) for t in whole.phase("search")} >= {(2, 1001), (2, 1002)}
    assert set(whole.ledger.trials()["status"]) == {"done"}


def test_optuna_does_not_adopt_what_set_excludes(tmp_path: Path) -> None:
    first = Driver(tmp_path, "--search", "optuna", "--samples", "4", "--seeds", "1")
    first.run()
    first.ledger.close()
    narrowed = Driver(tmp_path, "--search", "optuna", "--samples", "4", "--seeds", "1", "--set", "lr=0.9")
    narrowed.run()
    assert narrowed.phase("search")
    assert {t.stored_config["lr"] for t in narrowed.ran} == {0.9}


def test_optuna_survives_a_first_trial_without_the_metric(tmp_path: Path) -> None:
    driver = Driver(
        tmp_path, "--search", "optuna", "--samples", "3", "--seeds", "1", sweep=replace(SWEEP, search_seeds=1)
    )
    trial = driver.start()
    assert isinstance(trial, Task)
    driver.ledger.add_epochs(trial.id, [{"epoch": 1, "train_loss": 1.0}])
    driver.ledger.finish(trial.id, Outcome("collapsed"))
    driver.agenda.on_finished(trial)
    driver.run()
    assert {t.phase for t in driver.ran} == {"search", "confirm"}


def test_after_a_crash_suspects_run_alone_and_last(tmp_path: Path) -> None:
    driver = Driver(tmp_path, "--samples", "2", "--seeds", "1")
    suspects = [driver.start(), driver.start()]
    driver.agenda.put_back(suspect=True)
    while True:
        trial = driver.start()
        assert isinstance(trial, Task)
        if trial in suspects:
            break
        driver.finish(trial, 0.5)
    assert driver.start() is Signal.NOT_YET, "the other suspect waits until this one is done"
    driver.finish(trial, 0.5)
    last = driver.start()
    assert last in suspects
    assert last is not trial


@pytest.mark.parametrize(("select", "pick"), [("max val_accuracy", max), ("min val_loss", min)])
def test_the_direction_of_selection(tmp_path: Path, select: str, pick: Callable[..., float]) -> None:
    driver = Driver(tmp_path, "--seeds", "1", sweep=replace(SWEEP, select=select))
    driver.run(lambda trial: float(trial.stored_config["lr"]))
    best = pick(float(t.stored_config["lr"]) for t in driver.phase("search"))
    assert {t.stored_config["lr"] for t in driver.phase("confirm")} == {best}


def test_a_closed_agenda_hands_out_nothing(tmp_path: Path) -> None:
    driver = Driver(tmp_path)
    driver.agenda.closed = True
    assert driver.start() is Signal.OVER
