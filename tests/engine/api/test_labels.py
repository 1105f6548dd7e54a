"""Labels over HTTP: saved before the answer, once however often they are sent, in the token's name, taken back."""

import pytest

from engine.api import repeats
from engine.labels.current import current_labels, give_labels
from engine.labels.frozen import thawed_labels
from engine.labels.verdicts import Label
from tests.engine.api.conftest import DATASETS

KEY = {"Idempotency-Key": "one request"}
LEAK = {"row": 7, "label": "anomaly", "class": "leak", "note": "seal was worn"}


@pytest.fixture
def dataset(ann, csv):
    return ann.brought(csv)


def give(caller, dataset, *labels, **rest):
    headers = rest.pop("headers", {})
    return caller.post(f"{DATASETS}/{dataset}/labels", json={"labels": list(labels), **rest}, headers=headers)


def undo(caller, dataset, headers=None, **body):
    return caller.post(f"{DATASETS}/{dataset}/labels:undo", json=body or None, headers=headers or {})


def standing(caller, dataset):
    """Row -> label and author, as the API tells them."""
    page = caller.get(f"{DATASETS}/{dataset}/labels").json()
    return {each["row"]: (each["label"], each["class"], each["who"]) for each in page["labels"]}


def test_labels_are_saved_in_the_tokens_name_and_read_page_by_page(ann, dataset, api, keep):
    keep(api)
    answer = give(
        ann, dataset, LEAK, {"row": 3, "label": "normal"}, {"row": 9, "label": "unsure"}, model="pumps"
    )
    assert (answer.status_code, answer.json()["saved"]) == (201, 3)
    page = ann.get(f"{DATASETS}/{dataset}/labels?limit=2").json()
    assert (page["total"], page["next"]) == (3, 2)
    assert page["counts"] == {"anomaly": 1, "normal": 1, "unsure": 1}
    leak = page["labels"][1]
    assert leak | {"when": ""} == {
        "row": 7,
        "label": "anomaly",
        "class": "leak",
        "tag": "",
        "note": "seal was worn",
        "who": "ann",
        "when": "",
        "model": "pumps@1",
        "act": answer.json()["act"],
    }
    own = current_labels(api.services.labels, api.space.datasets.get(dataset))
    assert own.rows.tolist() == [3, 7, 9], "the pages see the same labels"


def test_a_request_sent_twice_adds_nothing_even_when_its_answer_is_forgotten(ann, dataset, api, monkeypatch):
    first = give(ann, dataset, LEAK, headers=KEY)
    again = give(ann, dataset, LEAK, headers=KEY)
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    other = give(ann, dataset, {"row": 8, "label": "normal"}, headers=KEY)
    assert (other.status_code, "was used for another request" in other.json()["error"]) == (409, True)
    monkeypatch.setattr(repeats, "KEPT_SECONDS", -1.0)
    late = give(ann, dataset, LEAK, headers=KEY)
    assert late.json() == {"act": first.json()["act"], "saved": 0}
    assert len(api.services.labels.of_dataset(dataset)) == 1


def test_an_act_is_taken_back_as_a_whole_by_the_token_that_gave_it(ann, ben, dataset, api, csv):
    assert ben.brought(csv) == dataset
    first = give(ann, dataset, {"row": 1, "label": "normal"}).json()["act"]
    give(ann, dataset, {"row": 1, "label": "anomaly"}, LEAK)
    give(ben, dataset, {"row": 2, "label": "normal"})
    assert undo(ann, dataset).json()["undone"] == 2
    assert standing(ann, dataset) == {1: ("normal", "", "ann"), 2: ("normal", "", "ben")}
    assert undo(ben, dataset, act=first).status_code == 404
    assert undo(ann, dataset, act=first).json() == {"act": first, "undone": 1}
    assert undo(ann, dataset, act=first).json() == {"act": first, "undone": 0}
    nothing = undo(ann, dataset)
    assert (nothing.status_code, nothing.json()["hint"]) == (409, "label some rows first")
    assert standing(ann, dataset) == {2: ("normal", "", "ben")}


def test_an_undo_sent_again_takes_back_nothing_more_even_when_its_answer_is_forgotten(
    ann, dataset, api, monkeypatch
):
    give(ann, dataset, {"row": 1, "label": "normal"})
    last = give(ann, dataset, LEAK, {"row": 2, "label": "normal"}).json()["act"]
    first = undo(ann, dataset, headers=KEY)
    monkeypatch.setattr(repeats, "KEPT_SECONDS", -1.0)
    late = undo(ann, dataset, headers=KEY)
    assert first.json() == late.json() == {"act": last, "undone": 2}
    assert standing(ann, dataset) == {1: ("normal", "", "ann")}
    other = undo(ann, dataset, headers={"Idempotency-Key": "another request"})
    assert (other.json()["undone"], standing(ann, dataset)) == (1, {})
    for event in api.services.labels.of_dataset(dataset):
        if event.withdraws:
            assert undo(ann, dataset, act=event.act).status_code in (404, 409)


def test_a_token_takes_back_its_labels_however_its_name_is_written(api, csv):
    caller = api.caller("ci  bot cafe\u0301")
    dataset = caller.brought(csv)
    give(caller, dataset, LEAK)
    (token,) = api.services.tokens.all()
    assert token.name == "ci bot caf\u00e9"
    assert standing(caller, dataset)[7][2] == token.name
    assert undo(caller, dataset).json()["undone"] == 1


def test_a_token_named_before_names_were_put_in_order_takes_back_its_labels_too(api, csv):
    import sqlalchemy as sa

    from engine.api.tables import token

    caller = api.caller("ci bot")
    dataset = caller.brought(csv)
    with api.services._database.writing(token) as connection:
        connection.execute(sa.update(token).values(name="ci  bot"))
    act = give(caller, dataset, LEAK).json()["act"]
    assert undo(caller, dataset).json()["undone"] == 1
    assert undo(caller, dataset, act=act).status_code == 200


def test_labels_go_out_as_csv_and_come_back_once(ann, dataset):
    give(ann, dataset, LEAK)
    answer = ann.get(f"{DATASETS}/{dataset}/labels.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment")
    undo(ann, dataset)

    def bring():
        return ann.post(f"{DATASETS}/{dataset}/labels:import", files={"file": ("labels.csv", answer.content)})

    first, second = bring(), bring()
    assert (first.status_code, first.json()["saved"], second.json()["saved"]) == (201, 1, 0)
    assert "row" in first.json()["findings"][0]
    assert standing(ann, dataset) == {7: ("anomaly", "leak", "ann")}
    assert undo(ann, dataset, act=first.json()["act"]).json()["undone"] == 1


def test_labels_of_an_upload_the_token_may_not_see_are_not_carried_to_its_own(ann, ben, dataset, api, csv):
    give(ann, dataset, LEAK)
    longer = ben.brought(csv + b"\n".join(csv.splitlines()[1:3]) + b"\n")
    whole = current_labels(api.services.labels, api.space.datasets.get(longer))
    assert whole.carried == {7}
    assert standing(ben, longer) == {}
    assert b"seal" not in ben.get(f"{DATASETS}/{longer}/labels.csv").content
    assert set(standing(api.caller("auditor", ["read", "all"]), longer)) == {7}
    asked = {"dataset": longer, "detector": "masked_table", "labels": True}
    refused = ben.post("/api/models/pumps/train", json=asked)
    assert (refused.status_code, "no row is labelled an anomaly" in refused.json()["error"]) == (422, True)
    give(ben, longer, {"row": 2, "label": "anomaly"})
    trained = ben.post("/api/models/pumps/train", json=asked)
    assert trained.status_code == 202, trained.text
    spec = api.manager.spec(trained.json()["job"]["id"])
    assert list(thawed_labels(api.space.frozen_labels, spec["labels"]).rows) == [2]


REFUSED = [
    ({"labels": []}, "'labels' must be a list of at least 1, got []"),
    ({"labels": [{"row": 300, "label": "normal"}]}, "there is no row 300 in this data set"),
    ({"labels": [{"row": -1, "label": "normal"}]}, "'labels.0.row' must be at least 0"),
    ({"labels": [{"row": 1, "label": "odd"}]}, "'labels.0.label' must be one of"),
    ({"labels": [{"row": 1, "label": "normal", "class": "leak"}]}, "a class names a kind of anomaly"),
    ({"labels": [LEAK, {"row": 7, "label": "normal"}]}, "row 7 has two labels in one request"),
    ({"labels": [{"row": 1, "label": "normal", "why": "x"}]}, "'labels.0.why' is not known here"),
    ({"labels": [{"row": 1, "label": "normal", "note": "x" * 2_001}]}, "must be at most 2000 characters"),
    ({"labels": [{"row": 1, "label": "normal"}], "model": "gone"}, "gone"),
]


def test_what_cannot_be_is_said_and_nothing_is_saved(ann, dataset, api):
    for body, words in REFUSED:
        answer = ann.post(f"{DATASETS}/{dataset}/labels", json=body)
        assert answer.status_code in (404, 422), body
        assert words in answer.json()["error"]
        assert answer.json()["hint"]
    assert api.services.labels.of_dataset(dataset) == []


def test_a_file_without_labels_and_one_too_large_are_refused(ann, dataset):
    address = f"{DATASETS}/{dataset}/labels:import"
    wrong = ann.post(address, files={"file": ("x.csv", b"a,b\n1,2\n")})
    assert (wrong.status_code, bool(wrong.json()["hint"])) == (422, True)
    assert ann.post(address, json={}).status_code == 415
    assert ann.post(address, files={"other": ("x.csv", b"a")}).status_code in (400, 422)
    large = ann.post(address, files={"file": ("x.csv", b"0" * 10_000_001)})
    assert (large.status_code, large.json()["error"]) == (413, "a file of labels may have 10 MB")


def test_a_label_given_on_a_page_is_seen_here(ann, dataset, api):
    data = api.space.datasets.get(dataset)
    give_labels(api.services.labels, data, {4: Label(verdict="normal")}, act="page", who="Kari", model="")
    assert standing(ann, dataset) == {4: ("normal", "", "Kari")}
