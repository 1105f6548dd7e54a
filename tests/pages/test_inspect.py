"""One row in depth."""

import re
from functools import partial

import pytest

from engine import ABSENT, Model
from engine.analysis import explain_worst
from engine.charts import PICKED
from tests.pages.conftest import button, charts, sound, texts, titles, wait_for
from tests.pages.prepared import brought, judged, pumps, rhythm, scored
from ui import server, worst
from ui.session import Session


def test_without_data_the_page_leads_to_data(open_page):
    assert titles(open_page("inspect")) == ["No data yet"]


def test_the_most_unusual_row_comes_first_with_everything_about_it(open_page, addresses):
    at = open_page("inspect", **addresses["pumps"])
    assert titles(at)[1:] == [
        "Why",
        "Against what is usual",
        "What would make it normal",
        "The most similar ordinary rows",
    ]
    assert "number **1** of 400" in texts(at)
    assert "flagged" in texts(at)
    assert charts(at) == 3  # the worst rows, too
    nearest = at.dataframe[0].value
    assert list(nearest["Which"]) == ["this row", "ordinary", "ordinary", "ordinary"]
    assert nearest["Row"].is_unique
    assert nearest["Distance"].is_monotonic_increasing
    assert nearest["Differs in"].str.contains("pressure").sum() == 3


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
    assert charts(at) == 2
    wait_for(at, lambda at: charts(at) == 3)


def test_a_reading_of_a_series_shows_the_time_around_it(open_page, addresses):
    at = open_page("inspect", **addresses["rhythm"])
    assert "The time around it" in titles(at)
    assert charts(at) == 4
    sound(at.button(key="edit").click().run())
    wait_for(at, lambda at: "the score falls from" in texts(at))
    assert re.search(r"\*\*Change (current|oil) (at|from) 2024-05-06 .* instead of ", texts(at))


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


def test_a_flagged_row_says_what_would_make_it_normal(open_page, addresses, space):
    at = open_page("inspect", **addresses["pumps"])
    sound(at.button(key="edit").click().run())
    wait_for(at, lambda at: "the score falls from" in texts(at))
    said = texts(at)
    assert "**Change flow from" in said or "**Change pressure from" in said
    assert "below the line of" in said
    jobs = len(server.jobs().jobs())
    sound(at.run())
    assert len(server.jobs().jobs()) == jobs  # what was found stays
    sound(button(at, "Less unusual").click().run())
    assert at.button(key="edit")  # another row has to be asked for


def test_what_would_make_a_row_normal_is_worked_out_again_when_the_threshold_moves(open_page, addresses):
    at = open_page("inspect", **addresses["pumps"])
    sound(at.button(key="edit").click().run())
    wait_for(at, lambda at: "the score falls from" in texts(at))
    asked = at.session_state["loupe"].edit_asked
    at.session_state["loupe"].set_rule("percentile", 90.0)
    wait_for(at.run(), lambda at: "the score falls from" in texts(at))
    assert at.session_state["loupe"].edit_asked[:2] == asked[:2]
    assert at.session_state["loupe"].edit_asked[2] < asked[2]


def test_a_row_beyond_mending_says_so(open_page, addresses):
    at = open_page("inspect", **addresses["pumps"], rule="fixed", at=-1)
    sound(at.button(key="edit").click().run())
    wait_for(at, lambda at: "No change of up to three columns makes it ordinary" in texts(at))


def test_an_ordinary_row_needs_no_mending(open_page, addresses, space):
    least = int(space.results.load(addresses["pumps"]["result"]).order[-1])
    at = open_page("inspect", **addresses["pumps"], row=least)
    assert "What would make it normal" not in titles(at)


def test_a_result_of_a_model_that_did_without_a_column_can_be_inspected(open_page, space, tmp_path):
    frame = pumps().assign(humidity=pumps()["heat"] + 1.0)
    data = brought(space, frame, "humid.csv", tmp_path, faulty="label", pump_no="id", site="feature")
    address = judged(space, data, "humid", detector="autoencoder", epochs=1)
    model, dry = space.results.load(address["result"]).model, frame.drop(columns="humidity")
    data = brought(space, dry, "dry.csv", tmp_path, faulty="label", pump_no="id", site="feature")
    loaded = Model.load(space.models, model)
    mapping = {"humidity": ABSENT}
    prepared = loaded.encode(data.frame(), mapping)
    scores = loaded.judge(prepared)
    explained = explain_worst(loaded, prepared, scores, most=5)
    result = space.results.save(model, data.id, scores, explained, data.frame(), mapping)
    row = int(explained.rows[0])
    at = open_page("inspect", data=data.id, result=result, row=row)
    assert at.title[0].value == f"Row {row + 1:,}"
    assert "The most similar ordinary rows" in titles(at)


def test_the_worst_rows_lead_to_each_of_them(open_page, addresses, space):
    at = open_page("inspect", **addresses["pumps"])
    assert "The 20 worst flagged rows, by column" in [found.label for found in at.expander]
    third = int(space.results.load(addresses["pumps"]["result"]).order[2])
    box = at.selectbox(key="worst-row")
    sound(box.set_value(third).run())
    assert at.title[0].value == f"Row {third + 1:,}"
    assert at.selectbox(key="worst-row").value is None


def test_a_model_that_expects_values_shows_them_and_says_how_it_explains(open_page, space, tmp_path):
    data = brought(space, pumps(), "pumps.csv", tmp_path, faulty="label", pump_no="id", site="feature")
    address = judged(space, data, "pumps", detector="autoencoder", epochs=3)
    found = space.results.load(address["result"])
    row = next(
        int(row)
        for row in found.explained_rows
        if any(reason["expected"] and not reason["span"] for reason in found.reasons(int(row)))
    )
    at = open_page("inspect", **address, row=row)
    assert "Against what its other columns let expect" in titles(at)
    assert "% expected from the other columns" in texts(at)  # of a text, in words
    assert charts(at) == 4
    assert "Method: **Share of the score**." in texts(at)


def test_the_reasons_stand_in_a_sentence_with_their_method_and_whether_they_hold(open_page, addresses):
    at = open_page("inspect", **addresses["pumps"])
    assert "Mostly because pressure is low (" in texts(at)
    assert "; also because flow is high (" in texts(at)
    assert "Method: **Fall beside similar rows**." in texts(at)
    assert "Faithfulness: checked on 20 flagged rows" in texts(at)
    assert "So the scores do come from the columns that are named." in texts(at)
    assert "Against what its other columns let expect" not in titles(at)


def test_a_click_on_the_map_of_the_worst_rows_leads_to_the_row(monkeypatch):
    visitor, clicked = Session(row=3), {"selection": {}}
    monkeypatch.setattr(worst, "session", lambda: visitor)
    monkeypatch.setattr(worst, "widget", lambda key: clicked)
    worst._clicked("any")
    assert visitor.row == 3  # a second click on the same cell takes the mark away
    clicked["selection"] = {PICKED: [{"number": 12}]}
    worst._clicked("any")
    assert visitor.row == 11


def test_a_reading_judged_by_the_windows_around_it_is_explained_in_its_own_words(open_page, space, tmp_path):
    series = brought(space, rhythm(), "rhythm.csv", tmp_path)
    address = judged(space, series, "windows", detector="nearest_windows")
    at = open_page("inspect", **address)
    assert "Why" in titles(at)
    assert "The time around it" in titles(at)
    assert "usually" in texts(at)
    assert "mean of the last" not in texts(at)
    wait_for(at, lambda at: "The most similar normal window" in titles(at))
    assert "As a network rebuilds it" not in titles(at)
    assert "times** as far away as usual" in texts(at)
    assert charts(at) == 5  # the worst rows, too


@pytest.mark.slow
def test_a_window_is_shown_as_a_network_rebuilds_it_pass_by_pass(open_page, space, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.tasks.explain_worst", partial(explain_worst, most=5))
    series = brought(space, rhythm(), "rhythm.csv", tmp_path)
    address = judged(space, series, "masked", detector="masked_series", num_epochs=1)
    at = open_page("inspect", **address)
    wait_for(at, lambda at: "As a network rebuilds it" in titles(at))
    assert "The most similar normal window" in titles(at)
    assert charts(at) == 7
    passes = next(found for found in at.get("button_group") if found.label == "Passes")
    assert passes.options == ["All passes", "Pass 1", "Pass 2"]
    sound(passes.set_value(2).run())
    assert charts(at) == 7
    jobs = len(server.jobs().jobs())
    sound(
        at.selectbox(key=f"around-{address['result']}-{at.session_state['loupe'].row}").set_value("oil").run()
    )
    assert len(server.jobs().jobs()) == jobs, "another channel needs no other look"


def test_windows_of_events_around_are_there_before_they_are_asked_for(open_page, space, tmp_path):
    series = brought(space, rhythm(), "rhythm.csv", tmp_path)
    address = judged(space, series, "windows", detector="nearest_windows")
    at = open_page("inspect", **address, rule="percentile", at=95)
    wait_for(at, lambda at: not [job for job in server.jobs().jobs() if job.active])
    jobs = len(server.jobs().jobs())
    turned = button(at, "Next event" if not button(at, "Next event").disabled else "Previous event")
    sound(turned.click().run())
    assert "The most similar normal window" in titles(at)
    assert len([job for job in server.jobs().jobs() if "Looking" in job.title]) - jobs <= 1, (
        "only what is ahead"
    )


def test_a_reading_that_was_not_judged_has_no_window(open_page, space, tmp_path):
    frame = rhythm()
    frame.loc[300, ["current", "oil"]] = None
    trained = judged(space, brought(space, rhythm(), "rhythm.csv", tmp_path), "w", detector="nearest_windows")
    model = space.results.load(trained["result"]).model
    address = scored(space, brought(space, frame, "holes.csv", tmp_path), model)
    at = open_page("inspect", **address, row=300)
    assert "could not be judged" in at.warning[0].value
    assert "The time around it" in titles(at)
    assert "The most similar normal window" not in titles(at)
    assert not server.jobs().jobs()


def test_events_can_be_walked_through_in_the_order_of_time(open_page, addresses):
    at = open_page("inspect", **addresses["rhythm"], rule="percentile", at=99, merge=20)
    while not button(at, "Previous event").disabled:
        sound(button(at, "Previous event").click().run())
    seen = [at.session_state["loupe"].row]
    assert "Event **1** of" in texts(at)
    while not button(at, "Next event").disabled:
        sound(button(at, "Next event").click().run())
        seen.append(at.session_state["loupe"].row)
        assert f"Event **{len(seen)}** of" in texts(at)
        assert at.title[0].value == f"Row {seen[-1] + 1}"
        assert at.query_params["row"] in (str(seen[-1]), [str(seen[-1])])
    assert seen == sorted(set(seen))
    assert f"Event **{len(seen)}** of {len(seen)}:" in texts(at)


def test_a_row_in_no_event_leads_to_the_events_around_it(open_page, addresses):
    at = open_page("inspect", **addresses["rhythm"], rule="percentile", at=99.5, row=240)
    assert "This row lies in none of the" in texts(at)
    sound(button(at, "Next event").click().run())
    later = at.session_state["loupe"].row
    assert later > 240
    at = open_page("inspect", **addresses["rhythm"], rule="percentile", at=99.5, row=240)
    sound(button(at, "Previous event").click().run())
    assert at.session_state["loupe"].row < 240


def test_without_an_event_the_page_says_so_and_leads_nowhere(open_page, addresses):
    at = open_page("inspect", **addresses["rhythm"], rule="fixed", at=1e9)
    assert "No event lies above the threshold" in texts(at)
    assert button(at, "Next event").disabled
    assert button(at, "Previous event").disabled


def test_rows_of_a_table_have_no_events(open_page, addresses):
    at = open_page("inspect", **addresses["pumps"])
    assert not [found for found in at.button if found.label in ("Next event", "Previous event")]
