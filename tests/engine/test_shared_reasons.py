"""Flagged rows gathered by shared reasons, in which way values are unusual, and beside which category."""

import numpy as np
import pandas as pd
import pytest

from engine.analysis import train
from engine.data.column_codes import ColumnCode
from engine.data.roles import Roles
from engine.scoring import directions
from engine.scoring.contexts import Contexts
from engine.scoring.directions import COURSE, HIGH, HIGH_HERE, LOW, LOW_HERE, MISSING, NEW, ODD, UNLIKELY
from engine.scoring.shared_reasons import ReasonGroup, SharedReasons

NUMBER = ColumnCode(name="n", kind="number", typical=[0, 1, 2, 3, 4, 5, 6])
CATEGORY = ColumnCode(name="c", kind="category", levels={"a": 0.9, "b": 0.08, "7": 0.02}, n_rows=100)


def reason(column, how="high", share=0.6):
    return {"column": column, "measure": "", "how": how, "share": share}


def groups_of(rows, chosen=None):
    marks = np.ones(len(rows), dtype=bool) if chosen is None else np.isin(np.arange(len(rows)), chosen)
    return [(group.text, group.places.tolist()) for group in SharedReasons.of(rows).groups(marks)]


def test_rows_with_the_same_reasons_are_one_group_and_no_row_is_in_two():
    both = [reason("amount", share=0.46), reason("distance", share=0.44)]
    alone, other = [reason("amount", share=0.6)], [reason("hour", "low")]
    rows = [both, alone, both, alone, both, other]
    assert groups_of(rows) == [("amount high and distance high", [0, 2, 4]), ("amount high", [1, 3])]


def test_only_the_chosen_rows_are_gathered():
    rows = [[reason("amount")]] * 5
    assert groups_of(rows, [0, 3]) == [("amount high", [0, 3])]
    assert groups_of(rows, [2]) == []


def test_another_way_is_another_group():
    rows = [[reason("amount")], [reason("amount", "low")], [reason("amount")], [reason("amount", "low")]]
    assert [text for text, _ in groups_of(rows)] == ["amount high", "amount low"]


def test_reasons_of_earlier_versions_and_small_shares_make_no_group():
    assert groups_of([[{**reason("amount"), "how": ""}]] * 3) == []
    assert groups_of([[reason("amount", share=0.05)]] * 3) == []
    assert groups_of([]) == []


def test_the_share_is_that_of_the_causes():
    (group,) = SharedReasons.of([[reason("a", share=0.5)], [reason("a", share=0.7)]]).groups(
        np.ones(2, dtype=bool)
    )
    assert group.share == pytest.approx(0.6)


def test_numbers_are_high_or_low_against_training_and_against_what_was_expected():
    values = np.array([9.0, 0.0, 3.0, np.nan])
    assert directions.of_numbers(NUMBER, values) == [HIGH, LOW, ODD, MISSING]
    assert directions.of_numbers(NUMBER, values, ordered=True)[2] == COURSE
    expected = np.array([[10.0, 12.0], [0.0, 1.0], [1.0, 2.0], [1.0, 2.0]])
    assert directions.of_numbers(NUMBER, values, expected) == [LOW_HERE, LOW, HIGH_HERE, MISSING]


def test_categories_are_new_rare_or_unlikely_beside_the_others():
    assert directions.of_categories(CATEGORY, ["z", None, 7.0, "b"]) == [NEW, MISSING, "'7', rare", "'b'"]
    likely = np.array([[0.1, 0.8, 0.1], [0.9, 0.05, 0.05]])
    assert directions.of_categories(CATEGORY, ["a", "a"], likely) == [f"'a', {UNLIKELY}", "'a'"]


@pytest.fixture(scope="module")
def shops():
    """Amounts that are ten times as large in one kind of shop, and a model of them."""
    rng = np.random.default_rng(0)
    shop = rng.choice(["grocer", "jeweller", "baker"], 600, p=[0.4, 0.4, 0.2])
    amount = rng.lognormal(0, 0.3, 600) * np.where(shop == "jeweller", 300, 30)
    frame = pd.DataFrame({"amount": amount, "shop": shop, "hour": rng.integers(0, 24, 600)})
    model = train(
        frame, Roles(dict.fromkeys(frame.columns, "feature")), "isolation_forest", {"n_estimators": 5}
    )
    return frame, model


def told(shops, rows, how=ODD, column="amount", names=None):
    frame, model = shops
    group = ReasonGroup(causes=((column, "", how),), places=np.arange(len(rows)), share=0.5)
    return Contexts.of(model.recipe, rows, frame, names or {}).told(group).text


def test_an_amount_is_high_for_its_shop(shops):
    rows = pd.DataFrame({"amount": [300.0, 280.0, 310.0], "shop": ["grocer", "baker", "grocer"], "hour": 5})
    assert told(shops, rows) == "amount high for this shop"
    assert told(shops, rows.iloc[[0, 2]]) == "amount high for shop 'grocer'"
    assert told(shops, rows, how=HIGH_HERE) == "amount high for this shop"
    low = pd.DataFrame({"amount": [30.0, 25.0], "shop": "jeweller", "hour": 5})
    assert told(shops, low) == "amount low for shop 'jeweller'"


def test_what_is_said_already_or_is_usual_for_the_shop_stays_as_it_is(shops):
    rows = pd.DataFrame({"amount": [300.0, 280.0], "shop": "jeweller", "hour": 5})
    assert told(shops, rows) == f"amount {ODD}"
    rows["shop"] = "grocer"
    assert told(shops, rows, how=HIGH) == "amount high"
    assert told(shops, rows, how=LOW_HERE) == f"amount {LOW_HERE}"
    assert told(shops, rows, column="shop") == f"shop {ODD}"


@pytest.mark.parametrize("dtype", ["bool", "boolean"])
def test_true_and_false_are_neither_high_nor_low_for_a_shop(shops, dtype):
    frame, model = shops
    frame = frame.assign(night=pd.array(frame["hour"] > 12, dtype=dtype))
    rows = pd.DataFrame({"amount": 300.0, "shop": "grocer", "hour": 5, "night": [True, True]})
    assert told((frame, model), rows.astype({"night": dtype}), column="night") == f"night {ODD}"


def test_a_shop_that_is_never_seen_has_nothing_usual(shops):
    rows = pd.DataFrame({"amount": [300.0, 280.0], "shop": ["kiosk", None], "hour": 5})
    assert told(shops, rows) == f"amount {ODD}"
