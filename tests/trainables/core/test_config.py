"""What a config answers before any trial exists."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from tests.trainables.domains.test_domains import JOINT, PAIR
from tests.trainables.test_cifar_transfer import BASE, METHODS
from trainables.core.config import DataName, TrialConfig

PARTLY_UNUSED: list[tuple[str, dict[str, Any]]] = [
    *(("cifar_transfer", BASE | {"method": method}) for method in METHODS),
    ("digit_pair", PAIR | {"regime": "first"}),
    ("joint_embedding", JOINT | {"mining": "classifier"}),
]


@pytest.mark.parametrize(("question", "values"), PARTLY_UNUSED)
def test_a_config_need_not_name_what_it_does_not_use(question: str, values: dict[str, Any]) -> None:
    config_class: type[TrialConfig] = importlib.import_module(f"trainables.{question}").Config
    whole = config_class.model_validate(values)
    assert whole.unused()
    bare = config_class.model_validate({name: value for name, value in values.items() if name not in whole.unused()})
    assert bare.unused() == whole.unused()
    assert bare.model_copy(update={name: getattr(whole, name) for name in whole.unused()}) == whole
    assert (bare.planned_epochs(), bare.cost()) == (whole.planned_epochs(), whole.cost())


def test_a_plain_config_answers_for_itself() -> None:
    class Config(TrialConfig):
        data: DataName
        other: str = "not a data set"
        epochs: int = 3

    config = Config(data="digits")
    assert Config.data_fields() == ("data",)
    assert config.datasets() == ("digits",)
    assert (config.planned_epochs(), config.cost(), config.unused(), config.annealed()) == (3, 3.0, frozenset(), False)
    assert TrialConfig().planned_epochs() == 1
