"""Moving the line: numbers, sentence and address follow; a link says it all; the answer can be taken away."""

import re

import pandas as pd
import pytest

from engine import RULES
from tests.pages.prepared import FAULTY


def test_moving_the_percentile_moves_numbers_sentence_and_address_and_a_link_shows_it_to_others(
    meet, visitor, pump_link
):
    visitor.open("results", **pump_link)
    assert visitor.flagged() == 20
    visitor.page.get_by_role("slider").focus()
    for _ in range(5):
        visitor.page.keyboard.press("ArrowLeft")  # faster than the page answers: no step may be lost
    visitor.settle()
    visitor.sees("94.5 %")
    assert visitor.flagged() == 22
    visitor.fill("Percentile, exactly", "90")
    visitor.sees("40 of 400")
    assert visitor.flagged() == 40
    assert (visitor.address()["rule"], float(visitor.address()["at"])) == ("percentile", 90.0)

    visitor.reload()
    assert visitor.flagged() == 40
    assert visitor.address().items() >= pump_link.items()

    colleague = meet()
    colleague.page.goto(visitor.page.url)
    colleague.settle()
    colleague.sees("40 of 400")
    assert colleague.flagged() == 40

    visitor.turn_to("Inspect")
    visitor.turn_to("Results")
    assert visitor.flagged() == 40


def test_every_threshold_rule_can_be_chosen_and_gives_a_number(visitor, pump_link):
    visitor.open("results", **pump_link)
    for kind, rule in RULES.items():
        visitor.choose("Threshold rule", rule.title)
        if kind == "evt":  # 400 rows have too short a tail
            visitor.says("needs 50 scores in the highest")
            continue
        assert 0 <= visitor.flagged() <= 400, rule.title
        assert float(visitor.metric("Threshold"))
        if kind == "best_f1":
            assert visitor.flagged() == FAULTY
            visitor.sees("Chosen on one half of the labelled rows")
        if kind == "budget":
            visitor.fill("Rows I can review", 7)
            assert visitor.flagged() == 7
    assert visitor.address()["rule"] == "best_f1"


def test_the_answer_can_be_taken_away_in_three_formats(visitor, pump_link, tmp_path):
    visitor.open("results", **pump_link)
    visitor.fill("Percentile, exactly", "96")
    shown = visitor.flagged()
    added = ["anomaly_score", "severity", "is_anomaly", "reasons"]
    tables = {}
    for name, read in (
        ("CSV", pd.read_csv),
        ("Excel", lambda path: pd.read_excel(path, sheet_name="All scores", engine="openpyxl")),
        ("Parquet", pd.read_parquet),
    ):
        path = visitor.download(name, tmp_path)
        assert re.search(r"pumps.*[0-9a-f]{6}", path.name), path.name
        tables[name] = read(path)
    for name, table in tables.items():
        assert list(table.columns[-4:]) == added, name
        assert table["is_anomaly"].astype(bool).sum() == shown == 16, name
        assert len(table) == 400, name


def test_a_series_shows_its_flagged_stretches_and_unjudged_readings_apart(visitor, compressor_link):
    visitor.open("results", **compressor_link)
    visitor.sees("Channel")
    visitor.page.get_by_test_id("stVegaLiteChart").nth(1).wait_for()
    assert int(visitor.metric("Could not be judged").replace(",", "")) > 0
    visitor.choose("Channel", "pressure_bar")
    visitor.sees("Flagged rows, most unusual first")
    assert visitor.flagged() > 0


@pytest.mark.parametrize("page", ["data", "detect", "results", "inspect", "evaluate", "models"])
def test_a_page_opens_in_the_dark(meet, pump_link, page):
    visitor = meet(color_scheme="dark")
    visitor.open("" if page == "data" else page, **pump_link)
    background = visitor.page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    assert background == "rgb(14, 17, 23)"
    visitor.picture(f"dark-{page}")
