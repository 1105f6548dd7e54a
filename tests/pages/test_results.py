"""The threshold workbench: rule, numbers, sentence, chart, table."""

import json

import pytest

from engine import RULES
from tests.pages.conftest import button, charts, metrics, sound, texts, titles
from tests.pages.prepared import FAULTY, PUMPS_ROWS, brought, judged, pumps, scored


def choose_rule(at, kind):
    return sound(at.selectbox(key="rule-kind").set_value(kind).run())


def flagged(at):
    return int(metrics(at)["Flagged"].replace(",", ""))


def exactly(at):
    """The field that takes a percentile by the digit."""
    return next(field for field in at.number_input if field.label == "Percentile, exactly")


def test_without_data_the_page_leads_to_data(open_page):
    assert titles(open_page("results")) == ["No data yet"]


def test_without_a_result_the_page_leads_to_the_detectors(open_page, space, tmp_path):
    data = brought(space, pumps(), "pumps.csv", tmp_path)
    at = open_page("results", data=data.id)
    assert titles(at) == ["pumps.csv has not been judged yet"]
    sound(button(at, "Detect").click().run())
    assert at.title[0].value == "Detect"


def test_with_results_but_none_open_the_page_asks_whose_is_wanted(open_page, addresses):
    at = open_page("evaluate", data=addresses["pumps"]["data"])
    sound(button(at, "pumps@1 · Isolation Forest").click().run())
    assert at.title[0].value == "Evaluate"


def test_the_most_unusual_rows_come_first_with_reasons(open_page, addresses):
    at = open_page("results", **addresses["pumps"])
    assert metrics(at)["Flagged"] == "20"
    assert "more unusual than 95 %" in texts(at).replace("*", "")
    table = at.dataframe[0].value
    assert len(table) == 20
    assert set(table["Row"][:5]) <= set(range(PUMPS_ROWS - FAULTY + 1, PUMPS_ROWS + 1))
    assert table["Why"].str.contains("flow|pressure").sum() >= FAULTY
    assert charts(at) == 2


def test_flagged_rows_are_gathered_by_shared_reasons_and_a_click_lists_one_group(open_page, addresses):
    at = open_page("results", **addresses["pumps"])
    groups = next(found for found in at.get("button_group") if found.label == "Groups of flagged rows")
    assert groups.options[0].replace("\\", "") == "12 rows: pressure low and flow high"
    sound(groups.set_value((("pressure", "", "low"), ("flow", "", "high"))).run())
    assert len(at.dataframe[0].value) == 12
    assert set(at.dataframe[0].value["Row"]) == set(range(PUMPS_ROWS - FAULTY + 1, PUMPS_ROWS + 1))


def test_rows_the_model_learned_from_fit(open_page, addresses):
    at = open_page("results", **addresses["pumps"])
    assert "Fits." in at.caption[0].value
    assert "These are the rows the model learned from." in texts(at)


def test_shifted_data_is_named_before_any_flag(open_page, addresses, space, tmp_path):
    frame = pumps()
    data = brought(space, frame.assign(heat=frame["heat"] + 6), "warm.csv", tmp_path)
    at = open_page("results", **scored(space, data, "pumps@1"))
    assert at.warning[0].value.startswith("**Shifted: heat.**")
    then_and_now = at.table[0].value
    assert then_and_now["Column"][0] == "heat"
    assert then_and_now[""].tolist() == [":orange-badge[shifted]", "", ""]
    assert then_and_now["Usual in training"][0] != then_and_now["Usual here"][0]


def test_data_of_another_kind_is_another_world(open_page, addresses, space, tmp_path):
    frame = pumps()
    other = frame.assign(heat=frame["heat"] * 9, flow=frame["flow"] * 9, pressure=0.5, site="Rome")
    at = open_page("results", **scored(space, brought(space, other, "other.csv", tmp_path), "pumps@1"))
    assert at.error[0].value.startswith("**Another world.**")
    assert "check that this is the right file and the right model" in at.error[0].value


def test_a_result_of_before_drift_was_measured_opens(open_page, addresses, space):
    (about,) = (space.results.root / addresses["pumps"]["result"]).glob("*/about.json")
    told = json.loads(about.read_text())
    del told["drift"]
    about.write_text(json.dumps(told))
    at = open_page("results", **addresses["pumps"])
    assert "was stored before drift was measured" in at.caption[0].value
    assert flagged(at) == 20


def test_slider_and_number_move_the_same_line(open_page, addresses):
    at = open_page("results", **addresses["pumps"])
    sound(at.slider(key="rule-slider").set_value(90.0).run())
    assert flagged(at) == 40
    assert exactly(at).value == 90.0
    sound(exactly(at).set_value(99.0).run())
    assert flagged(at) == 4
    assert at.slider(key="rule-slider").value == 99.0
    # A percentile below the slider's range moves the slider as far as it goes, and still counts.
    sound(exactly(at).set_value(20.0).run())
    assert flagged(at) == 320
    current = at.session_state["loupe"]
    assert (current.rule_kind, current.rule_value) == ("percentile", 20.0)


@pytest.mark.parametrize("kind", [kind for kind in RULES if kind != "evt"])
def test_every_rule_gives_a_threshold(open_page, addresses, kind):
    at = choose_rule(open_page("results", **addresses["pumps"]), kind)
    assert float(metrics(at)["Threshold"])
    assert 0 <= flagged(at) <= PUMPS_ROWS
    if kind in ("best_f1", "cost"):
        assert flagged(at) == FAULTY
    if kind == "budget":
        sound(at.number_input(key="rule-value").set_value(7).run())
        assert flagged(at) == 7


def test_a_rule_that_cannot_draw_a_line_says_why_and_can_be_left(open_page, addresses):
    at = choose_rule(open_page("results", **addresses["pumps"]), "evt")
    assert "needs 50 scores in the highest 5 % of the reference, and there are 20" in texts(at)
    assert flagged(choose_rule(at, "percentile")) == 20


def test_every_rule_is_seen_at_a_glance(open_page, addresses):
    at = open_page("results", **addresses["pumps"])
    at.session_state["every-rule"] = True
    sound(at.run())
    table = next(table.value for table in at.dataframe if "What it does" in table.value)
    assert len(table) == len(RULES) - 1, (
        "the rule in use first, each other once, and no number of nobody's choice"
    )
    assert table["Rule"][0] == "Percentile 95"
    assert table["Flagged here"][0] == 20
    assert table["To expect of ordinary data"][0] == "50 in 1,000 rows"
    told = dict(zip(table["Rule"], table["To know"], strict=True))
    assert "there are 20" in told["Extreme-value tail 10"]
    assert "must lie beyond all of them" in told["False-discovery rate 0.1"]


@pytest.mark.parametrize("kind", ["contamination", "budget", "fixed"])
def test_a_new_rule_begins_where_the_line_was(open_page, addresses, kind):
    assert flagged(choose_rule(open_page("results", **addresses["pumps"]), kind)) == 20


def test_a_threshold_that_flags_nothing_says_so(open_page, addresses):
    at = open_page("results", **addresses["pumps"], rule="percentile", at=100)
    assert "Nothing lies above the threshold" in at.info[0].value


def test_without_labels_the_rule_with_hindsight_is_not_offered(open_page, addresses):
    at = open_page("results", **addresses["unlabelled"])
    assert RULES["best_f1"].title not in at.selectbox(key="rule-kind").options


def test_a_link_with_hindsight_to_data_without_labels_falls_back(open_page, addresses):
    at = open_page("results", **addresses["unlabelled"], rule="best_f1", at=0)
    assert flagged(at) > 0


@pytest.mark.parametrize(
    ("rule", "at"),
    [("percentile", "lots"), ("percentile", "200"), ("fixed", "nan"), ("guess", "1"), ("budget", "0")],
)
def test_a_link_with_a_senseless_threshold_opens_with_a_sensible_one(open_page, addresses, rule, at):
    page = open_page("results", **addresses["pumps"], rule=rule, at=at)
    assert 0 <= flagged(page) <= PUMPS_ROWS


def test_a_label_with_one_class_only_leaves_the_page_whole(open_page, space, tmp_path):
    data = brought(space, pumps().assign(faulty=0), "calm.csv", tmp_path, faulty="label")
    at = open_page("results", **judged(space, data, "calm", n_estimators=10))
    assert flagged(at) == 20
    choose_rule(at, "best_f1")
    assert "no labelled anomaly" in texts(at)


def test_a_result_that_is_gone_gives_a_sentence_and_the_way_on(open_page, addresses):
    at = open_page("results", data=addresses["pumps"]["data"], result="gone-1__0")
    assert "no longer stored" in at.warning[0].value
    assert button(at, "Detect")
