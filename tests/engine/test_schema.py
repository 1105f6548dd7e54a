"""A table that does not fit a model is refused with every difference named; one that fits is brought into shape."""

import numpy as np
import pandas as pd
import pytest

from engine.data.schema import compare, conformed, type_of
from engine.errors import SchemaError

NEEDED = {"amount": "number", "count": "integer", "paid": "boolean", "city": "text", "at": "datetime"}
FRAME = pd.DataFrame(
    {
        "amount": [1.5, 2.5],
        "count": [1, 2],
        "paid": [True, False],
        "city": ["Ulm", "Bonn"],
        "at": pd.date_range("2024", periods=2),
    }
)


def test_a_table_fits_in_any_order_and_with_more_columns():
    fit = compare(NEEDED, {"extra": "text", **dict(reversed(NEEDED.items()))})
    assert fit.fits
    assert fit.extra == ("extra",)
    assert fit.problem == ""


def test_types_are_named_in_an_analysts_words():
    assert {name: type_of(FRAME[name]) for name in FRAME} == NEEDED
    assert type_of(pd.Series([None, None])) == "text"
    assert type_of(pd.Series([1, None], dtype="Int64")) == "integer"


@pytest.mark.parametrize("learned", ["integer", "number", "boolean"])
@pytest.mark.parametrize("found", ["integer", "number", "boolean"])
def test_numbers_of_every_kind_stand_for_each_other(learned, found):
    assert compare({"x": learned}, {"x": found}).fits


@pytest.mark.parametrize("found", ["integer", "number", "boolean", "datetime", "text"])
def test_anything_may_be_read_as_text(found):
    assert compare({"x": "text"}, {"x": found}).fits


@pytest.mark.parametrize(
    ("learned", "found"), [("number", "text"), ("integer", "datetime"), ("datetime", "number")]
)
def test_another_type_is_refused_with_both_named(learned, found):
    fit = compare({"x": learned}, {"x": found})
    assert not fit.fits
    assert fit.problem == f"'x' holds {found} where the model learned from {learned}"


@pytest.mark.parametrize("here", ["Amount", "amount (€)", "AMOUNT", "amounts", "a_mount"])
def test_a_column_with_another_spelling_is_suggested(here):
    fit = compare({"amount": "number"}, {here: "number", "other": "number"})
    assert fit.renamed == {"amount": here}
    assert fit.problem == f"column 'amount' (perhaps '{here}'?) missing"


def test_a_column_of_another_type_is_not_suggested_and_none_twice():
    assert compare({"amount": "number"}, {"amounts": "text"}).renamed == {}
    fit = compare({"amount 1": "number", "amount 2": "number"}, {"amount": "number"})
    assert list(fit.renamed.values()) == ["amount"]


def test_all_differences_are_told_at_once():
    with pytest.raises(SchemaError) as caught:
        conformed(FRAME.drop(columns=["amount", "city"]).assign(at="now"), NEEDED, {})
    said = str(caught.value)
    assert "columns 'amount', 'city' missing" in said
    assert "'at' holds text where the model learned from datetime" in said
    assert "map the columns by hand" in said


def test_a_mapped_column_is_read_under_the_name_the_model_knows():
    here = FRAME.rename(columns={"amount": "Betrag"})
    table, notes = conformed(here.assign(extra=1), NEEDED, {"amount": "Betrag"})
    pd.testing.assert_frame_equal(table, FRAME)
    assert notes == ["'amount' is read from 'Betrag'"]


def test_a_mapping_to_a_column_that_does_not_exist_is_refused():
    with pytest.raises(SchemaError, match="'amount'"):
        conformed(FRAME, NEEDED, {"amount": "Betrag"})


def test_a_sensor_that_shows_only_yes_and_no_is_still_a_number():
    table, _ = conformed(FRAME.assign(count=[True, False]), NEEDED, {})
    assert type_of(table["count"]) == "number"
    assert table["count"].tolist() == [1.0, 0.0]
    assert type_of(table["paid"]) == "boolean"


@pytest.mark.parametrize(
    "nothing",
    [
        pd.Series([None, None], dtype=object),
        pd.Series([np.nan, np.nan]),
        pd.Series([None, None], dtype="str"),
        pd.Series([pd.NaT, pd.NaT]),
        pd.Series([pd.NaT, pd.NaT]).dt.tz_localize("UTC"),
        pd.Series([None, None], dtype="boolean"),
    ],
    ids=lambda column: str(column.dtype),
)
@pytest.mark.parametrize("name", NEEDED)
def test_a_column_without_a_single_value_is_as_good_as_any(name, nothing):
    table, notes = conformed(FRAME.assign(**{name: nothing}), NEEDED, {})
    assert table[name].isna().all()
    assert compare(NEEDED, {column: type_of(table[column]) for column in table}).fits
    pd.testing.assert_frame_equal(table.drop(columns=name), FRAME.drop(columns=name))
    assert notes == [f"'{name}' holds no value here and counts as typical"]


def test_which_columns_are_empty_can_be_said_without_the_table():
    types = NEEDED | {"amount": "text", "at": "number"}
    assert compare(NEEDED, types, empty={"amount", "at"}).fits
    assert set(compare(NEEDED, types, empty=["at"]).retyped) == {"amount"}
    assert compare({"x": "number"}, {"y": "text"}, {"x": "y"}, ("y",)).fits
    assert compare({"x": "number"}, {"x": "text"}, {}, ("y",)).retyped == {"x": ("number", "text")}


def test_names_that_are_no_text_are_read_as_text():
    frame = pd.DataFrame({0: [1.5, 2.5], 2.5: [1, 2], "x": ["a", "b"]})
    table, _ = conformed(frame, {"0": "number", "2.5": "integer", "y": "text"}, {"y": "x"})
    assert list(table) == ["0", "2.5", "y"]
    assert table["0"].tolist() == [1.5, 2.5]
    table, _ = conformed(frame, {"amount": "number"}, {"amount": 0})
    assert table["amount"].tolist() == [1.5, 2.5]


def test_a_name_that_comes_twice_is_refused():
    for names in (["a", "a"], [1, "1"]):
        with pytest.raises(SchemaError, match=f"columns must have different names, got '{names[1]}' twice"):
            conformed(pd.DataFrame([[1, 2]], columns=names), {"a": "number"}, {})


def test_rows_are_numbered_from_0():
    table, _ = conformed(FRAME.set_axis([7, 9]), NEEDED, {})
    assert table.index.tolist() == [0, 1]
