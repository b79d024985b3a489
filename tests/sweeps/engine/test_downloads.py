"""Nothing is downloaded before the request is known to be good, and a dry run downloads nothing at all."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torchvision.models import squeezenet1_1

from analysis.ledger import Ledger
from common.problems import Refused
from sweeps.digit_pair import SWEEP as PAIR
from sweeps.engine.cli import run
from sweeps.engine.options import parse
from sweeps.engine.preflight import make_plan
from sweeps.engine.sweep import Sweep
from sweeps.transfer_sizes import SWEEP
from tests.support.entry import Entry
from trainables.data.readers import official
from trainables.data.sources import forget
from trainables.nets import weights

SQUEEZENET = "--set", "backbone=squeezenet1_1", "data=digits"


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return the list of downloads that are tried, on a machine that has no data, no weights and no network."""
    tried: list[object] = []

    def patiently(fetch: object) -> str:
        tried.append(fetch)
        return "no network in this test"

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(official, "_attempts", {})
    monkeypatch.setattr(official, "patiently", patiently)
    monkeypatch.setattr(weights, "patiently", patiently)
    weights._fetch.cache_clear()
    forget()
    return tried


@pytest.mark.parametrize(
    ("sweep", "words", "part"),
    [
        (SWEEP, ["--frsh"], "--frsh"),
        (SWEEP, ["--seeds", "0"], "--seeds"),
        (SWEEP, ["--set", "lr=-1"], "greater than 0"),
        (SWEEP, ["--set", "train_size=5"], "each of the 10 classes of mnist"),
        (SWEEP, ["--set", "train_size=20000"], "the pool's 10,000 images"),
        (SWEEP, ["--set", "backbone=resnet5"], "Did you mean 'resnet50'?"),
        (SWEEP, ["--data", "cifar10[0-4]", "--set", "train_size=25000"], "the pool's 10,000 images"),
        (SWEEP, ["--data", "cifar10[0-10]"], "cifar10 has 10 classes"),
        (PAIR, ["--data", "mnist,mnist", "--set", "train_size=500"], "another data set than the first"),
        (PAIR, ["--data", "mnist,cifar10"], "a set of the same classes as mnist"),
        (PAIR, ["--data", "mnist,minst"], "Did you mean 'mnist'?"),
    ],
)
def test_what_is_wrong_is_found_before_anything_is_downloaded(
    asked: list[object], capsys: pytest.CaptureFixture[str], tmp_path: Path, sweep: Sweep, words: list[str], part: str
) -> None:
    assert run(sweep, ["--out", str(tmp_path / "out"), *words]) == 2
    said = capsys.readouterr().err
    assert part in said
    assert "1 problem; nothing was run" in said, "what is absent is no problem yet"
    assert not asked


def test_a_dry_run_says_what_would_be_downloaded_and_how_much(
    asked: list[object], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(SWEEP, ["--out", str(tmp_path / "out"), "--dry-run"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    told = "the weights of resnet50 (98 MB), MNIST (11 MB), the weights of vgg19 (548 MB), 657 MB together"
    assert f"would be downloaded first: {told}" in said
    assert "470 of 470 trials are left to run" in said, "2 backbones × 5 sizes × (9 configs × 3 seeds + 2 × 10)"
    assert not asked
    assert not list(tmp_path.rglob("*"))


def begun(out: Path, question: str) -> None:
    """Leave a ledger in which one trial of the question was begun."""
    entry = Entry("a", question, "search", "{}", 1, False, {}, 1001, "fp32", "", "")
    with Ledger(out / question) as ledger:
        ledger.start(entry, worker=None, hardware="")


def test_a_dry_run_does_not_guess_what_the_ledger_has(
    asked: list[object], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    begun(tmp_path, "transfer_sizes")
    words = ["--out", str(tmp_path), "--dry-run", "--older-code", "keep", "--set", "train_size=100"]
    assert run(SWEEP, words) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "│ ? │" in said
    assert "94 trials in all; what the ledger has of them cannot be told until the weights of resnet50 and" in said
    assert not asked


def test_a_dry_run_needs_no_official_data_to_know_the_trials(
    asked: list[object], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The fingerprint of an official set follows from its checksums, so trials have their ids before its files."""
    begun(tmp_path, "tiny_cifar")
    from sweeps.tiny_cifar import SWEEP as TINY

    assert run(TINY, ["--out", str(tmp_path), "--dry-run", "--older-code", "keep"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "would be downloaded first: CIFAR-10 (163 MB)" in said
    assert "trials are left to run" in said
    assert "?" not in said
    assert not asked


def test_a_download_that_fails_is_refused_once_for_each_thing(asked: list[object], tmp_path: Path) -> None:
    options, problems = parse(["--out", str(tmp_path)], prog="", description="")
    with pytest.raises(Refused) as found:
        make_plan(SWEEP, options, problems, tmp_path)
    assert len(found.value.problems) == len(asked) == 3
    for problem, name in zip(found.value.problems, ("resnet50", "mnist", "vgg19"), strict=True):
        assert problem.value == name
        assert "no network in this test" in problem.remedy
        assert "--builtin" in problem.remedy


def test_what_was_downloaded_is_checked_like_what_was_there(
    asked: list[object], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(name: str) -> None:
        folder = tmp_path / "torch" / "hub" / "checkpoints"
        folder.mkdir(parents=True)
        torch.save(squeezenet1_1().state_dict(), folder / "squeezenet1_1-b8a52dc0.pth")

    monkeypatch.setattr(weights, "_fetch", damaged)
    assert run(SWEEP, ["--out", str(tmp_path / "out"), *SQUEEZENET]) == 2
    said = capsys.readouterr().err
    assert "downloading the weights of squeezenet1_1 (5 MB) …" in said
    assert "must begin with b8a52dc0; found" in said


def test_a_single_trial_downloads_nothing_for_a_bad_request_either(asked: list[object], tmp_path: Path) -> None:
    values = {"backbone": "resnet50", "train_size": 100, "lr": -1.0, "epochs": 2, "weight_decay": 0.1, "batch_size": 16}
    with pytest.raises(Refused, match="greater than 0"):
        SWEEP.trial(values, out=tmp_path)
    assert not asked
    with pytest.raises(Refused, match="no network in this test"):
        SWEEP.trial({**values, "lr": 0.1}, out=tmp_path)
    assert len(asked) == 2
