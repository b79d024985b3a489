"""What is in a column, what people call it and how it is written follow from the declaration alone."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.numbers.measures import Column, Measures, declared_in, images_of, nearness
from analysis.plan_record import MeasureRecord
from tests.support.synthetic import plan, records_of
from trainables.core.measures import accuracy, loss, plain, share

DECLARED = records_of(
    accuracy(), accuracy("first_to_second", of="first", label="{first} to {second}"), loss(),
    plain("l1_error", better="min", label="L1", unit="px", decimals=2), share("recall", better="max"),
)  # fmt: skip
MEASURES = Measures(DECLARED, {"first": "digits", "second": "letters"})


def column(name: str) -> Column:
    found = MEASURES.column(name)
    assert found is not None
    return found


def test_headings_have_label_data_sets_and_unit() -> None:
    names = ["val_first_to_second_error", "test_l1_error", "oracle_recall", "train_loss", "error"]
    assert [MEASURES.headed(name) for name in names] == [
        "validation digits to letters error, %", "test L1, px", "oracle recall, %", "training loss", "error, %",
    ]  # fmt: skip


def test_an_error_is_one_minus_what_trials_report_and_no_name_makes_one() -> None:
    table = pd.DataFrame({"test_accuracy": [0.75], "test_l1_error": [3.5], "steps": [1.0], "test_undeclared": [2.0]})
    assert [c.name for c in MEASURES.on(table, "test")] == ["test_accuracy", "test_error", "test_l1_error"]
    assert column("test_error").of(table).tolist() == [0.25]
    assert column("test_l1_error").of(table).tolist() == [3.5]
    assert MEASURES.column("test_recall_error") is None
    assert [MEASURES.column(name) for name in ("test_images", "labels_train", "best_epoch")] == [None] * 3


def test_a_measure_rests_on_the_images_of_its_data_set() -> None:
    row = {"test_images": 500.0, "test_first_images": 3000.0, "labels_validation": 40.0, "labels_train": float("nan")}
    named = [column(f"{split}_first_to_second_error") for split in ("test", "oracle", "val")]
    assert [images_of(row, one) for one in named] == [3000, 3000, 40]
    assert images_of(row, column("test_error")) == 500
    assert images_of(row, column("train_accuracy")) != images_of(row, column("train_accuracy")), "not known: NaN"


@pytest.mark.parametrize(
    ("name", "value", "written", "signed"),
    [
        ("test_error", 0.1234, "12.3 %", "+12.34"),
        ("test_first_to_second_error", 0.1234, "12.34 %", "+12.34"),
        ("test_l1_error", -0.126, "−0.13 px", "−0.13"),
        ("test_loss", 0.0012345, "0.001234", "+0.00123"),
    ],
)
def test_numbers_have_their_decimals_and_unit(name: str, value: float, written: str, signed: str) -> None:
    form = MEASURES.form(name, {"test_images": 500, "test_first_images": 3000})
    assert f"{form.number(value)}{form.after}" == written
    assert form.signed(value) == signed


def test_how_near_is_near_is_said_in_the_measures_unit() -> None:
    measures = [accuracy(), plain("x", better="min"), plain("x", better="min", unit="px", tolerance=0.5)]
    assert [nearness(one) for one in records_of(*measures)] == ["0.1 point", "1 % of the range", "0.5 px"]
    (fine,) = records_of(share("x", better="max"))
    assert nearness(fine.model_copy(update={"tolerance": 0.02})) == "2 points"


def test_the_newest_declaration_counts_and_what_none_declares_is_known_by_its_name() -> None:
    older, newer = plan(measures=records_of(loss(), plain("gap", better="max"))), plan(measures=records_of(accuracy()))
    oldest = plan(measures=(), data_fields=["first", "second"])
    found = {
        one.name: one
        for one in declared_in([newer, older, oldest], ["val_loss", "val_first_accuracy", "test_map_at_r", "steps"])
    }
    assert list(found) == ["accuracy", "loss", "gap", "first_accuracy", "map_at_r"]
    first, rank = found["first_accuracy"], found["map_at_r"]
    assert (first.kind, first.better, first.of, first.label) == ("share", "max", "first", "{first} accuracy")
    assert first.error is not None
    assert (first.error.name, first.images, first.strata) == ("first_error", "test_first_correct", "test_first_strata")
    assert (rank.kind, rank.error, rank.images, rank.low) == ("plain", None, None, None)
    assert found["loss"] == MeasureRecord.model_validate(older.measures[0].model_dump()), "declared: it has a bound"
