"""A series looked at closer: by a drag over the whole, by an event, by a cell of the map."""

import re
from functools import partial

from playwright.sync_api import TimeoutError as PlaywrightTimeout
from playwright.sync_api import expect

from engine.analysis import explain_worst
from tests.pages.prepared import brought, judged, sample

SHOWN = re.compile(r"to .*: [\d,]+ readings")
OVERVIEW, CLOSER, MAP = 1, 2, 3  # charts on the page, from the top; the first are the scores
REBUILT = 3  # on the page of one row: after the reasons, the ranges and the time around it


def chart(visitor, number):
    """Where a chart stands, once it is drawn and nothing above it grows any more."""
    found = visitor.page.get_by_test_id("stVegaLiteChart").nth(number)
    found.scroll_into_view_if_needed()
    found.locator("canvas, svg.marks").first.wait_for()
    visitor.stands_still(found)
    return found.bounding_box()


def readings(visitor):
    """How many readings the closer look says it shows."""
    text = visitor.page.get_by_text(SHOWN).first.inner_text()
    return int(re.search(r": ([\d,]+) readings", text)[1].replace(",", ""))


def until_the_window_moves(visitor, act):
    """Do it as a person would: again, where the picture was just being drawn anew and noticed nothing."""
    before = visitor.address().get("from")
    for _ in range(3):
        visitor.settle()
        act()
        try:
            visitor.page.wait_for_url(lambda url: "from=" in url and f"from={before}&" not in url)
        except PlaywrightTimeout:
            continue
        visitor.settle()
        return
    raise AssertionError("the window stays where it is")


def drag(visitor, start, end):
    """Drag over the overview, from a share of its width to another."""
    box = chart(visitor, OVERVIEW)
    height = box["y"] + 0.5 * box["height"]
    mouse = visitor.page.mouse
    mouse.move(box["x"] + start * box["width"], height)
    mouse.down()
    mouse.move(box["x"] + end * box["width"], height, steps=8)
    mouse.up()


def test_a_drag_over_the_overview_shows_that_window_and_a_link_to_it_shows_the_same(
    meet, visitor, compressor_link
):
    visitor.open("results", **compressor_link)
    visitor.sees("Drag over the picture to look closer")
    until_the_window_moves(visitor, lambda: drag(visitor, 0.3, 0.6))
    expect(visitor.page.get_by_text(SHOWN).first).to_be_visible()
    wide = readings(visitor)
    assert 2_000 < wide < 5_000  # three tenths of ten thousand, less the margins
    address = visitor.address()
    assert float(address["to"]) - float(address["from"]) < 5_000 * 60
    until_the_window_moves(visitor, lambda: drag(visitor, 0.5, 0.55))
    narrow = readings(visitor)
    assert narrow < wide / 3
    visitor.picture("series-closer")
    colleague = meet(color_scheme="dark")
    colleague.page.goto(visitor.page.url)
    colleague.settle()
    colleague.sees(f": {narrow:,} readings")
    chart(colleague, CLOSER)
    colleague.picture("dark-series-closer")


def test_an_event_and_a_cell_of_the_map_lead_to_their_time(visitor, compressor_link):
    visitor.open("results", **compressor_link, rule="percentile", at=99)
    visitor.sees("Events, the worst first")
    worst = visitor.cells()[0]
    visitor.point(row=1, x=18)  # the box before the first event
    visitor.page.get_by_text(SHOWN).first.wait_for()
    by_event = visitor.address()
    assert by_event["channel"] == worst[4].split()[0]

    def click_a_cell():
        box = chart(visitor, MAP)
        visitor.page.mouse.click(box["x"] + 0.6 * box["width"], box["y"] + 0.45 * box["height"])

    until_the_window_moves(visitor, click_a_cell)
    cell = visitor.address()
    assert 3_600 < float(cell["to"]) - float(cell["from"]) < 7_200  # a week in 120 stretches
    visitor.click("The whole series")
    visitor.sees("Drag over the picture to look closer")
    visitor.point(row=2, x=18)
    visitor.page.get_by_role("button", name=re.compile("Why is row .* unusual")).click()
    visitor.arrives("inspect")


def test_a_window_is_looked_at_pass_by_pass_and_events_are_walked_through(
    meet, visitor, server, tmp_path, monkeypatch
):
    monkeypatch.setattr("engine.tasks.explain_worst", partial(explain_worst, most=20))
    whole = sample(server.space, "machine_sensor.csv")
    data = brought(server.space, whole.frame().iloc[1_000:2_500], "part.csv", tmp_path)
    data = server.space.datasets.set_roles(data, whole.roles)
    link = judged(server.space, data, "rebuilt", detector="masked_series", num_epochs=2)
    visitor.open("inspect", **link)
    visitor.sees("As a network rebuilds it", seconds=60)
    visitor.sees("The most similar normal window")
    visitor.page.get_by_text("Pass 2", exact=True).click()
    visitor.settle()
    chart(visitor, REBUILT)
    visitor.picture("window-rebuilt")
    first = visitor.address()["row"]
    onwards = visitor.page.get_by_role("button", name="Next event")
    back = visitor.page.get_by_role("button", name="Previous event")
    (back if onwards.is_disabled() else onwards).click()
    visitor.page.wait_for_url(lambda url: f"row={first}" not in url)
    visitor.settle()
    visitor.sees("The most similar normal window")
    colleague = meet(color_scheme="dark")
    colleague.page.goto(visitor.page.url)
    colleague.settle()
    colleague.sees("The most similar normal window", seconds=60)
    chart(colleague, REBUILT)
    colleague.picture("dark-window-rebuilt")
