"""A sweep from Python: what SWEEP.run takes, refuses and returns, and single trials that equal those of the ledger."""

from __future__ import annotations

import importlib
import shutil
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import trainables
from common.problems import Refused
from sweeps.engine.cli import Outcome
from sweeps.engine.command import Report
from sweeps.engine.failures import Failure, Failures, Stop
from sweeps.engine.fingerprint import code_of
from sweeps.engine.imported import behind, imports_noted
from sweeps.engine.interactive import SweepError, raise_what_ended_it
from sweeps.engine.interrupt import Interrupt
from sweeps.engine.keywords import options_of, words_of
from sweeps.engine.options import Options, parse
from sweeps.engine.space import choice
from sweeps.tiny_cifar import SWEEP as TINY
from sweeps.transfer_sizes import SWEEP
from tests.conftest import Sweeps
from tests.support.driver import plan
from tests.support.edited import Edited
from tests.support.toy import SWEEP as TOY
from trainables.core import device
from trainables.core.experiment import EvalSplit, Metrics

CONFIG = {"size": 20, "lr": 0.1, "epochs": 3}


def refused(problem: str, *parts: str) -> None:
    assert [line for line in problem.splitlines() if all(part in line for part in parts)], problem


def test_keywords_are_the_options_of_a_command_line_and_can_be_written_as_one() -> None:
    given: dict[str, Any] = {
        "builtin": True, "seeds": 3, "out": "elsewhere", "dashboard": False, "prescribed": False, "time_budget": 1.5,
        "set": {"train_size": [100, 300], "lr": "1e-4:1e-1", "data": "digits", "epochs": np.array([20, 50])},
    }  # fmt: skip
    options, problems = options_of(given)
    assert not problems
    assert options.out == Path("elsewhere")
    assert options.set == ("train_size=100,300", "lr=1e-4:1e-1", "data=digits", "epochs=20,50")
    assert parse(words_of(options), prog="", description="") == (options, [])
    assert words_of(Options()) == []
    assert options_of({"set": ["a=1", "b=2"]})[0].set == ("a=1", "b=2")
    assert options_of({"set": "a=1"})[0].set == ("a=1",)


def test_everything_wrong_with_a_sweep_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(Refused) as found:
        SWEEP.run(
            out=tmp_path, builtin=True, seds=3, samples="many", cpus=4096, dry_run=True, search="rand",
            set={"train_sise": 100, "lr": -1, "epochs": [[20]], "pool": []},
        )  # fmt: skip
    said = str(found.value)
    refused(said, "seds", "'seeds'")
    refused(said, "samples", "integer", "'many'")
    refused(said, "--cpus", "4096")
    refused(said, "dry_run", "command line")
    refused(said, "--search", "'random'")
    refused(said, "train_sise", "'train_size'")
    refused(said, "lr", "greater than 0")
    refused(said, "set epochs", "a list of them")
    refused(said, "key=value", "pool=")
    assert not list(tmp_path.iterdir())


def test_a_sweep_does_not_share_a_ray_that_runs_already(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Running:
        @staticmethod
        def is_initialized() -> bool:
            return True

    monkeypatch.setitem(sys.modules, "ray", Running)
    with pytest.raises(Refused, match=r"ray: not started.*Call ray.shutdown\(\) first"):
        TOY.run(out=tmp_path)


def code_refused(edited: Edited, sweep: Any) -> str:
    """Return what a run is told of its code; the question is refused in any case, since it has no file in analysis."""
    with pytest.raises(Refused, match="the answer") as found:
        sweep.run(out=edited.package.parent)
    return "".join(str(problem) for problem in found.value.problems if problem.key == "the code")


def test_code_that_was_edited_in_a_live_process_is_refused_and_named(edited: Edited) -> None:
    sweep = edited.sweep()
    assert code_refused(edited, sweep) == ""
    edited.replace("networks", '"""Networks."""', '"""What is trained."""  # at most five wide')
    edited.replace("question", "passes", "passes over the data")
    edited.write("another", "WIDTH = 7\n")
    assert code_refused(edited, sweep) == "", "prose and files of other questions refuse nothing"
    edited.replace("networks", "WIDTH = 5", "WIDTH = 6")
    told = code_refused(edited, replace(sweep, samples=3))
    assert "edited since: edited.networks'" in told
    assert "Restart the kernel" in told
    edited.replace("question", '"accuracy": 0.5', '"accuracy": 0.6')
    assert "edited since: edited.networks, edited.question'" in code_refused(edited, sweep)
    assert code_refused(edited, edited.sweep()) == "", "a new process imports it all"


def test_only_code_that_this_process_has_imported_is_compared(edited: Edited) -> None:
    edited.replace("networks", "WIDTH = 5", "WIDTH = 5\ndef later():\n    import edited.far\n")
    edited.write("far", "WIDTH = 1\n")
    sweep = edited.sweep()
    edited.write("far", "WIDTH = 2\n")
    assert code_refused(edited, sweep) == ""
    with imports_noted(sweep):
        importlib.import_module("edited.far")
    edited.write("far", "WIDTH = 3\n")
    assert "edited since: edited.far'" in code_refused(edited, sweep)


def test_the_files_of_the_sweep_and_of_its_answer_are_compared_too() -> None:
    modules = behind(TINY)
    assert {"sweeps.tiny_cifar", "sweeps.engine.plan", "analysis.tiny_cifar", "analysis.findings"} <= {*modules}
    assert {*code_of(TINY.experiment).modules} <= {*modules}
    assert not {"sweeps.digit_pair", "analysis.digit_pair", "trainables.digit_pair"} & {*modules}


def test_what_ends_a_sweep_early_is_raised(tmp_path: Path) -> None:
    answer: Any = None
    failures = Failures(plan(tmp_path), proven=())
    whole = Outcome(answer, Report(), failed=0, missing=0, failures=failures)
    interrupt = Interrupt()
    raise_what_ended_it(whole, interrupt, "python sweeps/toy.py")
    with pytest.raises(SweepError, match=r"no space.*python sweeps/toy.py"):
        raise_what_ended_it(replace(whole, report=Report(error="no space")), interrupt, "python sweeps/toy.py")
    failures.stop = Stop("all fail", Failure("lr=1", "Traceback: a bug\n"))
    with pytest.raises(SweepError, match=r"Stopped, since all fail(.|\n)*lr=1(.|\n)*a bug"):
        raise_what_ended_it(whole, interrupt, "python sweeps/toy.py")
    interrupt.signal = signal.SIGINT
    with pytest.raises(KeyboardInterrupt):
        raise_what_ended_it(whole, interrupt, "python sweeps/toy.py")
    interrupt.signal = signal.SIGTERM
    with pytest.raises(SystemExit, match="143"):
        raise_what_ended_it(whole, interrupt, "python sweeps/toy.py")


def test_signals_are_left_alone_outside_the_main_thread() -> None:
    failures: list[BaseException] = []

    def handle() -> None:
        try:
            with Interrupt() as interrupt:
                interrupt.install()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=handle)
    thread.start()
    thread.join()
    assert not failures


def test_a_trial_is_the_one_that_the_plan_makes_of_these_values(tmp_path: Path) -> None:
    made = plan(tmp_path)
    condition = made.conditions[1]
    draw = made.draws_of(condition)[2]
    for phase, seed in (("search", 1001), ("confirm", 2)):
        task = made.task(condition, draw, seed, phase)
        values = {"size": np.int64(200), **draw.values, "seed": float(seed)}
        trial = TOY.trial(values, confirm=phase == "confirm", out=tmp_path)
        assert trial.task.id == task.id
        assert trial.task.stored_config == task.stored_config
        assert (trial.task.metric, trial.task.mode, trial.task.phase) == (task.metric, task.mode, phase)
    assert trial.artifact_root == tmp_path / "artifacts"


def test_a_trial_is_told_all_that_is_missing_or_wrong() -> None:
    with pytest.raises(Refused) as found:
        trainables.run(TOY, {"epochs": 0, "sise": 20, "precision": "bf16", "seed": -1}, gpu=1)
    said = str(found.value)
    refused(said, "size", "compared", "20 and 200")
    refused(said, "lr", "searched", "0.001 to 1")
    refused(said, "epochs", "greater than 0", "passes")
    refused(said, "sise", "'size'")
    refused(said, "precision", "precision='bf16'")
    refused(said, "seed", "greater than or equal to 0")
    refused(said, "gpu", "'gpus'")


def test_a_hyperparameter_that_the_config_does_not_use_need_not_be_given() -> None:
    fixed = replace(TOY, space={**TOY.space, "sleep": choice([0.0, 0.1])})
    with pytest.raises(Refused, match=r"sleep: a value, since it is searched.*0.0, 0.1"):
        fixed.trial(CONFIG)
    with pytest.raises(Refused, match="sleep"):
        fixed.trial({**CONFIG, "sleep": float("nan")})  # as a table has it
    assert TINY.prescribed is not None
    trial = TINY.trial({**TINY.prescribed, "budget": 5_000, "train_size": 500, "validation": 500}, builtin=True)
    assert trial.task.stored_config["train_size"] == 500


def test_a_trial_computes_as_a_worker_does_and_leaves_the_process_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    class Watching(TOY.experiment):  # type: ignore[misc,name-defined]
        def evaluate(self, split: EvalSplit) -> Metrics:
            seen.append((torch.get_num_threads(), torch.backends.cudnn.deterministic, self.device.type))
            return super().evaluate(split)

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)  # a GPU that the sweep was not given
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)  # a worker's; an earlier test may have set it
    torch.set_num_threads(2)
    try:
        loop = trainables.run(replace(TOY, experiment=Watching), CONFIG, epochs=2, precision="fp32")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert seen == [(1, True, "cpu")] * 2
    assert not torch.backends.cudnn.deterministic
    assert device.pick_device().type == "cuda"
    assert (loop.status, len(loop.rows)) == ("running", 2)


def test_an_error_of_the_experiment_is_raised_and_the_threads_are_restored() -> None:
    torch.set_num_threads(2)
    try:
        with pytest.raises(RuntimeError, match="a bug in the experiment"):
            trainables.run(TOY, {**CONFIG, "fault": "error"})
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def test_one_trial_without_ray_equals_the_ledgers_and_a_complete_sweep_is_answered_from_python(
    undisturbed: Sweeps, tmp_path: Path
) -> None:
    shutil.copytree(undisturbed.out, tmp_path / "out", copy_function=shutil.copy)
    options: dict[str, Any] = {"builtin": True, "out": tmp_path / "out"}
    asked: dict[str, Any] = {"samples": 3, "seeds": 2, "prescribed": False}
    asked["set"] = {"train_size": [100, 300], "epochs": [20, 40]}
    answer = SWEEP.run(**options, **asked, dashboard=False)
    assert answer.partial is None
    assert (tmp_path / "out/transfer_sizes/tables/best_config.csv").read_bytes() == undisturbed.table()
    assert answer.figures["test_error"].suffix == ".png"
    assert len(answer.curves)
    assert len(answer.searched)
    assert answer.claims

    row = answer.seeds.iloc[-1]
    chosen = answer.best[answer.best["train_size"] == row["train_size"]].iloc[0]
    values = {**chosen[["train_size", *SWEEP.space]], "seed": row["seed"]}
    torch.set_num_threads(2)  # as in a notebook: unpinned, it gives other digits
    try:
        loop = trainables.run(SWEEP, values, confirm=True, **options)
    finally:
        torch.set_num_threads(1)
    assert loop.task.id == row["trial"]
    with undisturbed.ledger() as ledger:
        epochs = ledger.epochs([row["trial"]])
    for name in ("train_loss", "val_loss", "val_accuracy", "test_loss", "test_accuracy"):
        assert [one[name] for one in loop.rows] == list(epochs[name]), name
