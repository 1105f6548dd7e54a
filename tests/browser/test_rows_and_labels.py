"""Looking closer: one row, and the known answers."""

import pytest

from tests.pages.prepared import brought, judged, pumps


@pytest.fixture(scope="module")
def many_link(server, tmp_path_factory):
    """More rows than are explained ahead of time."""
    data = brought(server.space, pumps(2050), "many.csv", tmp_path_factory.mktemp("many"))
    return judged(server.space, data, "many", n_estimators=10)


def test_a_row_ticked_in_the_table_is_explained_and_its_neighbours_are_a_click_away(visitor, pump_link):
    visitor.open("results", **pump_link)
    rows = [cells[0] for cells in visitor.cells()]
    visitor.point(row=2, x=18)  # the box before the second row
    visitor.click(f"Why is row {rows[1]} unusual?")
    visitor.arrives("inspect")
    visitor.sees(f"Row {rows[1]}")
    visitor.page.keyboard.press("n")
    visitor.sees(f"Saved: row {rows[1]}: normal.")
    visitor.page.keyboard.press("z")
    visitor.sees(f"Undone: row {rows[1]}: normal.")
    for part in ("Why", "Against what is usual", "The most similar ordinary rows"):
        visitor.sees(part)
    visitor.page.get_by_test_id("stVegaLiteChart").nth(1).wait_for()
    assert [row[0] for row in visitor.cells()] == ["this row", "ordinary", "ordinary", "ordinary"]
    visitor.page.keyboard.press("ArrowLeft")
    visitor.sees(f"Row {rows[0]}")
    visitor.page.keyboard.press("ArrowRight")
    visitor.sees(f"Row {rows[1]}")
    visitor.settle()  # the address says which row once the page stands
    visitor.reload()
    visitor.sees(f"Row {rows[1]}")


def test_a_row_beyond_the_explained_ones_gets_its_reasons_when_asked(visitor, server, many_link):
    explained = set(server.space.results.load(many_link["result"]).explained_rows.tolist())
    beyond = next(row for row in range(2050) if row not in explained)
    visitor.open("inspect", **many_link)
    visitor.fill("Row number", beyond + 1)
    visitor.sees(f"Row {beyond + 1:,}")
    visitor.page.get_by_test_id("stVegaLiteChart").nth(1).wait_for(timeout=60_000)


def test_labels_give_curves_and_without_them_the_page_leads_on(visitor, server, pump_link, tmp_path):
    visitor.open("evaluate", **pump_link)
    visitor.sees("Average precision")
    assert visitor.metric("Recall") == "100.0 %"
    visitor.page.get_by_test_id("stVegaLiteChart").nth(3).wait_for()
    visitor.choose("Threshold rule", "Best F1")
    assert visitor.metric("F1") == "1.000"

    data = brought(server.space, pumps(100).drop(columns="faulty"), "no-answers.csv", tmp_path)
    visitor.open("evaluate", **judged(server.space, data, "no-answers", n_estimators=5))
    visitor.sees("No known answers")
    visitor.click("Choose a label column")
    visitor.sees("What are the columns?")


def test_one_class_of_labels_only_says_so(visitor, server, tmp_path):
    data = brought(server.space, pumps(100).assign(faulty=0), "calm.csv", tmp_path, faulty="label")
    visitor.open("evaluate", **judged(server.space, data, "calm", n_estimators=5))
    visitor.says("no labelled anomaly")
    visitor.turn_to("Results")
    visitor.choose("Threshold rule", "Best F1")
    visitor.sees("no labelled anomaly")
