"""Which trials leave their networks, and how large these may be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sweeps.engine.cli import set_ledger_aside
from sweeps.engine.options import Options
from sweeps.engine.plan import Plan
from tests.support.driver import PRESCRIBED, plan
from tests.support.toy import SWEEP, Leaving, Toy
from trainables.core.experiment import LeavesNetwork
from trainables.core.task import Phase

SMALL = replace(SWEEP, experiment=Leaving)
"""Two conditions × (3 configs × 2 search seeds + 5 confirm seeds)."""


def limit(of: Plan, phase: Phase) -> int:
    condition = of.conditions[-1]
    return of.task(condition, of.draws_of(condition)[0], 1, phase).network_limit


@pytest.mark.parametrize(
    ("words", "search", "confirm"),
    [
        ((), 0, 5_000_000),  # 50 MB / (2 × 5)
        (("--keep-networks", "chosen", "--seeds", "2"), 0, 12_500_000),
        (("--keep-networks", "none"), 0, 0),
        (("--keep-networks", "all"), 2_272_727, 2_272_727),  # 50 MB / (2 × (6 + 5))
        (("--network-mb", "1"), 0, 100_000),
        (("--set", "size=16,200"), 0, 10_000_000),  # a condition without networks takes no share
    ],
)
def test_each_network_has_the_same_share_of_what_is_planned(
    tmp_path: Path, words: tuple[str, ...], search: int, confirm: int
) -> None:
    asked = plan(tmp_path, *words, sweep=SMALL)
    assert (limit(asked, "search"), limit(asked, "confirm")) == (search, confirm)


def test_the_prescribed_config_leaves_its_networks_too(tmp_path: Path) -> None:
    asked = plan(tmp_path, sweep=replace(PRESCRIBED, experiment=Leaving))
    assert limit(asked, "confirm") == 50_000_000 // (2 * 2 * 5)


def test_a_question_that_leaves_no_networks_has_no_use_for_the_space(tmp_path: Path) -> None:
    asked = plan(tmp_path, "--keep-networks", "all")
    assert asked.network_share == asked.request.network_bytes, "it is divided among none"


@pytest.mark.parametrize("method", ["network", "build"])
def test_what_leaves_networks_says_which_and_builds_them(method: str) -> None:
    methods = {name: getattr(Leaving, name) for name in ("network", "build") if name != method}
    incomplete: Any = type("Incomplete", (Toy, LeavesNetwork), methods)
    with pytest.raises(TypeError, match=method):
        incomplete(None, None, None)


def test_what_is_kept_changes_no_trials_id(tmp_path: Path) -> None:
    ids = set()
    for words in ((), ("--keep-networks", "none"), ("--network-mb", "1")):
        asked = plan(tmp_path, *words, sweep=SMALL)
        ids.add(asked.task(asked.conditions[0], asked.draws_of(asked.conditions[0])[0], 1, "confirm").id)
    assert len(ids) == 1


def test_unknown_words_and_sizes_are_problems() -> None:
    found = {problem.key: problem for problem in Options(keep_networks="some", network_mb=0).problems()}
    assert found.keys() == {"--keep-networks", "--network-mb"}
    assert "none, chosen, all" in found["--keep-networks"].rule


def test_fresh_sets_networks_aside_with_their_ledger(tmp_path: Path) -> None:
    (tmp_path / "networks" / "one").mkdir(parents=True)
    (tmp_path / "ledger.sqlite").touch()
    aside = set_ledger_aside(tmp_path)
    assert aside is not None
    assert (aside / "networks" / "one").is_dir()
    assert not (tmp_path / "networks").exists()
