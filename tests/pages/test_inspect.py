"""One row in depth."""

from tests.pages.conftest import button, charts, sound, texts, titles, wait_for
from tests.pages.prepared import brought, judged, pumps


def test_without_data_the_page_leads_to_data(open_page):
    assert titles(open_page("inspect")) == ["No data yet"]


def test_the_most_unusual_row_comes_first_with_everything_about_it(open_page, addresses):
    at = open_page("inspect", **addresses["pumps"])
    assert titles(at)[1:] == ["Why", "Against what is usual", "The most similar ordinary rows"]
    assert "number **1** of 400" in texts(at)
    assert "flagged" in texts(at)
    assert charts(at) == 2
    nearest = at.dataframe[0].value
    assert list(nearest["Which"]) == ["this row", "ordinary", "ordinary", "ordinary"]
    assert nearest["Row"].is_unique
    assert nearest["Distance"].is_monotonic_increasing


def test_next_and_previous_follow_the_ranking(open_page, addresses):
    at = open_page("inspect", **addresses["pumps"])
    first = at.title[0].value
    assert button(at, "More unusual").disabled
    sound(button(at, "Less unusual").click().run())
    assert "number **2** of 400" in texts(at)
    sound(button(at, "More unusual").click().run())
    assert at.title[0].value == first


def test_a_row_beyond_the_explained_ones_gets_its_reasons_from_a_job(open_page, space, tmp_path):
    address = judged(space, brought(space, pumps(2_050), "many.csv", tmp_path), "many", n_estimators=5)
    explained = set(space.results.load(address["result"]).explained_rows.tolist())
    beyond = next(row for row in range(2_050) if row not in explained)
    at = open_page("inspect", **address)
    sound(at.number_input(key="row-number").set_value(beyond + 1).run())
    assert at.title[0].value == f"Row {beyond + 1:,}"
    assert charts(at) == 1
    wait_for(at, lambda at: charts(at) == 2)


def test_a_reading_of_a_series_shows_the_time_around_it(open_page, addresses):
    at = open_page("inspect", **addresses["rhythm"])
    assert "The time around it" in titles(at)
    assert charts(at) == 3


def test_a_reading_that_could_not_be_judged_says_why(open_page, addresses):
    at = open_page("inspect", **addresses["rhythm"], row=0)
    assert at.title[0].value == "Row 1"
    assert "could not be judged" in at.warning[0].value


def test_a_row_number_that_is_none_opens_the_most_unusual_row(open_page, addresses):
    for row in ("-5", "100000", "first"):
        assert "number **1** of 400" in texts(open_page("inspect", **addresses["pumps"], row=row))


def test_an_ordinary_row_is_not_its_own_neighbour(open_page, addresses, space):
    least = int(space.results.load(addresses["pumps"]["result"]).order[-1])
    at = open_page("inspect", **addresses["pumps"], row=least)
    assert at.title[0].value == f"Row {least + 1}"
    nearest = at.dataframe[0].value
    assert nearest["Row"].is_unique
    assert (nearest["Distance"][1:] > 0).all()
