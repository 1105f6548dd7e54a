"""A series on the page of results: overview, a closer look, events choices, a map, and links."""

import numpy as np
import pandas as pd
import pytest

from engine import charts as drawing
from tests.pages.conftest import button, charts, metrics, sound, texts, titles
from tests.pages.prepared import brought, judged, rhythm
from ui import events, series
from ui.session import Session
from ui.view import View


def view(at):
    return at.session_state["loupe"].view


def found_events(at):
    return next(table.value for table in at.dataframe if "How long" in table.value)


@pytest.fixture
def fleet(space, tmp_path):
    """The address of three judged machines, of which 'south' has all the spikes."""
    calm = rhythm().assign(current=20 + np.sin(np.arange(600) * np.pi / 10))
    parts = [calm.assign(machine="north"), rhythm().assign(machine="south"), calm.assign(machine="west")]
    frame = pd.concat(parts).sample(frac=1, random_state=0)
    data = brought(space, frame, "fleet.csv", tmp_path, machine="entity")
    return judged(space, data, "fleet", window=10, n_estimators=20)


def test_a_series_has_an_overview_its_events_and_a_map_and_counts_unjudged_readings_apart(
    open_page, addresses
):
    at = open_page("results", **addresses["rhythm"])
    assert charts(at) == 4  # scores, overview, map, percentiles
    assert "Over time" in titles(at)
    assert "Drag over the picture" in texts(at)
    assert (
        int(metrics(at)["Could not be judged"]) == 19
    )  # the first window is not full before the 20th reading
    assert at.selectbox(key="series-channel").options == ["current", "oil"]
    sound(at.selectbox(key="series-channel").set_value("oil").run())
    assert view(at).as_address() == {"channel": "oil"}


def test_a_table_has_no_overview(open_page, addresses):
    at = open_page("results", **addresses["pumps"])
    assert "Over time" not in titles(at)
    assert not [found for found in at.get("download_button") if found.proto.label == "Events (CSV)"]


def test_events_are_listed_worst_first_with_channel_and_direction(open_page, addresses):
    at = open_page("results", **addresses["rhythm"], rule="percentile", at=99)
    table = found_events(at)
    assert table["Severity"].is_monotonic_decreasing
    assert table["Channels"][0].startswith("current ")
    assert table["Direction"][0] in ("higher", "lower")
    assert set(table["Start"].str[:10]) == {"2024-05-06"}
    assert f"{len(table)} events" in texts(at)


def test_merging_ignoring_and_a_least_severity_leave_fewer_events(open_page, addresses):
    at = open_page("results", **addresses["rhythm"], rule="percentile", at=90)
    every = len(found_events(at))
    sound(at.number_input(key="events-bridge").set_value(20).run())
    merged = found_events(at)
    assert len(merged) < every
    sound(at.number_input(key="events-shortest").set_value(5).run())
    assert (found_events(at)["Readings"] >= 5).all()
    sound(at.number_input(key="events-above").set_value(99.5).run())
    assert (found_events(at)["Severity"] > 99.5).all()
    assert view(at).choices == (20, 5, 99.5)
    said = view(at).as_address()
    assert (said["merge"], said["shortest"], said["above"]) == ("20", "5", "99.5")
    sound(at.number_input(key="events-shortest").set_value(10_000).run())
    assert "No event is left" in texts(at)


def test_a_link_opens_the_same_window_and_the_same_events(open_page, addresses):
    start = pd.Timestamp("2024-05-06 02:00").timestamp()
    said = {"from": start, "to": start + 3_600, "channel": "oil", "merge": 3, "shortest": 2, "above": 95.5}
    at = open_page("results", **addresses["rhythm"], **said)
    assert "2024-05-06 02:00:00 to 2024-05-06 03:00:00: 61 readings" in texts(at).replace("*", "")
    assert charts(at) == 5
    assert at.number_input(key="events-bridge").value == 3
    assert at.selectbox(key="series-channel").value == "oil"
    sound(button(at, "Later").click().run())
    assert "2024-05-06 03:00:00 to 2024-05-06 04:00:00" in texts(at).replace("*", "")
    sound(button(at, "Wider").click().run())
    assert "181 readings" in texts(at)
    sound(button(at, "The whole series").click().run())
    assert charts(at) == 4
    assert "from" not in view(at).as_address()


@pytest.mark.parametrize(
    "said",
    [
        {"from": "yesterday", "to": "1"},
        {"from": "nan", "to": "inf"},
        {"from": "-1e300", "to": "1e300"},
        {"from": "5", "to": "5"},
        {"merge": "-3", "shortest": "nothing", "above": "200"},
        {"channel": "gone", "entity": "nobody"},
    ],
)
def test_a_link_that_makes_no_sense_opens_a_page_that_does(open_page, addresses, said):
    at = open_page("results", **addresses["rhythm"], **said)
    assert "Over time" in titles(at)
    assert at.selectbox(key="series-channel").value == "current"


def test_the_machine_with_the_worst_event_is_shown_first_and_another_can_be_chosen(open_page, fleet):
    at = open_page("results", **fleet, rule="percentile", at=99)
    assert at.selectbox(key="series-entity").value == "south"
    assert at.selectbox(key="series-entity").options == ["north", "south", "west"]
    assert found_events(at)["Entity"][0] == "south"
    sound(at.selectbox(key="series-entity").set_value("west").run())
    assert view(at).as_address()["entity"] == "west"
    lanes = next(found for found in at.get("button_group") if found.label == "Lanes")
    sound(
        lanes.set_value(["channels"]).run()
        if isinstance(lanes.value, list)
        else lanes.set_value("channels").run()
    )
    assert "most unusual readings, those whose score lies in the channel" in texts(at)


def test_another_result_begins_with_the_whole_series(open_page, addresses):
    at = open_page("results", **addresses["rhythm"], **{"from": 1.0, "to": 2.0, "merge": 4})
    at.session_state["loupe"].open_result(addresses["pumps"]["result"])
    assert view(at) == View()


class Files:
    """A series of one reading a minute, as the way to an event needs it."""

    seconds, clock = 60.0 * np.arange(1_000), True

    def entity_at(self, place):
        return "south"

    def part(self, entity):
        return slice(0, 1_000)


@pytest.fixture
def visitor(monkeypatch):
    found = Session()
    for module in (series, events):
        monkeypatch.setattr(module, "session", lambda: found)
    return found


def test_a_brush_is_a_window_and_without_one_there_is_none(visitor):
    series._look({"selection": {drawing.BRUSH: {"time": [9_000.0, 3_000.0]}}}, 1_000.0)
    assert visitor.view.window == (3.0, 9.0)
    series._look({"selection": {}}, 1_000.0)
    assert visitor.view.window is None


def test_a_ticked_event_is_looked_at_with_what_lies_around_it(visitor, monkeypatch):
    event = events.Event(start=500, end=503, peak=501, severity=99.0, flagged=4, channels=(("oil", 1.0),))
    monkeypatch.setattr(events, "widget", lambda key: {"selection": {"rows": [0]}})
    events._picked("any", [event], Files())
    assert (visitor.view.entity, visitor.view.channel) == ("south", "oil")
    assert visitor.view.window == (60.0 * 460, 60.0 * 543)
    assert visitor.view.jumps == 1, "the brush of before is not drawn any more"


def test_a_click_on_the_map_goes_to_its_machine_or_channel_and_time(visitor, monkeypatch):
    columns = series.SeriesColumns(time="at", entity="machine", channels=["current", "oil"])
    clicked = {"selection": {drawing.CELL: [{"lane": "west", "start": 2_000.0, "end": 4_000.0}]}}
    monkeypatch.setattr(series, "widget", lambda key: clicked)
    series._clicked("any", "entities", columns, 1_000.0)
    assert (visitor.view.entity, visitor.view.window) == ("west", (2.0, 4.0))
    clicked["selection"][drawing.CELL][0]["lane"] = "oil"
    series._clicked("any", "channels", columns, 1.0)
    assert (visitor.view.channel, visitor.view.window) == ("oil", (2_000.0, 4_000.0))
    clicked["selection"] = {}
    series._clicked("any", "channels", columns, 1.0)
    assert visitor.view.window == (2_000.0, 4_000.0)


def test_a_window_is_cut_to_the_times_there_are():
    view = View(start=-5.0, end=50.0)
    view.keep_within(0.0, 40.0)
    assert view.window == (0.0, 40.0)
    view.keep_within(41.0, 60.0)
    assert view.window is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.5, "0.5 s"),
        (59, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (7_260, "2 h 1 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_how_long_is_said_in_two_units(seconds, said):
    assert events.duration(Files(), seconds) == said
