"""The live view: true, plain where there is no terminal, with an address that answers."""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from sweeps.engine import live
from sweeps.engine.agenda import Counts, UnderWay
from sweeps.engine.estimate import Estimate, clock
from sweeps.engine.hardware import Machine, Session
from sweeps.engine.interrupt import Interrupt
from sweeps.engine.live import Live, in_ledger
from tests.conftest import HANG, SMALL, Sweeps
from tests.support.driver import PRESCRIBED, Driver
from tests.support.toy import SWEEP, Distance
from trainables.artifacts.remote import Progress
from trainables.core.task import Task

SLOTS = 2
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


@pytest.fixture
def occupied() -> Iterator[None]:
    """Port 8265, which Ray's dashboard takes by default, is busy: by us, or by somebody else already."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            stack.enter_context(socket.create_server(("127.0.0.1", 8265)))
        yield


def status(url: str, token: str | None = None) -> int:
    """Status of the answer to a GET."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=HANG) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_the_dashboard_is_where_it_is_said_to_be_and_its_token_is_the_owners_alone(
    sweeps: Sweeps, occupied: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))  # no token is there yet
    (tmp_path / "home").mkdir()
    words = ("--builtin", "--no-prescribed", "--samples", "1", "--seeds", "2", "--set", "train_size=100", "epochs=5")
    process = sweeps.start(*words)
    assert process.stdout
    printed = ""
    while not (found := re.search(r"^Ray dashboard: (http://127\.0\.0\.1:(\d+))  token: `(.*)`$", printed, re.M)):
        line = process.stdout.readline()
        assert line, printed
        printed += line
    address, port, command = found.groups()
    assert port != "8265"
    token = subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout.strip()
    assert status(f"{address}/api/cluster_status") == 401
    assert status(f"{address}/api/cluster_status", "0" * len(token)) == 403
    assert status(f"{address}/api/cluster_status", token) == 200
    (file,) = (tmp_path / "home" / ".ray").iterdir()
    assert file.read_text().strip() == token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    rest, _ = process.communicate(timeout=HANG)
    assert process.returncode == 0, rest
    assert "5 trials" in rest
    assert token not in printed + rest


def test_without_a_terminal_there_are_plain_lines_and_nothing_of_rays(undisturbed: Sweeps) -> None:
    printed = undisturbed.printed
    assert not CONTROL.search(printed)
    assert "Ray dashboard" not in printed, "it ran with --no-dashboard"
    before, _, after = printed.partition("Transfer by train size\n")
    progress = before.splitlines()
    assert progress
    for line in progress:
        assert re.fullmatch(
            r"starting Ray …|(shared work: \d+/\d+ pieces|\d+/22 trials|workers start).*  \d+:\d\d.*", line
        )
    seconds = [int(m) * 60 + int(s) for m, s in re.findall(r"  (\d+):(\d\d)(?:,.*)?$", before, re.M)]
    assert seconds == sorted(seconds)
    assert len(seconds) <= 3 + seconds[-1] / live.PLAIN_SECONDS, "a line every few seconds"
    assert "22 trials" in after


def session(dashboard: str | None = None) -> Session:
    return Session(Machine(), cpus=SLOTS, dashboard=dashboard, temporary=Path())


def screen(file: io.StringIO) -> list[str]:
    """The lines that a terminal shows after all that was written to it, blank ones left out."""
    lines, row = [""], 0
    for piece in re.findall(r"\x1b\[\??\d*(?:;\d+)*[A-Za-z]|\n|\r|[^\x1b\n\r]+", file.getvalue()):
        if piece == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif piece.endswith("A") and piece.startswith("\x1b"):
            row -= int(piece[2:-1] or 1)
        elif piece == "\x1b[2K":
            lines[row] = ""
        elif not piece.startswith("\x1b") and piece != "\r":
            lines[row] += piece
    return [line.rstrip() for line in lines if line.strip()]


def test_a_terminal_shows_one_table_and_takes_it_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "TERMINAL_SECONDS", 0.0)
    driver = Driver(tmp_path, "--seeds", "1", "--set", "size=200")
    file = io.StringIO()
    monkeypatch.setattr(live, "token_command", lambda: "ray get-auth-token")  # else its folder may fill a line
    console = Console(file=file, force_terminal=True, width=80, height=30, legacy_windows=False)
    view = Live(driver.plan, driver.agenda, session("127.0.0.1:1234"), console)
    with view:
        view.update_shared_work(Progress(1, 3, ("features",)))
        shared = screen(file)
        for outcome in ("done", "failed"):
            trial = driver.start()
            assert isinstance(trial, Task)
            driver.finish(trial, 0.75, outcome)
        running = driver.start()
        assert isinstance(running, Task)
        driver.agenda.under_way[running.id] = UnderWay(2, 5, 0.5)
        view.update()
        during = screen(file)
    assert shared[0].startswith("toy  shared work: 1/3 pieces, features  0:0")
    assert shared[-1].split() == ["200", "0/7", "0", "0", "search", "–"]
    assert re.match(r"toy  2/7 trials, 1 running \(40 %\), 1 failed  0:0\d$", during[0])
    assert during[1].startswith("Ray dashboard: http://127.0.0.1:1234  token: `")
    stored = running.stored_config
    assert during[-1].split() == [str(stored["lr"]), str(stored["epochs"]), str(running.seed), "search", "2/5", "50.0"]
    assert "running:" in during
    (row,) = [line.split() for line in during if line.split()[:2] == ["200", "2/7"]]
    assert row == ["200", "2/7", "1", "1", "search", "–"], "a config with a failed seed is no candidate"
    assert screen(file) == [], "the answer follows, on a clean screen"


def test_the_estimate_is_silent_at_first_and_then_about_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    driver = Driver(tmp_path, "--samples", "8", "--seeds", "4", "--set", "epochs=3,6,60,100")
    estimate = Estimate(driver.agenda, SLOTS)
    now += 30  # workers start: no sign of how long trials take
    finished: list[tuple[float, float | None]] = []
    while isinstance(trial := driver.start(), Task):
        now += (0.1 + 0.01 * trial.cost) / SLOTS
        driver.finish(trial, 0.5)
        estimate.observe()
        finished.append((now, estimate.seconds_left()))
    assert len(finished) == driver.plan.size
    assert [left for _, left in finished[: 2 * SLOTS]] == [None] * 2 * SLOTS
    for moment, left in finished[2 * SLOTS : -3]:
        assert left is not None
        assert (now - moment) / 2 - 2 <= left <= 2 * (now - moment) + 2
    assert finished[-1][1] is None


def test_long_trials_are_estimated_by_their_epochs_before_the_first_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    driver = Driver(tmp_path, "--samples", "4", "--seeds", "2", "--set", "epochs=100")
    view = Live(driver.plan, driver.agenda, session(), Console(file=io.StringIO()))
    trials = [driver.start() for _ in range(SLOTS)]
    epoch = 10.0  # seconds
    whole = driver.plan.size * 100 * epoch / SLOTS
    told = []
    for done in range(1, 50):
        now += epoch
        for trial in trials:
            assert isinstance(trial, Task)
            driver.agenda.under_way[trial.id] = UnderWay(done, 100)
        view.update()
        told.append(view.line())
    assert "to go" not in told[0]
    assert re.search(r"2 running \(10, 10 %\)  1:40, about [\d:]+ to go$", told[9])
    left = view._estimate.seconds_left()
    assert left == pytest.approx(whole - 49 * epoch, rel=0.01)
    driver.agenda.under_way = {trial.id: UnderWay(0, 100) for trial in trials if isinstance(trial, Task)}
    assert "%" not in view.line(), "their workers died, and they begin anew"
    assert view._estimate.seconds_left() is None


def test_a_search_that_adopts_more_than_it_plans_has_no_estimate_below_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    first = Driver(tmp_path, "--samples", "8", "--seeds", "1")
    first.run(at_most=24)
    first.ledger.close()
    again = Driver(tmp_path, "--samples", "2", "--seeds", "1", "--search", "optuna")
    view = Live(again.plan, again.agenda, session(), Console(file=io.StringIO()))
    while isinstance(trial := again.start(), Task):
        now += 60
        again.finish(trial, 0.5)
        view.update()
        done, planned = map(int, re.match(r"(\d+)/(\d+) trials", view.line()).groups())  # type: ignore[union-attr]
        assert done <= planned


def test_a_sweep_taken_up_again_is_estimated_by_its_own_trials(tmp_path: Path) -> None:
    first = Driver(tmp_path, "--seeds", "2")
    first.run(at_most=9)
    first.ledger.close()
    again = Driver(tmp_path, "--seeds", "2")
    estimate = Estimate(again.agenda, SLOTS)
    estimate.observe()
    assert estimate.seconds_left() is None
    again.run(at_most=1)
    estimate.observe()
    assert estimate.seconds_left() is None


def test_a_table_longer_than_the_terminal_leaves_nothing_behind(tmp_path: Path) -> None:
    driver = Driver(tmp_path, "--set", "size=" + ",".join(map(str, range(20, 60))))
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80, height=20, legacy_windows=False)
    with Live(driver.plan, driver.agenda, session(), console):
        assert len(screen(file)) <= 20
    assert screen(file) == []
    assert file.getvalue().count("\n") < 40, "nothing scrolled away either"


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0:00"), (59.6, "1:00"), (3599.4, "59:59"), (3661, "1:01:01")])
def test_the_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_the_token_command_is_one_that_can_be_typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ray = Path(sys.executable).with_name("ray")
    monkeypatch.setenv("PATH", os.pathsep.join([str(ray.parent), os.environ["PATH"]]))
    assert live.token_command() == "ray get-auth-token"
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert live.token_command() == f"{ray} get-auth-token"


def run_some(driver: Driver, count: int, value: float = 0.5) -> list[Task]:
    """Run so many trials of a driver."""
    ran = []
    for _ in range(count):
        trial = driver.start()
        assert isinstance(trial, Task)
        driver.finish(trial, value + (0.4 if trial.confirm else 0.01 * trial.draw))
        ran.append(trial)
    return ran


def test_a_sweep_taken_up_again_begins_with_what_the_ledger_has(tmp_path: Path) -> None:
    first = Driver(tmp_path, "--seeds", "2", sweep=PRESCRIBED)
    ran = run_some(first, 20)
    assert {trial.phase for trial in ran} == {"search", "confirm"}
    first.ledger.close()
    again = Driver(tmp_path, "--seeds", "2", sweep=PRESCRIBED)
    file = io.StringIO()
    view = Live(again.plan, again.agenda, session(), Console(file=file))
    with view:
        pass
    assert file.getvalue() == "20 of 24 trials are in the ledger; 4 to run\n"
    best = view.conditions()["best validation accuracy, %"]
    assert "90.0" not in [*best], "the prescribed config's confirm seeds are no search"
    assert {*best} <= {"53.0", "52.0", "51.0", "50.0"}, "in per cent, and from the ledger"
    assert in_ledger(Counts(planned=114, ended=40, failed=3, diverged=0, running=0, again=3)) == (
        "37 of 114 trials are in the ledger; 77 to run, 3 of them again"
    )


def test_a_sweep_that_selects_by_an_error_shows_errors(tmp_path: Path) -> None:
    driver = Driver(tmp_path, "--seeds", "1", sweep=replace(SWEEP, select="min val_error"))
    run_some(driver, 9)
    view = Live(driver.plan, driver.agenda, session(), Console(file=io.StringIO()))
    assert {*view.conditions()["best validation error, %"]} <= {"47.0", "48.0", "49.0", "–"}
    trial = driver.start()
    assert isinstance(trial, Task)
    driver.agenda.under_way[trial.id] = UnderWay(1, 3, 0.75)
    assert view.running()["validation error, %"].item() == "25.0"


def test_a_measure_that_is_no_share_has_its_own_unit(tmp_path: Path) -> None:
    driver = Driver(tmp_path, "--set", "size=20", sweep=replace(SWEEP, experiment=Distance, select="min val_l1"))
    view = Live(driver.plan, driver.agenda, session(), Console(file=io.StringIO()))
    assert view.conditions()["best validation l1, px"].item() == "–"
    trial = driver.start()
    assert isinstance(trial, Task)
    driver.agenda.under_way[trial.id] = UnderWay(1, 3, 1.23456)
    assert view.running()["validation l1, px"].item() == "1.23"


def test_with_too_many_conditions_those_that_run_are_shown_above_the_running_trials(tmp_path: Path) -> None:
    driver = Driver(tmp_path, "--set", "size=" + ",".join(map(str, range(20, 60))))
    trials = [driver.start() for _ in range(2)]
    for trial in trials:
        assert isinstance(trial, Task)
        driver.agenda.under_way[trial.id] = UnderWay(1, 3, 0.5)
    console = Console(file=io.StringIO(), width=100, height=24)
    view = Live(driver.plan, driver.agenda, session(), console)
    with console.capture() as captured:
        console.print(view.view("line"))
    lines = [line.split() for line in captured.get().splitlines() if line.strip()]
    assert len(captured.get().splitlines()) <= 24
    assert ["and", "33", "more", "conditions"] in lines
    assert lines[-1][-1] == "50.0"
    assert any(line[2:3] == ["2"] for line in lines), "the condition whose trials run"


def test_an_interrupt_is_answered_at_once_and_above_the_tables(tmp_path: Path) -> None:
    driver = Driver(tmp_path, "--set", "size=20")
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=100, height=30, legacy_windows=False)
    view = Live(driver.plan, driver.agenda, session(), console)
    with Interrupt() as interrupt:
        with view, interrupt.telling(view.tell):
            os.kill(os.getpid(), signal.SIGINT)
            assert screen(file)[0] == "stopping; writing the answer; again to leave at once"
            assert screen(file)[1].startswith("toy  starting")
        assert interrupt.exit_code == 130
    assert screen(file) == ["stopping; writing the answer; again to leave at once"]


def test_an_interrupt_in_the_middle_of_other_output_is_answered_too(capfd: pytest.CaptureFixture[str]) -> None:
    def busy(line: str) -> None:
        raise RuntimeError("reentrant call inside <_io.BufferedWriter name='<stderr>'>")

    with Interrupt() as interrupt, interrupt.telling(busy):
        os.kill(os.getpid(), signal.SIGTERM)
    assert interrupt.exit_code == 143
    assert capfd.readouterr().err.strip() == "stopping; writing the answer; again to leave at once"


@pytest.mark.ray
def test_a_second_ctrl_c_leaves_at_once_and_costs_no_finished_trial(sweeps: Sweeps) -> None:
    process = sweeps.start(*SMALL)
    sweeps.wait_for(lambda: len(sweeps.finished()) >= 3, process)
    process.send_signal(signal.SIGINT)
    assert process.stdout
    while "stopping; writing the answer" not in process.stdout.readline():
        assert process.poll() is None
    before = sweeps.finished()
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=HANG)
    assert process.returncode in (-signal.SIGINT, 130), rest
    assert sweeps.finished().items() >= before.items()
    code, printed = sweeps.run(*SMALL)
    assert code == 0, printed
    assert re.search(r"^\d+ of 22 trials are in the ledger; \d+ to run$", printed, re.M)
    assert sweeps.finished().items() >= before.items()
