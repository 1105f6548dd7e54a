"""What a result's file may be called."""

from __future__ import annotations

import pytest

from engine.result_files import picture_name, result_name


def test_name_says_data_model_percentile_and_content():
    name = result_name("card_transactions.csv", "demo@3", b"content", ".csv", percentile=97.5)
    assert name == "card_transactions__demo-3__97.5pct__ed7002b4.csv"
    assert result_name("a", "m@1", b"one", ".csv") != result_name("a", "m@1", b"two", ".csv")


def test_name_of_a_chart_says_which_one():
    name = picture_name("card_transactions.csv", "demo@3", b"content", "ROC curve", "svg")
    assert name == "card_transactions__demo-3__ROC-curve__ed7002b4.svg"


@pytest.mark.parametrize(
    "hostile_name",
    ["../../x", "..\\x", "C:\\x", "CON", "", ".", "\u202evsc.exe", "x" * 300, "界" * 300, "-rf", "a\0b"],
)
def test_name_is_safe_whatever_the_data_are_called(hostile_name):
    name = result_name(hostile_name, hostile_name, b"", ".xlsx")
    assert len(name.encode()) <= 255
    assert name.count(".") == 1
    assert name[0].isalnum()
    assert name.isprintable()
    assert not set(name) & set('/\\:*?"<>|\0\u202e ')
