"""A wrong fact or output fails its trial, in the worker, with a message that says what is allowed."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from common.canonical import canonical
from common.files import pack, unpack
from tests.support.toy import Config, Toy
from trainables.core.checked import checked_facts, checked_outputs
from trainables.core.host import Host
from trainables.core.loop import Loop
from trainables.core.task import Task
from trainables.data.sources import Sources

RIGHT: dict[str, Any] = {
    "head": "linear", "none": None, "sizes": [1, 2.5, (True, "a")], "by": {"x": {"y": math.inf}}, "nan": math.nan,
    "numpy": [np.float32(0.5), np.int64(3), np.bool_(True), np.float64(2)],
}  # fmt: skip
WRONG: list[tuple[Any, str, str]] = [
    ({"seen": {1, 2}}, "facts()['seen']", "sorted"),
    ({"by": {math.nan: 1}}, "facts()['by']: a key", "float: nan"),
    ({3: 1}, "facts(): a key", "int: 3"),
    ({"a": [1, {"b": object()}]}, "facts()['a'][1]['b']", "object"),
    ({"t": torch.zeros(2, device="meta")}, "facts()['t']", "value.item()"),
    ({"x": np.zeros(3)}, "facts()['x']", "tolist"),
    ({"z": 1j}, "facts()['z']", "complex: 1j"),
    ({"z": np.longdouble(1)}, "facts()['z']", "longdouble"),
    ({"name": "\ud800"}, "facts()['name']", "str"),
    (None, "facts()", "NoneType: None"),
]


def test_facts_that_json_can_hold_are_kept() -> None:
    assert json.loads(canonical(checked_facts("toy", RIGHT)))["by"] == {"x": {"y": "inf"}}


@pytest.mark.parametrize(("facts", "place", "told"), WRONG)
def test_a_wrong_fact_is_told_with_question_place_and_rule(facts: Any, place: str, told: str) -> None:
    with pytest.raises(ValueError, match=r"or lists and dicts of these|a dict of facts") as raised:
        checked_facts("toy", facts)
    assert f"toy: {place}" in str(raised.value)
    assert told in str(raised.value)


@pytest.mark.parametrize(("outputs", "place", "told"), [
    ({"a": np.array([{}, None])}, "outputs()['a']", "array of object"),
    ({"a": [1, 2]}, "outputs()['a']", "list: [1, 2]"),
    ({"a": torch.zeros(2, device="meta")}, "outputs()['a']", "value.cpu().numpy()"),
    ({"a/b": np.zeros(1)}, "outputs()['a/b']", "named like a variable"),
    ({"file": np.zeros(1)}, "outputs()['file']", "named like a variable"),
    ({1: np.zeros(1)}, "outputs()[1]", "named like a variable"),
    ([], "outputs()", "a dict of arrays"),
])  # fmt: skip
def test_a_wrong_output_is_told_with_question_place_and_rule(outputs: Any, place: str, told: str) -> None:
    with pytest.raises(ValueError, match="array") as raised:
        checked_outputs("toy", outputs)
    assert f"toy: {place}" in str(raised.value)
    assert told in str(raised.value)


def test_all_wrong_values_are_told_at_once_and_right_arrays_are_kept() -> None:
    with pytest.raises(ValueError, match="'a'") as raised:
        checked_outputs("toy", {"a": None, "b": np.zeros(2), "c": "x"})
    assert len(str(raised.value).splitlines()) == 2
    arrays = {"flags": np.array([True]), "names": np.array(["a", "bc"]), "x": np.zeros((2, 0), np.float16)}
    assert unpack(pack(checked_outputs("toy", arrays))).keys() == arrays.keys()


class Careless(Toy):
    wrong = "facts"

    def facts(self) -> dict[str, Any]:
        return {"seen": {1, 2}} if self.wrong == "facts" else {}

    def outputs(self) -> Any:
        return {"notes": np.array([{}])}


@pytest.mark.parametrize(("wrong", "place"), [("facts", "facts()['seen']"), ("outputs", "outputs()['notes']")])
def test_a_trial_with_a_wrong_value_fails_in_its_worker_and_keeps_its_epochs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str, place: str
) -> None:
    monkeypatch.setattr(Careless, "wrong", wrong)
    task = Task(Config(seed=1, size=50, lr=0.1, epochs=3, sleep=0, fault="none"), id="t", phase="confirm")
    host = object.__new__(Host)  # a worker, without a Ray that would start it
    host.job = SimpleNamespace(report_seconds=1e9, report_epochs=frozenset())  # type: ignore[assignment]
    host._loop = Loop(Careless, task, Sources(), {}, folder=tmp_path)
    told = host._advance()
    assert told["outcome"]["status"] == "failed"
    assert f"test_checked: {place}" in told["outcome"]["error"]
    assert len(json.loads(told["rows"])) == 3
    assert told["done"]
    assert not list(tmp_path.rglob("*.npz"))


def test_an_error_whose_text_no_file_can_hold_is_told_all_the_same() -> None:
    host = object.__new__(Host)
    host._loop = None
    told = host._failed("failed", "no such file: \udcff.npz")
    assert told["outcome"]["error"].encode() == b"no such file: \\udcff.npz"
