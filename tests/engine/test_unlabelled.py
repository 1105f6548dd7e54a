"""What is said without known answers: injected anomalies are found, and a twin that learned the same says the same."""

import numpy as np
import pandas as pd
import pytest

from engine import Workspace
from engine.analysis import train
from engine.data.roles import Roles
from engine.data.table_injection import disturbed_rows, moved_columns
from engine.tasks import run_score
from engine.unlabelled import Unlabelled, kept_unlabelled, run_unlabelled, unlabelled
from tests.pages.prepared import _Quiet, brought, judged, pumps

N = 400
ROWS = np.arange(0, N, 4)


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "flow": rng.normal(50, 2, N),
            "count": rng.poisson(30, N),
            "site": rng.choice(["Oslo", "Bergen"], N),
            "open": rng.random(N) < 0.5,
            "constant": 3.0,
        }
    )


@pytest.fixture(scope="module")
def model(frame):
    roles = Roles(dict.fromkeys(frame.columns, "feature"))
    return train(frame, roles, "isolation_forest", {"n_estimators": 30})


# ---- rows disturbed on purpose


def test_moved_numbers_lie_far_out_and_nothing_else_is_touched(frame):
    assert moved_columns(frame, frame.columns) == ["flow", "count"]
    made = disturbed_rows(frame, ROWS, list(frame.columns), "moved", seed=1)
    assert len(made) == len(ROWS)
    far = (np.abs(made["flow"] - 50) > 7) | (np.abs(made["count"] - 30) > 15)
    assert far.all()
    assert (made["site"].to_numpy() == frame["site"].to_numpy()[ROWS]).all()
    assert (made["count"] % 1 == 0).all()


def test_mixed_up_cells_come_from_other_rows_and_rows_that_stay_the_same_are_left_out(frame):
    made = disturbed_rows(frame, ROWS, list(frame.columns), "mixed up", seed=2)
    assert set(made["flow"]) <= set(frame["flow"])
    before = frame.iloc[ROWS].astype(str).agg("|".join, axis=1)
    after = made.astype(str).agg("|".join, axis=1)
    assert not set(after) & set(before)
    assert 0 < len(made) < len(ROWS)


def test_the_same_seed_disturbs_alike_and_the_table_stays_as_it_was(frame):
    kept = frame.copy()
    once, again = (disturbed_rows(frame, ROWS, list(frame.columns), "moved", seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(once, again)
    pd.testing.assert_frame_equal(frame, kept)


# ---- a model measured


def test_far_out_rows_are_found_and_ordinary_ones_are_not(model, frame):
    found = unlabelled(model, frame, model.score(frame).values, learned=True)
    assert found.found["moved"] > 0.8
    assert found.found["mixed up"] < found.found["moved"]
    assert found.flagged == pytest.approx(0.05, abs=0.01)


def test_a_twin_of_half_of_the_rows_says_much_the_same(model, frame):
    found = unlabelled(model, frame, model.score(frame).values, learned=True)
    assert 0.7 < found.order < 1
    assert 0.3 < found.top <= 1
    assert found.why_unsteady == ""


def test_of_a_model_of_other_data_steadiness_is_not_measured(model, frame):
    found = unlabelled(model, frame, model.score(frame).values, learned=False)
    assert (found.order, found.top) == (None, None)
    assert found.why_unsteady == "the model learned from other data"


def test_a_series_is_measured_on_its_disturbed_readings():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"t": np.arange(900), "a": np.sin(np.arange(900) / 4) + 0.1 * rng.normal(size=900)})
    model = train(frame, Roles({"t": "time", "a": "feature"}, "series"), "nearest_windows")
    found = unlabelled(model, frame, model.score(frame).values, learned=True)
    assert found.found["disturbed"] > 2 * found.flagged
    assert found.order > 0.5


def test_what_a_job_found_is_kept_with_the_result_and_goes_with_it(tmp_path):
    space = Workspace(tmp_path / "workspace", tmp_path / "models")
    data = brought(space, pumps(), "pumps.csv", tmp_path)
    result = judged(space, data, "pumps", n_estimators=20)["result"]
    assert kept_unlabelled(space.results, result) is None
    places = {"dataset": data.id, "workspace": str(space.root), "models": str(space.models_root)}
    told = run_unlabelled({"result": result, **places}, _Quiet())
    assert kept_unlabelled(space.results, result) == Unlabelled(**told)
    run_score({"model": "pumps@1", **places}, _Quiet())
    assert kept_unlabelled(space.results, result) is None, "what was judged anew is measured anew"
