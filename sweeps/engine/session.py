"""A Ray session of our own: quiet, private, gone without a trace when it ends."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import ray

from common.problems import Problem, Refused
from sweeps.engine.hardware import cores
from sweeps.engine.options import Options

_QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",  # Tune prints boxes otherwise, whatever its verbosity
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # the ledger is enough
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # ours stops the run and keeps the answer
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",  # a failed trial has no metric to report
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",  # Tune executes, the ledger remembers
    "TUNE_WARN_THRESHOLD_S": "60",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",  # a trial that asked for no GPU sees none
}
_TOKEN = "If it asks for a token, set RAY_AUTH_MODE=token, with its token in ~/.ray/auth_token."
HOST = "trainables.core.host"
"""What Ray's workers import while they wait for work: Ray starts one for each core, and each is to run trials. With
GPUs fewer are, so they import it when a trial comes."""
_PREFIX = "labsweep-"
_MARKERS = (":job_id:", ":actor_name:", ":task_name:")


@dataclass(frozen=True)
class Session:
    """A running Ray, and how a sweep divides it."""

    cpus: int
    gpus: int
    trials_per_gpu: int
    dashboard: str | None
    """Address of Ray's dashboard, without a scheme."""
    temporary: Path
    """Ray's folder; removed when the session ends."""
    cpus_per_gpu: float = math.inf
    """The fewest cores that a node of a cluster has for each of its GPUs: a trial has all it needs on one node."""

    @property
    def slots(self) -> int:
        """Trials at a time."""
        return self.gpus * self.trials_per_gpu or self.cpus

    @property
    def cpus_per_trial(self) -> float:
        """Cores of a trial: whole ones, unless there are fewer than trials."""
        share = min(self.cpus / self.slots, self.cpus_per_gpu / self.trials_per_gpu if self.gpus else math.inf)
        return float(math.floor(share)) if share >= 1 else share

    @property
    def gpus_per_trial(self) -> float:
        """The share of a GPU that a trial has."""
        return 1 / self.trials_per_gpu if self.gpus else 0.0

    @property
    def threads(self) -> int:
        """Threads of a trial."""
        return max(1, int(self.cpus_per_trial))


@contextlib.contextmanager
def session(options: Options, logs: Path) -> Iterator[Session]:
    """Start Ray (or join a cluster), and end what was started. Workers' output is kept in `logs`."""
    os.environ.update(_QUIET)
    remove_orphans()
    temporary = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    private = options.address is None
    cpus = options.cpus or cores()
    dashboard = options.dashboard and not options.smoke  # it takes seconds to come up: by then a smoke run is half done
    protect_token()
    try:
        try:
            started = ray.init(
                address=options.address or "local",
                **({"num_cpus": cpus, "num_gpus": options.gpus, "_temp_dir": str(temporary)} if private else {}),
                **({"include_dashboard": dashboard, "dashboard_host": "127.0.0.1"} if private else {}),
                **({"_system_config": {"preload_python_modules": [HOST]}} if private and not options.gpus else {}),
                log_to_driver=False,
                logging_level=logging.ERROR,
                configure_logging=True,
            )
        except (OSError, RuntimeError, ValueError) as error:
            if private:
                raise OSError(f"Ray did not start: {error}") from error
            rule = "the address of a Ray cluster that answers"
            raise Refused(
                [Problem("--address", rule, options.address, f"{error}. {_TOKEN} Omit it for a Ray of one's own.")]
            ) from error
        for name in ("ray", "ray.tune", "ray.data", "ray.train"):
            logging.getLogger(name).setLevel(logging.ERROR)
        cpus_per_gpu = math.inf
        if not private:
            cpus, cpus_per_gpu = joined(options, [node["Resources"] for node in ray.nodes() if node["Alive"]])
        yield Session(
            cpus=cpus,
            cpus_per_gpu=cpus_per_gpu,
            gpus=options.gpus,
            trials_per_gpu=1 if options.trials_per_gpu == "auto" else options.trials_per_gpu,
            dashboard=started.dashboard_url if dashboard else None,
            temporary=temporary,
        )
    finally:
        ray.shutdown()
        keep_logs(temporary, logs)
        shutil.rmtree(temporary, ignore_errors=True)


def joined(options: Options, nodes: Sequence[Mapping[str, float]]) -> tuple[int, float]:
    """The cores to use of a cluster of these nodes, by their resources, and the fewest that one has for each GPU.

    Raises Refused where the cluster has fewer cores or GPUs than were asked for, or GPUs without a core beside them.
    """
    cluster = {kind: sum(node.get(kind, 0) for node in nodes) for kind in ("CPU", "GPU")}
    beside = [node.get("CPU", 0) / node["GPU"] for node in nodes if node.get("GPU", 0) > 0] if options.gpus else []
    found = [
        Problem(f"--{name}", "at most what the cluster has", asked, f"It has {cluster.get(kind, 0):g}; give fewer.")
        for name, kind, asked in (("gpus", "GPU", options.gpus), ("cpus", "CPU", options.cpus))
        if asked is not None and asked > cluster.get(kind, 0)
    ]
    if min(beside, default=1) <= 0:
        remedy = "Give its nodes some with `ray start --num-cpus`."
        found.append(Problem("--gpus", "GPUs of nodes that have cores for Ray too", options.gpus, remedy))
    if found:
        raise Refused(found)
    return options.cpus or int(cluster["CPU"]), min(beside, default=math.inf)


def remove_orphans() -> None:
    """Delete the folders that killed drivers left."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        pid = folder.name.removeprefix(_PREFIX).split("-")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def keep_logs(temporary: Path, logs: Path) -> None:
    """Keep what workers printed, one file each, where there is more than Ray's own markers."""
    for path in temporary.glob("session_2*/logs/worker-*"):
        lines = path.read_text(errors="replace").splitlines(keepends=True)
        printed = [line for line in lines if not line.startswith(_MARKERS)]
        if printed:
            logs.mkdir(parents=True, exist_ok=True)
            (logs / path.name).write_text("".join(printed))


def token_path() -> Path:
    """The file with the token that the dashboard asks for."""
    return Path(os.environ.get("RAY_AUTH_TOKEN_PATH", Path.home() / ".ray" / "auth_token"))


def protect_token() -> None:
    """Make sure that the token's file is the owner's alone: Ray would write it readable to all users of the machine."""
    path = token_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        contextlib.suppress(FileExistsError),
        open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file,
    ):
        file.write(secrets.token_hex(32))  # what Ray itself would generate
    with contextlib.suppress(PermissionError):
        path.chmod(0o600)
