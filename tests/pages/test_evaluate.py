"""Scores against known answers."""

import numpy as np
import pytest

from tests.pages.conftest import button, charts, metrics, sound, texts, titles, turn_to, wait_for
from tests.pages.prepared import brought, judged, pumps, rhythm
from ui import pictures


def offered(at):
    """The names of the files in the popover, which is filled when it is opened."""
    assert not at.get("download_button")
    at.session_state["charts-away"] = True
    return [found.proto.label for found in sound(at.run()).get("download_button")]


@pytest.fixture
def spikes(space, tmp_path):
    """The address of a judged series with ten labelled events, of which some are long."""
    minute = np.arange(1_500)
    odd = (minute % 150 > 100) & (minute % 150 < 104)
    frame = rhythm(1_500).assign(anomaly=odd.astype(int))
    frame["current"] += 12 * odd - 15 * np.isin(minute, [150, 151, 300, 450])
    data = brought(space, frame, "spikes.csv", tmp_path)
    return judged(space, data, "spikes", window=10, n_estimators=30)


def test_without_data_the_page_leads_to_data(open_page):
    assert titles(open_page("evaluate")) == ["No data yet"]


def test_labels_give_curves_and_shares(open_page, addresses):
    at = open_page("evaluate", **addresses["pumps"])
    assert charts(at) == 6
    shown = metrics(at)
    assert shown["Recall"] == "100.0 %"
    assert shown["Precision"] == "60.0 %"  # 12 faulty rows among 20 flagged
    assert (shown["MCC"], shown["Base rate"]) == ("0.767", "3.00 %")
    assert (shown["Precision at the budget"], shown["Recall at the budget"]) == ("12.0 %", "100.0 %")
    assert "in 1,000 rows" in texts(at)
    sound(at.number_input(key="evaluate-budget").set_value(12).run())
    assert metrics(at)["Precision at the budget"] == "100.0 %"
    groups = next(table.value for table in at.dataframe if "Base rate" in table.value)
    assert groups["Labelled anomalies"].sum() == 12
    assert groups["Rows"].sum() == 400
    sound(at.selectbox(key="rule-kind").set_value("best_f1").run())
    assert (metrics(at)["Precision"], metrics(at)["F1"]) == ("100.0 %", "1.000")
    assert "measured on the other half" in texts(at)
    assert "200 judged rows have a label" in texts(at)
    sound(at.number_input(key="cost-miss").set_value(50.0).run())
    sound(button(at, "Choose by cost").click().run())
    assert (at.selectbox(key="rule-kind").value, at.number_input(key="rule-value").value) == ("cost", 50.0)


def test_nothing_flagged_has_no_precision(open_page, addresses):
    at = open_page("evaluate", **addresses["pumps"], rule="percentile", at=100)
    assert metrics(at)["Precision"] == "nothing flagged"
    assert metrics(at)["Recall"] == "0.0 %"


def test_without_a_label_column_the_page_offers_to_choose_one(open_page, addresses):
    at = open_page("evaluate", **addresses["unlabelled"])
    assert "No known answers" in titles(at)
    sound(button(at, "Choose a label column").click().run())
    assert "What are the columns?" in titles(at)


def test_without_labels_the_page_names_what_can_be_said(open_page, addresses, space):
    data = space.datasets.get(addresses["unlabelled"]["data"])
    judged(space, data, "other", detector="neighbours")
    at = open_page("evaluate", **addresses["unlabelled"])
    both = next(table.value for table in at.dataframe if "Flagged by both" in table.value)
    assert both["Model"].tolist() == ["other@1"]
    assert both["Flagged by both"][0].endswith(" %")
    assert "None of this says whether the flagged rows are real anomalies" in texts(at)
    sound(button(at, "Measure by injected anomalies and a twin").click().run())
    wait_for(at, lambda page: "Far-out found" in metrics(page))
    before = metrics(at)["Far-out found"]
    assert any("Same order" in table.value for table in at.dataframe), "steadiness, beside"
    sound(at.slider(key="rule-slider").set_value(50.0).run())
    assert int(metrics(at)["Far-out found"].rstrip(" %")) > int(before.rstrip(" %")), (
        "at the threshold in use"
    )


def test_one_class_only_says_so(open_page, space, tmp_path):
    data = brought(space, pumps().assign(faulty=1), "broken.csv", tmp_path, faulty="label")
    at = open_page("evaluate", **judged(space, data, "broken", n_estimators=10))
    assert "no labelled normal row" in texts(at)
    assert charts(at) == 0


def test_an_empty_label_column_says_so(open_page, space, tmp_path):
    data = brought(space, pumps().assign(faulty=None), "silent.csv", tmp_path, faulty="label")
    at = open_page("evaluate", **judged(space, data, "silent", n_estimators=10))
    assert "0 judged rows with a label" in texts(at)


# ---- a series


def test_a_series_is_measured_in_events_and_readings(open_page, spikes):
    at = open_page("evaluate", **spikes, rule="percentile", at=98)
    shown = metrics(at)
    assert {"Events found", "Event precision", "Event recall", "Event F1", "Detection delay"} <= set(shown)
    assert {"VUS-PR", "VUS-ROC", "ROC-AUC", "Average precision", "False alarms a day"} <= set(shown)
    assert {"Affiliation precision", "Affiliation recall", "Precision", "Recall", "F1"} <= set(shown)
    found, of = shown["Events found"].split(" of ")
    assert of == "10"
    assert shown["Event recall"] == f"{10 * int(found):.1f} %"
    assert shown["Detection delay"].endswith(("min", "s"))
    assert float(shown["False alarms a day"]) >= 0
    assert all(metric.help for metric in at.metric if not metric.label.startswith("Point"))
    assert "Point-adjusted F1, inflated" in shown
    assert "scores drawn at random get high values" in texts(at)
    assert "labelled readings, 0 of them anomalies, could not be judged" in texts(at)


def test_events_are_made_as_on_the_page_of_results(open_page, spikes):
    address = {**spikes, "rule": "percentile", "at": 90, "merge": 3}
    at = open_page("results", **address)
    events = next(table.value for table in at.dataframe if "How long" in table.value)
    turn_to(at, "evaluate")
    assert at.number_input(key="events-bridge").value == 3, "a widget of the same key on another page"
    assert at.slider(key="rule-slider").value == 90
    at = open_page("evaluate", **address)
    assert f"Of **{len(events)}** flagged events" in texts(at)
    assert at.number_input(key="events-bridge").value == 3
    sound(at.number_input(key="events-shortest").set_value(2).run())
    longer = int((events["Readings"] >= 2).sum())
    assert f"Of **{longer}** flagged events" in texts(at)
    sound(at.number_input(key="events-shortest").set_value(10_000).run())
    assert "Nothing is flagged." in texts(at)
    shown = metrics(at)
    assert (shown["Event precision"], shown["Detection delay"]) == ("nothing flagged", "none found")
    assert shown["Affiliation precision"] == "nothing near"


def test_moving_the_threshold_leaves_what_no_threshold_changes(open_page, spikes, monkeypatch):
    at = open_page("evaluate", **spikes, rule="percentile", at=98)
    before = metrics(at)
    monkeypatch.setattr("engine.checked.vus", lambda *_, **__: pytest.fail("worked out again"))
    sound(at.slider(key="rule-slider").set_value(80.0).run())
    after = metrics(at)
    assert [before[name] for name in ("VUS-PR", "VUS-ROC")] == [after[name] for name in ("VUS-PR", "VUS-ROC")]
    assert before["Event precision"] != after["Event precision"]


def test_few_events_are_said_to_be_few(open_page, addresses):
    at = open_page("evaluate", **addresses["rhythm"])
    assert "There are only 3 labelled events: with fewer than 5, a share says next to nothing." in texts(at)
    shown = metrics(at)
    assert {
        shown[name] for name in ("Event recall", "Event F1", "VUS-PR", "Precision", "MCC", "ROC-AUC")
    } == {"too few"}
    assert "only 4 labelled anomalies among the judged rows" in texts(at)
    assert charts(at) == 2, "outcomes and scores, counted; no curve"


def test_an_event_without_a_judged_reading_is_left_out_and_said(open_page, space, tmp_path):
    frame = rhythm()
    frame.loc[3:6, "anomaly"] = 1
    data = brought(space, frame, "early.csv", tmp_path)
    at = open_page("evaluate", **judged(space, data, "early", window=20, n_estimators=10))
    assert "1 labelled event without a judged reading is not counted." in texts(at)
    assert metrics(at)["Events found"].endswith(" of 3")


def test_a_series_without_a_clock_counts_readings(open_page, space, tmp_path):
    frame = rhythm().assign(timestamp=np.arange(600))
    roles = {"timestamp": "time"}
    data = brought(space, frame, "steps.csv", tmp_path, **roles)
    data = space.datasets.set_roles(data, type(data.roles)(data.roles.columns, "series"))
    at = open_page("evaluate", **judged(space, data, "steps", window=20, n_estimators=10))
    shown = metrics(at)
    assert shown["False alarms a day"] == "no clock"
    assert shown["Detection delay"].endswith(("reading", "readings"))


# ---- training history, and charts to take away


def test_a_network_shows_how_it_learned(open_page, space, tmp_path):
    data = brought(space, pumps(), "pumps.csv", tmp_path, faulty="label")
    at = open_page("evaluate", **judged(space, data, "pumps", detector="autoencoder", epochs=3))
    assert "Training history" in titles(at)
    assert charts(at) == 7
    assert len(offered(at)) == 14


def test_a_network_without_labels_shows_its_history_too(open_page, space, tmp_path):
    data = brought(space, pumps().drop(columns="faulty"), "plain.csv", tmp_path)
    at = open_page("evaluate", **judged(space, data, "plain", detector="autoencoder", epochs=3))
    assert {"No known answers", "Training history"} <= set(titles(at))
    assert (charts(at), offered(at)) == (1, ["PNG", "SVG"])


def test_a_detector_without_epochs_has_no_history(open_page, addresses):
    assert "Training history" not in titles(open_page("evaluate", **addresses["pumps"]))


def test_every_chart_can_be_taken_away_in_two_formats(open_page, addresses):
    at = open_page("evaluate", **addresses["pumps"])
    assert offered(at) == ["PNG", "SVG"] * charts(at)


def test_a_chart_taken_away_is_drawn_by_a_job_on_white(addresses, space):
    from engine import charts as drawing

    def draw(*, theme):
        return drawing.confusion_grid(40, 9, 11, 940, theme=theme)

    data = space.datasets.get(addresses["pumps"]["data"])
    figure = pictures.Figure("confusion", "Flags against labels", draw)
    content = pictures._made(figure, "svg", data, "pumps@1", "somebody").decode()
    assert "Flags against labels" in content
    assert "pumps.csv, pumps@1" in content
    assert drawing.PALETTES["light"].anomaly.lower() in content.lower()
