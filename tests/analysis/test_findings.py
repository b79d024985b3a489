"""Conditions of one ledger that have settings of their own stay apart, whatever pandas makes of the settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.findings import Findings, parts
from analysis.numbers.results import records
from analysis.report import rounded
from tests.support.synthetic import condition, findings, small

SIZES = (None, 20_000, 20_040)
"""Of validation: None is what the question has by itself; the others are alike in three digits."""
FACTORS = ("backbone", "train_size")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Findings]:
    """Of a ledger with a run at each of `SIZES`, in whose order accuracies rise: 0.1, 0.2, 0.3."""
    folder = tmp_path_factory.mktemp("sizes")
    for number, size in enumerate(SIZES, 1):
        key = condition("squeezenet1_1", 100, validation=size)
        small(folder, key=key, conditions=[key], tested=[0.1 * number] * 5)
    with findings(folder) as found:
        yield found


def parts_of(folder: Path) -> list[Findings]:
    with findings(folder) as found:
        return list(parts(found, FACTORS))


def test_a_setting_that_is_none_in_one_run_stays_what_it_is_in_the_others(found: Findings) -> None:
    for table in (found.seeds, found.best, found.curves, found.searched):
        kept = [row["validation"] for row in records(table)]
        assert set(kept) == set(SIZES)
        assert all(size is None or isinstance(size, int) for size in kept)
    shown = rounded.results_table(found.results, found.best)
    assert sorted(shown["validation"]) == ["20000", "20040", "default"]


def test_parts_are_told_apart_by_the_exact_setting(found: Findings) -> None:
    apart = {part.shared["validation"]: part for part in parts(found, FACTORS)}
    assert set(apart) == set(SIZES)
    for number, size in enumerate(SIZES, 1):
        part = apart[size]
        assert part.chosen_seeds["test_accuracy"].tolist() == pytest.approx([0.1 * number] * 5)
        assert [len(part.best), len(part.curves), len(part.searched)] == [1, 4, 2]
        assert (part.suffix, part.where) == (f"_{size or 'default'}", f", validation {size or 'default'}")
        assert part.setting("validation") == str(size or "default")
        assert set(part.arrays_of(records(part.chosen)[0])) == {1, 2, 3, 4, 5}


def test_a_part_is_whole_where_only_the_others_were_searched(tmp_path: Path) -> None:
    """Tables of reported trials then hold None alone, the others None and numbers."""
    small(tmp_path)
    other = condition("squeezenet1_1", 100, validation=20_000)
    small(tmp_path, key=other, conditions=[other], tested=())
    (part,) = parts_of(tmp_path)
    assert part.shared == {"validation": None}
    assert [len(part.seeds), len(part.curves), len(part.searched)] == [5, 4, 2]


def test_a_hyperparameter_that_one_run_fixed_is_said_to_be_searched_in_the_other(tmp_path: Path) -> None:
    small(tmp_path)
    fixed = condition("squeezenet1_1", 100, lr=0.01)
    small(tmp_path, key=fixed, conditions=[fixed], hyperparameters=["epochs", "weight_decay", "batch_size"])
    assert sorted(part.where for part in parts_of(tmp_path)) == [", fixed lr 0.01", ", fixed lr searched"]


def test_a_part_has_its_own_differences_and_neighbours(tmp_path: Path) -> None:
    for size, lead in ((None, 0.05), (500, -0.05)):
        keys = [condition(name, 100, validation=size) for name in ("squeezenet1_1", "resnet18")]
        for key, own in zip(keys, (0.0, lead), strict=True):
            small(tmp_path, key=key, conditions=keys, tested=[0.7 + own, 0.72 + own, 0.76 + 1.1 * own])
    with findings(tmp_path) as found:
        for part, sign in zip(parts(found, FACTORS), (-1, 1), strict=True):
            assert part.shared["validation"] == (500 if sign < 0 else None)
            assert list(part.differences["factor"]) == ["backbone"]
            assert (sign * part.differences["difference"] < 0).all()
            row = next(row for row in records(part.chosen) if row["backbone"] == "resnet18")
            assert [sign * pair["difference"] > 0 for pair in part.neighbours(row, "test_accuracy")] == [True]


def test_settings_of_differences_stay_what_they_are_too(tmp_path: Path) -> None:
    for validation, sizes in ((None, (100, 300)), (500, (500, 700))):  # no pair differs in the validation alone
        keys = [condition("squeezenet1_1", size, validation=validation) for size in sizes]
        for key in keys:
            small(tmp_path, key=key, conditions=keys)
    with findings(tmp_path) as found:
        kept = [(row["from"], row["to"], row["validation"]) for row in records(found.differences)]
    assert kept == [(100, 300, None), (500, 700, 500)]
    assert all(isinstance(value, int) for row in kept for value in row if value is not None)


def test_a_part_names_its_own_data_sets_alone(tmp_path: Path) -> None:
    for data in ("digits", "letters"):
        key = condition("squeezenet1_1", 100, data=data)
        small(tmp_path, key=key, conditions=[key])
    apart = parts_of(tmp_path)
    results = apart[0].results
    assert results.describe_data() == "digits (built-in), letters"
    for part, named in zip(apart, ("digits (built-in)", "letters"), strict=True):
        assert results.describe_data(part.shared) == named
        for text in (part.note("Shown.", means=False), part.note()):
            assert text.startswith(f"Data: {named}")
            assert sum(name in text for name in ("digits", "letters")) == 1
