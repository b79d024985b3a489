"""A session is a private, quiet Ray that leaves nothing behind when it ends, or a cluster that was joined."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil
import ray

from common.problems import Problem, Refused
from sweeps.engine.hardware import Machine, Session

_QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",  # otherwise Tune prints boxes, whatever its verbosity
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # the ledger has all that they would log
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # our own handler stops the run and still writes the answer
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",  # a failed trial has no metric to report
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",  # Tune only runs trials, the ledger keeps their outcomes
    "TUNE_WARN_THRESHOLD_S": "60",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",  # a trial that asked for no GPU sees none
}
_OF_RAY = ("RAY_", "TUNE_")
"""How the names of environment variables of Ray and Tune begin."""
_TOKEN = "If it asks for a token, set RAY_AUTH_MODE=token, with its token in ~/.ray/auth_token."
_PREFIX = "labsweep-"
_MARKERS = (":job_id:", ":actor_name:", ":task_name:")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Set the variables by which Ray and Tune keep quiet; restore all of Ray's and Tune's at the end.

    A process that goes on, such as a notebook's, may use Ray for something else.
    """
    before = {name: value for name, value in os.environ.items() if name.startswith(_OF_RAY)}
    os.environ.update(_QUIET)
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith(_OF_RAY)]:
            del os.environ[name]
        os.environ.update(before)


@contextlib.contextmanager
def session(machine: Machine, logs: Path) -> Iterator[Session]:
    """Start Ray, or join a cluster, and end what was started; what workers printed is kept in `logs`.

    Raises OSError where Ray does not start, and Refused where a cluster cannot be joined or lacks what was asked for.
    """
    with quiet(), _session(machine, logs) as started:
        yield started


@contextlib.contextmanager
def _session(machine: Machine, logs: Path) -> Iterator[Session]:
    remove_orphans()
    temporary = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    private = machine.address is None
    cpus, cpus_per_gpu = machine.cores, math.inf
    protect_token()
    try:
        try:
            started = ray.init(
                address=machine.address or "local",
                **({"num_cpus": cpus, "num_gpus": machine.gpus, "_temp_dir": str(temporary)} if private else {}),
                **({"include_dashboard": machine.dashboard, "dashboard_host": "127.0.0.1"} if private else {}),
                log_to_driver=False,
                logging_level=logging.ERROR,
                configure_logging=True,
            )
        except (OSError, RuntimeError, ValueError) as error:
            if private:
                raise OSError(f"Ray did not start: {error}") from error
            rule = "the address of a Ray cluster that answers"
            remedy = f"{error}. {_TOKEN} Omit --address to start Ray on this machine."
            raise Refused([Problem("--address", rule, machine.address, remedy)]) from error
        for name in ("ray", "ray.tune", "ray.data", "ray.train"):
            logging.getLogger(name).setLevel(logging.ERROR)
        if not private:
            cpus, cpus_per_gpu = joined(machine, [node["Resources"] for node in ray.nodes() if node["Alive"]])
        yield Session(
            machine=machine,
            cpus=cpus,
            cpus_per_gpu=cpus_per_gpu,
            trials_per_gpu=1 if machine.trials_per_gpu == "auto" else machine.trials_per_gpu,
            dashboard=started.dashboard_url if machine.dashboard else None,
            temporary=temporary,
        )
    finally:
        ray.shutdown()
        keep_logs(temporary, logs)
        shutil.rmtree(temporary, ignore_errors=True)


def joined(machine: Machine, nodes: Sequence[Mapping[str, float]]) -> tuple[int, float]:
    """Return how many cores to use of a cluster, and the fewest cores that one of its nodes has for each GPU.

    `nodes` are the resources of its nodes, by kind ("CPU", "GPU").

    Raises Refused where the cluster has fewer cores or GPUs than were asked for, or a node with GPUs but no cores.
    """
    cluster = {kind: sum(node.get(kind, 0) for node in nodes) for kind in ("CPU", "GPU")}
    beside = [node.get("CPU", 0) / node["GPU"] for node in nodes if node.get("GPU", 0) > 0] if machine.gpus else []
    found = [
        Problem(f"--{name}", "at most what the cluster has", asked, f"It has {cluster.get(kind, 0):g}; give fewer.")
        for name, kind, asked in (("gpus", "GPU", machine.gpus), ("cpus", "CPU", machine.cpus))
        if asked is not None and asked > cluster.get(kind, 0)
    ]
    if min(beside, default=1) <= 0:
        remedy = "Give its nodes cores with `ray start --num-cpus`."
        found.append(Problem("--gpus", "GPUs of nodes that have cores for Ray too", machine.gpus, remedy))
    if found:
        raise Refused(found)
    return machine.cpus or int(cluster["CPU"]), min(beside, default=math.inf)


def remove_orphans() -> None:
    """Delete the temporary folders of drivers that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        pid = folder.name.removeprefix(_PREFIX).split("-")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def keep_logs(temporary: Path, logs: Path) -> None:
    """Copy what each worker printed into a file in `logs`; a worker that printed only Ray's markers gets none."""
    for path in temporary.glob("session_2*/logs/worker-*"):
        lines = path.read_text(errors="replace").splitlines(keepends=True)
        printed = [line for line in lines if not line.startswith(_MARKERS)]
        if printed:
            logs.mkdir(parents=True, exist_ok=True)
            (logs / path.name).write_text("".join(printed))


def token_path() -> Path:
    """Return the file that holds the token for the dashboard."""
    return Path(os.environ.get("RAY_AUTH_TOKEN_PATH", Path.home() / ".ray" / "auth_token"))


def protect_token() -> None:
    """Make sure that only the owner can read the token's file: Ray would let all users of the machine read it."""
    path = token_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        contextlib.suppress(FileExistsError),
        open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file,
    ):
        file.write(secrets.token_hex(32))  # as Ray itself would generate it
    with contextlib.suppress(PermissionError):
        path.chmod(0o600)


def error_line(error: Exception) -> str:
    """Return a line on an error, with a remedy if memory ran out."""
    text = str(getattr(error, "cause", None) or error).strip().splitlines() or [""]
    if isinstance(error, ray.exceptions.OutOfMemoryError) or "out of memory" in text[0].lower():
        return f"out of memory: {text[0]} Run fewer trials at a time with --cpus or --trials-per-gpu."
    return f"{type(error).__name__}: {text[0]}"
