"""What a trial costs beside its own work: ours, ledger included, beside plain Ray Tune's.

    python -m bench.overhead            # about four minutes on two cores

Three ways to run the same trials, one after the other in this process, each in a Ray session of its own:

plain   a function trainable with Tune's defaults, as its tutorials have it;
reuse   a class trainable with reuse_actors=True, Tune's loggers off, as an expert would write it; its workers import
        PyTorch once, as ours do (plain's do not: 200 times that would be unfair);
ours    the engine, with every trial durable in the ledger before the next one is asked for.

Whole runs are timed from the call that starts the trials to its return, Ray's own start excluded. The marginal cost of
a trial is the difference between a long and a short run, divided by the difference in trials. With trials of 0.3 s,
`workers` shows how many processes did the work: Tune with reuse alone can leave all but one slot idle, if the first
worker's trials end before the second worker is up (`trainables.core.barrier`).
"""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import ray
from ray import tune

from analysis.ledger import Ledger
from bench.nothing import Nothing
from sweeps.engine import Sweep, integers
from sweeps.engine.agenda import Agenda
from sweeps.engine.command import command_of
from sweeps.engine.hardware import cores, machine_of
from sweeps.engine.interrupt import Interrupt
from sweeps.engine.options import Options
from sweeps.engine.preflight import make_plan
from sweeps.engine.run import carry_out

SHORT, LONG = 40, 200
SLEEPY, SLEEP = 40, 0.3  # trials, seconds


@dataclass(frozen=True)
class Timing:
    seconds: float
    workers: int


class Reusable(tune.Trainable):  # type: ignore[misc]
    def setup(self, config: dict[str, float]) -> None:
        import torch  # noqa: F401  # as every trial of this project would; ours cannot do without

        self.seconds = config["sleep"]

    def reset_config(self, new_config: dict[str, float]) -> bool:
        self.setup(new_config)
        return True

    def step(self) -> dict[str, object]:
        time.sleep(self.seconds)
        return {"accuracy": 0.5, "done": True, "worker": os.getpid()}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        pass

    def load_checkpoint(self, checkpoint: object) -> None:
        pass


def function(config: dict[str, float]) -> None:
    time.sleep(config["sleep"])
    tune.report({"accuracy": 0.5, "worker": os.getpid()})


def plain(trials: int, sleep: float) -> Timing:
    return _tune(function, trials, sleep, reuse=False)


def reuse(trials: int, sleep: float) -> Timing:
    return _tune(Reusable, trials, sleep, reuse=True)


def _tune(trainable: object, trials: int, sleep: float, *, reuse: bool) -> Timing:
    os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
    os.environ.pop("TUNE_MAX_PENDING_TRIALS_PG", None)
    os.environ.pop("TUNE_GLOBAL_CHECKPOINT_S", None)
    os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1" if reuse else "0"
    ray.init(
        address="local", num_cpus=cores(), include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False
    )
    try:
        with tempfile.TemporaryDirectory() as folder:
            tuner = tune.Tuner(
                trainable,
                param_space={"sleep": sleep},
                tune_config=tune.TuneConfig(num_samples=trials, reuse_actors=reuse),
                run_config=tune.RunConfig(storage_path=folder, verbose=0),
            )
            started = time.perf_counter()
            results = tuner.fit()
            seconds = time.perf_counter() - started
        return Timing(seconds, len({result.metrics["worker"] for result in results}))
    finally:
        ray.shutdown()


def sweep(samples: int, sleep: float) -> Sweep:
    """`samples` trials of `sleep` seconds."""
    return Sweep(
        Nothing,
        factors={},
        space={"x": integers(0, 10**9)},
        fixed={"sleep": sleep},
        samples=samples,
        search_seeds=1,
    )


def ours(trials: int, sleep: float) -> Timing:
    with tempfile.TemporaryDirectory() as folder:
        options = Options(out=Path(folder), dashboard=False, precision="fp32")
        plan = make_plan(sweep(trials, sleep), options, [], Path(folder))
        command = command_of("nothing", [], options)
        with Ledger(command.folder) as ledger:
            report = carry_out(command, machine_of(options), Agenda(plan, ledger), Interrupt())
            done = (ledger.trials()["status"] == "done").sum()
        assert done == trials, f"{done} of {trials} trials are in the ledger"
    return Timing(report.wall_seconds, len(report.workers))


def main() -> None:
    ways: dict[str, Callable[[int, float], Timing]] = {"plain": plain, "reuse": reuse, "ours": ours}
    print(f"{cores()} slots; trials that do nothing: {SHORT} and {LONG}; trials of {SLEEP} s: {SLEEPY}")
    print(f"{'':8}{f'{LONG} trials, s':>16}{'marginal, ms a trial':>24}{f'{SLEEPY} × {SLEEP} s, s':>18}{'workers':>10}")
    marginal, whole, sleepy = {}, {}, {}
    for name, way in ways.items():
        short, long, slow = way(SHORT, 0.0), way(LONG, 0.0), way(SLEEPY, SLEEP)
        marginal[name] = (long.seconds - short.seconds) / (LONG - SHORT)
        whole[name], sleepy[name] = long.seconds, slow.seconds
        row = f"{name:8}{whole[name]:16.2f}{1000 * marginal[name]:24.1f}{sleepy[name]:18.2f}{slow.workers:10d}"
        print(row, flush=True)
    floor = SLEEPY * SLEEP / cores()
    for other in ("plain", "reuse"):
        print(
            f"{other} / ours: whole {whole[other] / whole['ours']:.1f}, "
            f"marginal {marginal[other] / marginal['ours']:.1f}, "
            f"{SLEEP} s trials {sleepy[other] / sleepy['ours']:.2f}"
        )
    print(f"trials of {SLEEP} s: floor {floor:.1f} s, ours reaches η = {floor / sleepy['ours']:.2f} of it")


if __name__ == "__main__":
    main()
