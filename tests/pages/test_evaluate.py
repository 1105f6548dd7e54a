"""Scores against known answers."""

from tests.pages.conftest import button, charts, metrics, sound, texts, titles
from tests.pages.prepared import brought, judged, pumps


def test_without_data_the_page_leads_to_data(open_page):
    assert titles(open_page("evaluate")) == ["No data yet"]


def test_labels_give_curves_and_shares(open_page, addresses):
    at = open_page("evaluate", **addresses["pumps"])
    assert charts(at) == 4
    assert metrics(at)["Recall"] == "100.0 %"
    assert metrics(at)["Precision"] == "60.0 %"  # 12 faulty rows among 20 flagged
    sound(at.selectbox(key="rule-kind").set_value("best_f1").run())
    assert (metrics(at)["Precision"], metrics(at)["F1"]) == ("100.0 %", "1.000")


def test_nothing_flagged_has_no_precision(open_page, addresses):
    at = open_page("evaluate", **addresses["pumps"], rule="percentile", at=100)
    assert metrics(at)["Precision"] == "nothing flagged"
    assert metrics(at)["Recall"] == "0.0 %"


def test_without_a_label_column_the_page_offers_to_choose_one(open_page, addresses):
    at = open_page("evaluate", **addresses["unlabelled"])
    assert "No known answers" in titles(at)
    sound(button(at, "Choose a label column").click().run())
    assert "What are the columns?" in titles(at)


def test_one_class_only_says_so(open_page, space, tmp_path):
    data = brought(space, pumps().assign(faulty=1), "broken.csv", tmp_path, faulty="label")
    at = open_page("evaluate", **judged(space, data, "broken", n_estimators=10))
    assert "no labelled normal row" in texts(at)
    assert charts(at) == 0


def test_an_empty_label_column_says_so(open_page, space, tmp_path):
    data = brought(space, pumps().assign(faulty=None), "silent.csv", tmp_path, faulty="label")
    at = open_page("evaluate", **judged(space, data, "silent", n_estimators=10))
    assert "0 judged rows with a label" in texts(at)
