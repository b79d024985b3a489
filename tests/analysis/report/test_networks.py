"""What an answer says of the networks that trials left; the trials are real ones of a toy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.findings import Draft, Findings
from analysis.ledger import Ledger
from analysis.numbers.intervals import wilson_interval
from analysis.report.make import gathered
from analysis.report.networks import complete_cards, left_out_networks, lying_in, networks_of, told_networks
from analysis.words import Paragraph
from tests.support.answers import make_answer
from tests.support.driver import PRESCRIBED, plan, trained_here
from tests.support.synthetic import as_question
from tests.support.toy import Leaving
from trainables.networks.load import read_card

LEAVING = replace(PRESCRIBED, experiment=Leaving, factors={"size": [20, 200]}, search_seeds=1, extra_seeds=(9,))
WORDS = ("--samples", "2", "--seeds", "2")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("toy")
    trained_here(plan(made, *WORDS, sweep=LEAVING), made).close()
    return made


@pytest.fixture
def found(folder: Path) -> Iterator[Findings]:
    with Ledger(folder, readonly=True) as ledger:
        yield gathered(ledger)


def test_every_reported_trial_has_its_network_with_what_it_measured(found: Findings, folder: Path) -> None:
    table = networks_of(found)
    reported = [*found.seeds["trial"], *found.extra["trial"]]
    assert list(table["trial"]) == reported
    assert set(table["seed"]) == {1, 2, 9}
    assert set(table["recipe"]) == {"chosen", "prescribed"}
    assert list(table["test_accuracy"])[: len(found.seeds)] == list(found.seeds["test_accuracy"])
    for row in table.to_dict("records"):
        card = read_card(folder / row["folder"])
        assert (card.trial, card.seed) == (row["trial"], row["seed"])
    assert len(list((folder / "networks").iterdir())) == len(table), "search trials leave none"
    told = told_networks(table, folder)
    assert told.startswith(f"{len(table)} networks are in networks/, 0.0022 MB")
    assert f"python -m trainables predict {folder / table['folder'].iloc[0]} IMAGE" in told


def test_an_answer_has_a_row_for_each_network_with_the_folder_it_is_loaded_from(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_question("toy", lambda part: Draft("Toy", [Paragraph(("Said.",))]), ["size"], monkeypatch)
    answer = make_answer(folder, "toy")
    assert len(answer.networks) == len(list((folder / "networks").iterdir()))
    for row in answer.networks.to_dict("records"):
        assert read_card(Path(row["folder"])).trial == row["trial"]
    assert read_card(Path(answer.networks["folder"][0])).seed == answer.networks["seed"][0]
    assert answer.networks["seed"].dtype.kind == "i"
    assert answer.networks_note in (folder / "answer.md").read_text()
    assert answer.networks_note.replace("`", "") in answer._repr_html_()
    assert str(folder) not in (folder / "tables" / "networks.csv").read_text(), "the file may move with its folder"


def test_a_card_tells_the_network_from_its_config_each_with_its_interval(found: Findings, folder: Path) -> None:
    table = networks_of(found)
    cards = complete_cards(found, table, folder)
    assert len(cards) == len(table)
    row = next(r for r in table.to_dict("records") if (r["size"], r["recipe"], r["seed"]) == (20, "chosen", 2))
    answer: Any = json.loads((folder / row["folder"] / "card.json").read_text())["answer"]
    assert answer["command"] == "toy --all"
    assert answer["condition"] == {"size": 20}
    assert answer["recipe"] == "chosen"
    measured = answer["measures"]["test_accuracy"]
    best = found.chosen[found.chosen["size"] == 20].iloc[0]
    assert measured["its config"] == {
        "mean": best["test_accuracy"],
        "low": best["test_accuracy_low"],
        "high": best["test_accuracy_high"],
        "interval": best["test_accuracy_interval"],
        "seeds": 2,
    }
    low, high = wilson_interval(round(100 * row["test_accuracy"]), 100)
    assert measured["this network"] == {"value": row["test_accuracy"], "low": low, "high": high}
    assert answer["measures"]["test_loss"]["this network"]["low"] is None, "no array tells how it varies with images"
    assert read_card(folder / row["folder"]).answer == answer, "a completed card is read"


def test_completing_cards_again_changes_nothing_and_a_deleted_network_is_no_error(
    found: Findings, folder: Path
) -> None:
    table = networks_of(found)
    cards = complete_cards(found, table, folder)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in cards}
    gone = cards[0]
    gone.rename(gone.with_name("elsewhere"))
    assert complete_cards(found, table, folder) == cards[1:]
    gone.with_name("elsewhere").rename(gone)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in cards} == before


def test_networks_that_were_too_large_are_told(tmp_path: Path) -> None:
    with trained_here(plan(tmp_path, *WORDS, "--network-mb", "0.0001", sweep=LEAVING), tmp_path) as ledger:
        found = gathered(ledger)
        assert lying_in(tmp_path, networks_of(found)).empty
        assert not (tmp_path / "networks").exists()
        (told,) = left_out_networks(found.results)
        assert "networks were not kept" in told
        assert "--network-mb" in told
    assert told_networks(networks_of(found), tmp_path) == ""


def test_where_none_were_asked_for_nothing_is_told(tmp_path: Path) -> None:
    with trained_here(plan(tmp_path, *WORDS, "--keep-networks", "none", sweep=LEAVING), tmp_path) as ledger:
        found = gathered(ledger)
        assert left_out_networks(found.results) == []
        assert networks_of(found).empty


def test_a_config_that_is_chosen_and_prescribed_has_one_network_a_seed(tmp_path: Path) -> None:
    words = (*WORDS, "--set", "lr=0.05", "epochs=3")
    with trained_here(plan(tmp_path, *words, sweep=LEAVING), tmp_path) as ledger:
        found = gathered(ledger)
        table = networks_of(found)
        cards = complete_cards(found, table, tmp_path)
    assert set(table["recipe"]) == {"chosen and prescribed"}
    assert len(set(cards)) == len(table) == 2 * 3
    assert json.loads(cards[0].read_text())["answer"]["recipe"] == "chosen and prescribed"
