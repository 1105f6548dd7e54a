"""Models side by side on one data set, and all detectors that fit trained at one click."""

import pytest

from tests.pages.conftest import charts, sound, texts, titles, turn_to, wait_for
from tests.pages.prepared import brought, judged, pumps
from ui import comparing_job, server


@pytest.fixture
def two(space, tmp_path):
    """Labelled data that two models have judged."""
    data = brought(space, pumps(), "pumps.csv", tmp_path)
    judged(space, data, "forest", n_estimators=10)
    judged(space, data, "near", detector="neighbours")
    return data


def test_two_models_stand_side_by_side_and_lead_to_a_row_only_one_flags(open_page, two):
    at = open_page("compare", data=two.id)
    assert {"Compare", "Who is better, and how surely", "Who agrees with whom"} <= {
        at.title[0].value,
        *titles(at),
    }
    board = at.dataframe[0].value
    assert {"forest@1", "near@1", "Consensus of ranks", "Distance from the median (baseline)"} <= set(
        board["Model"]
    )
    assert {"Average precision", "95 % interval", "Agreement", "Trained in", "Size"} <= set(board.columns)
    assert "is better than" in texts(at)
    assert charts(at) == 4
    sound(at.segmented_control(key="agreement-measure").set_value("top").run())
    sound(at.segmented_control(key="only-how").set_value("As many rows for each").run())
    counts = at.dataframe[-2].value
    assert (counts["Flagged"] == at.number_input(key="only-budget").value).all()


def test_without_known_answers_no_model_is_called_better(open_page, addresses):
    at = open_page("compare", data=addresses["unlabelled"]["data"])
    assert "Without known answers nobody can say which model is better" in texts(at)
    assert "is better than" not in texts(at)
    assert "Average precision" not in at.dataframe[0].value.columns


def test_a_model_that_has_not_judged_the_data_can_be_asked_to(open_page, addresses, space, tmp_path):
    data = brought(space, pumps(150), "more.csv", tmp_path)
    at = open_page("compare", data=data.id)
    sound(at.multiselect(key=f"compare-{data.id}").set_value(["pumps@1"]).run())
    assert "have others judge it" in texts(at)
    sound(at.button(key="judge-all").click().run())
    wait_for(at, lambda at: at.dataframe)
    assert "pumps@1" in set(at.dataframe[0].value["Model"])


def test_all_detectors_that_fit_are_queued_at_one_click_and_fill_a_leaderboard(open_page, space, tmp_path):
    data = brought(space, pumps(), "pumps.csv", tmp_path)
    at = open_page("detect", data=data.id)
    at.session_state[f"all-kinds-{data.id}"] = ["isolation_forest", "one_class_svm"]
    sound(at.run())
    sound(at.button(key="all").click().run())
    batch = [server.jobs().spec(job.id) for job in server.jobs().jobs()][::-1]
    assert [spec["detector"] for spec in batch] == ["isolation_forest", "one_class_svm"]
    wait_for(at, lambda at: [found for found in at.button if found.label == "Compare them"])
    assert {"pumps-isolation-forest@1", "pumps-one-class-svm@1"} <= set(at.dataframe[0].value["Model"])
    turn_to(at, "compare")
    assert {"pumps-isolation-forest@1", "pumps-one-class-svm@1"} <= set(sound(at).dataframe[0].value["Model"])


def test_what_waits_can_be_cancelled_one_by_one_and_all_at_once(open_page, space, tmp_path, monkeypatch):
    from engine import JobManager

    idle = JobManager(space.root, space.database_url, max_running=0, spare=False)
    monkeypatch.setattr(server, "jobs", lambda: idle)
    data = brought(space, pumps(), "pumps.csv", tmp_path)
    at = open_page("detect", data=data.id)
    sound(at.button(key="all").click().run())
    first = idle.jobs()[-1]
    sound(at.button(key=f"batch-{first.id}").click().run())
    assert idle.get(first.id).state == "cancelled"
    sound(at.button(key="cancel-batch").click().run())
    assert {job.state for job in idle.jobs()} == {"cancelled"}
    idle.close()


def test_many_rows_are_compared_by_a_job_that_keeps_the_leaderboard(open_page, two, monkeypatch):
    monkeypatch.setattr(comparing_job, "AT_ONCE", 0)
    at = open_page("compare", data=two.id)
    assert "rows are compared by a job" in texts(at)
    assert not [table for table in at.dataframe if "Agreement" in table.value.columns]
    wait_for(at, lambda at: [table for table in at.dataframe if "Agreement" in table.value.columns])
    assert "is better than" in texts(at)
    assert charts(at) == 4
    sound(at.segmented_control(key="agreement-measure").set_value("kendall").run())
    assert [job.kind for job in server.jobs().jobs()].count("leaderboard") == 1
