"""Models and jobs over HTTP."""

import time

import pytest

from tests.engine.api.conftest import DATASETS


@pytest.fixture
def dataset(ann, csv):
    return ann.brought(csv)


def test_models_are_listed_with_their_cards_in_short(api, ann, keep):
    card = keep(api)
    listed = {model["id"]: model for model in ann.get("/api/models").json()}
    assert {"pumps@1", "card-payments@1"} <= listed.keys()
    assert listed["pumps@1"]["columns"] == card.columns
    assert (listed["pumps@1"]["shipped"], listed["card-payments@1"]["shipped"]) == (False, True)
    assert "reference" not in listed["pumps@1"]


def test_a_model_is_shown_by_name_and_by_version(api, ann, keep):
    keep(api)
    keep(api)
    newest = ann.get("/api/models/pumps").json()
    assert (newest["id"], newest["versions"], newest["hyperparameters"]["n_estimators"]) == (
        "pumps@2",
        [2, 1],
        100,
    )
    assert ann.get("/api/models/pumps@1").json()["id"] == "pumps@1"


def test_a_damaged_model_hides_no_other(api, ann, keep):
    keep(api)
    keep(api, name="torn")
    (api.space.models_root / "torn" / "1" / "manifest.json").write_text("{")
    names = {model["name"] for model in ann.get("/api/models").json()}
    assert "pumps" in names
    assert "torn" not in names
    answer = ann.get("/api/models/torn")
    assert (answer.status_code, "'torn@1' cannot be used" in answer.json()["error"]) == (409, True)


@pytest.mark.parametrize("name", ["pimps", "pumps@7", "pumps@x", "%2e%2e", "x" * 300, "%00"])
def test_a_model_that_is_not_there_is_not_found(api, ann, keep, name):
    keep(api)
    answer = ann.get(f"/api/models/{name}")
    assert answer.status_code == 404
    assert answer.json()["error"]


def test_a_training_is_a_job_with_the_choices_made(api, ann, dataset):
    asked = {"dataset": dataset, "detector": "neighbours", "hyperparameters": {"n_neighbors": 7}}
    answer = ann.post("/api/models/pumps/train", json=asked)
    job = answer.json()["job"]
    spec = api.manager.spec(job["id"])
    assert (answer.status_code, job["kind"], job["status"]) == (202, "train", "queued")
    assert (spec["name"], spec["detector"], spec["hyperparameters"]["n_neighbors"]) == (
        "pumps",
        "neighbours",
        7,
    )
    assert spec["roles"]["columns"]["faulty"] == "label"
    assert ann.get(f"/api/jobs/{job['id']}").json()["title"] == "Training pumps"


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"dataset": "0123"}, 404, "there is no data set '0123' here"),
        ({"detector": "oracle"}, 422, ""),
        ({"hyperparameters": {"n_estimators": -3}}, 422, "n_estimators must lie"),
        ({"window": 8}, 422, "a window is for a series"),
        ({"detector": "nearest_windows"}, 422, "Nearest Windows compares how readings follow one another"),
        ({"learn_from_label": True}, 422, "Isolation Forest learns from no labels"),
        ({"detector": "auto", "hyperparameters": {"n_estimators": 3}}, 422, "'n_estimators' cannot be set"),
        ({"window": 0}, 422, "'window' must be at least 1, got 0"),
        ({"colour": "red"}, 422, "'colour' is not known here"),
    ],
)
def test_a_training_that_cannot_be_is_refused_before_it_is_a_job(api, ann, dataset, change, status, words):
    answer = ann.post("/api/models/pumps/train", json={"dataset": dataset, **change})
    assert (answer.status_code, answer.json()["error"][: len(words)]) == (status, words)
    assert not api.manager.jobs()


def test_the_detector_may_be_left_to_the_program(api, ann, dataset):
    job = ann.post("/api/models/pumps/train", json={"dataset": dataset, "detector": "auto"}).json()["job"]
    assert api.manager.spec(job["id"])["detector"] == "auto"


def test_a_training_needs_a_body_and_a_good_name(ann, dataset):
    assert ann.post("/api/models/pumps/train").json()["error"] == "the body is missing"
    assert ann.post("/api/models/pumps/train", json={}).json()["error"] == "'dataset' is missing"
    assert ann.post("/api/models/-.-/train", json={"dataset": dataset}).status_code == 422


def test_a_job_is_cancelled_by_whom_it_belongs_to(api, ann, dataset):
    job = ann.post("/api/models/pumps/train", json={"dataset": dataset}).json()["job"]
    assert ann.post(f"/api/jobs/{job['id']}:cancel").status_code == 200
    while (now := ann.get(f"/api/jobs/{job['id']}").json())["status"] != "cancelled":
        assert now["status"] in ("queued", "running")
        time.sleep(0.05)
    assert ann.post(f"/api/jobs/{job['id']}:cancel").json()["status"] == "cancelled"


def test_cancelling_takes_the_scope_that_starting_took(api, ann, dataset):
    job = ann.post("/api/models/pumps/train", json={"dataset": dataset}).json()["job"]
    auditor = api.caller("auditor", ["read", "all"])
    assert auditor.get(f"/api/jobs/{job['id']}").status_code == 200
    assert auditor.post(f"/api/jobs/{job['id']}:cancel").status_code == 403


def test_a_job_of_the_screen_is_not_found(api, ann):
    job = api.manager.submit(
        "train", {"workspace": str(api.space.root)}, owner="somebody's cookie", title="Training"
    )
    assert ann.get(f"/api/jobs/{job.id}").status_code == 404
    assert ann.post(f"/api/jobs/{job.id}:cancel").status_code == 404


@pytest.mark.slow
def test_a_model_trained_over_http_learns_from_the_roles_said_with_the_upload(real, csv):
    dora = real.caller("dora")
    dataset = dora.upload(csv, roles='{"ignore": ["product", "made", "night_shift"]}').json()["id"]
    job = dora.post("/api/models/dora/train", json={"dataset": dataset}).json()["job"]["id"]
    while (now := dora.get(f"/api/jobs/{job}").json())["status"] in ("queued", "running"):
        assert now["progress"] <= 100
        time.sleep(0.05)
    assert (now["status"], now["model"]) == ("done", "dora@1")
    columns = dora.get("/api/models/dora").json()["columns"]
    assert set(columns) == {"flow_rate", "pressure", "temperature", "vibration"}
    judged = dora.post(f"{DATASETS}/{dataset}/analyze", json={"model": "dora"}).json()
    assert (judged["reused"], judged["status"]) == (True, "analyzed")
