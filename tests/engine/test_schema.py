"""A table that does not fit a model is refused with every difference named; one that fits is brought into shape."""

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


def test_rows_are_numbered_from_0():
    table, _ = conformed(FRAME.set_axis([7, 9]), NEEDED, {})
    assert table.index.tolist() == [0, 1]
