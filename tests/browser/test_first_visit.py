"""Somebody comes for the first time, with nothing but a sample or a file."""

import pytest


def test_a_stranger_opens_the_card_payments_trains_and_sees_flagged_rows_with_reasons(visitor):
    visitor.open()
    visitor.page.locator(".st-key-sample-card_transactions-csv").get_by_role("button").click()
    visitor.sees("What are the columns?")
    visitor.click("Choose a detector")
    visitor.click("Train")
    visitor.arrives("results", seconds=60)
    assert visitor.flagged() > 0
    header, *rows = [row for row in visitor.cells()]
    print(header, rows[:3])
    print(visitor.page.url)
    visitor.picture("x")
