"""Bringing, listing and deleting data sets over HTTP, and what is refused."""

import json

import pytest

from engine.api import gate
from engine.api.uploads import Uploads
from engine.data.dataset import DatasetStore
from tests.engine.api.conftest import DATASETS

SMALL = b"time,load,site\n2024-01-01,1.5,north\n2024-01-02,2.5,south\n2024-01-03,99,north\n"


def test_an_upload_says_what_was_found(ann, csv):
    answer = ann.upload(csv, "Pumps of May.csv")
    body = answer.json()
    assert answer.status_code == 201
    assert (body["name"], body["rows"], body["kind"]) == ("Pumps of May.csv", 300, "table")
    roles = {column["name"]: column["role"] for column in body["columns"]}
    assert (roles["flow_rate"], roles["faulty"]) == ("feature", "label")
    assert ann.get(f"{DATASETS}/{body['id']}").json() == body


@pytest.mark.slow
def test_the_same_content_has_the_same_id_whoever_brings_it(ann, ben):
    first = ann.brought(SMALL, "a.csv")
    assert ann.brought(SMALL, "b.csv") == ben.brought(SMALL, "c.csv") == first
    assert ann.get(DATASETS).json()["total"] == 1
    assert ann.brought(SMALL + b"2024-01-04,3,north\n") != first


def test_roles_and_ways_of_reading_can_be_said(ann):
    text = "a;b;c\n1,5;2;x\n2,5;3;y\n"
    answer = ann.upload(
        text.encode(), roles=json.dumps({"label": "b", "ignore": ["c"]}), reading=json.dumps({"decimal": ","})
    )
    columns = {column["name"]: column for column in answer.json()["columns"]}
    assert columns["a"]["type"] == "number"
    assert (columns["b"]["role"], columns["c"]["role"]) == ("label", "ignore")


def test_roles_are_each_tokens_own(api, ann, ben):
    dataset = ann.upload(SMALL, roles='{"ignore": ["site"]}').json()["id"]
    ben.upload(SMALL, roles='{"label": "site"}')
    seen = {
        caller: {
            column["name"]: column["role"] for column in body.get(f"{DATASETS}/{dataset}").json()["columns"]
        }
        for caller, body in (("ann", ann), ("ben", ben))
    }
    assert (seen["ann"]["site"], seen["ben"]["site"]) == ("ignore", "label")
    assert api.space.datasets.get(dataset).roles.columns["site"] == "ignore"


@pytest.mark.slow
def test_data_sets_come_in_pages_the_newest_first(ann):
    ids = [ann.brought(SMALL + f"2024-02-0{n},{n},x\n".encode(), f"{n}.csv") for n in range(1, 4)]
    first = ann.get(DATASETS, params={"limit": 2}).json()
    assert [each["id"] for each in first["datasets"]] == [ids[2], ids[1]]
    assert (first["total"], first["next"]) == (3, 2)
    last = ann.get(DATASETS, params={"limit": 2, "offset": 2}).json()
    assert [each["id"] for each in last["datasets"]] == [ids[0]]
    assert last["next"] is None
    assert ann.get(DATASETS, params={"offset": 10**12}).json()["datasets"] == []


# ---- deleting


def test_deleting_takes_the_files_along(api, ann):
    dataset = ann.brought(SMALL)
    assert ann.delete(f"{DATASETS}/{dataset}").status_code == 204
    assert ann.get(f"{DATASETS}/{dataset}").status_code == 404
    assert ann.delete(f"{DATASETS}/{dataset}").status_code == 404
    assert not api.space.datasets.ids()


def test_deleting_leaves_what_another_token_has_brought_until_it_deletes_it_too(api, ann, ben):
    dataset = ann.brought(SMALL)
    ben.brought(SMALL)
    ann.delete(f"{DATASETS}/{dataset}")
    assert ann.get(f"{DATASETS}/{dataset}").status_code == 404
    assert ben.get(f"{DATASETS}/{dataset}").status_code == 200
    ben.delete(f"{DATASETS}/{dataset}")
    assert not api.space.datasets.ids()


def test_deleting_leaves_what_the_screen_had_before(api, ann, tmp_path):
    file = tmp_path / "screen.csv"
    file.write_bytes(SMALL)
    shown = api.space.datasets.add(file, "screen.csv").id
    assert ann.get(f"{DATASETS}/{shown}").status_code == 404
    assert ann.brought(SMALL) == shown
    assert ann.delete(f"{DATASETS}/{shown}").status_code == 204
    assert api.space.datasets.ids() == {shown}


@pytest.mark.parametrize("after", [False, True])
def test_a_deletion_cut_short_can_be_asked_for_again(api, ann, monkeypatch, after):
    dataset, remove = ann.brought(SMALL), DatasetStore.delete

    def die(store, id):
        if after:
            remove(store, id)
        raise MemoryError("the server stopped")

    with monkeypatch.context() as patched:
        patched.setattr(DatasetStore, "delete", die)
        assert ann.delete(f"{DATASETS}/{dataset}").status_code == 500
    assert ann.delete(f"{DATASETS}/{dataset}").status_code == 204
    assert ann.delete(f"{DATASETS}/{dataset}").status_code == 404
    assert not api.space.datasets.ids()


def test_an_upload_that_another_deletion_overtakes_keeps_its_file(api, ann, ben, monkeypatch):
    dataset, note = ann.brought(SMALL), Uploads.add

    def late(uploads, token, *facts, **more):
        monkeypatch.setattr(Uploads, "add", note)
        uploads.forget(None, dataset, lambda: api.space.datasets.delete(dataset))
        note(uploads, token, *facts, **more)

    monkeypatch.setattr(Uploads, "add", late)
    assert ben.brought(SMALL) == dataset
    assert ben.get(f"{DATASETS}/{dataset}").status_code == 200
    ben.delete(f"{DATASETS}/{dataset}")
    assert not api.space.datasets.ids()


def test_a_data_set_in_use_is_not_deleted(api, ann, csv, keep):
    keep(api)
    dataset = ann.brought(csv)
    ann.post(f"{DATASETS}/{dataset}/analyze")
    refused = ann.delete(f"{DATASETS}/{dataset}")
    assert (refused.status_code, refused.json()["error"]) == (409, "a job uses this data set")
    (api.space.root / "go").touch()
    assert ann.ended(dataset)["status"] == "failed"
    assert ann.delete(f"{DATASETS}/{dataset}").status_code == 204


# ---- what is refused


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "empty.csv", "empty"),
        (b"a,b\n", "header.csv", "row"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, "picture.csv", "picture.csv"),
        (b"PK\x03\x04" + b"\0" * 64, "broken.xlsx", "broken.xlsx"),
        (b"\x80\x04\x95" + b"pickle" * 40, "model.pkl", "model.pkl"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(api, ann, content, name, words):
    answer = ann.upload(content, name)
    problem = answer.json()
    assert answer.status_code == 422, answer.text
    assert words in json.dumps(problem, ensure_ascii=False)
    assert "Traceback" not in answer.text
    assert not api.space.datasets.ids()


@pytest.mark.parametrize(
    "name", ["../../evil.csv", "/etc/passwd", "..\\x.csv", "a\0b.csv", "\u202e.csv", "x" * 999]
)
def test_a_name_is_a_label_and_never_a_path(api, ann, name):
    answer = ann.upload(SMALL, name)
    assert answer.status_code in (201, 400)
    if answer.status_code == 201:
        shown = answer.json()["name"]
        assert "/" not in shown
        assert "\\" not in shown
        assert len(shown) <= 120
    outside = [path for path in api.space.root.parent.rglob("*evil*") if path.is_file()]
    assert not outside


@pytest.mark.parametrize("id", ["%2e%2e%2f%2e%2e", "..%5c..", "a/b", "x" * 5000, "%00", "ünï", "*", "upload"])
def test_an_id_that_is_none_is_not_found(ann, id):
    for answer in (
        ann.get(f"{DATASETS}/{id}/status"),
        ann.delete(f"{DATASETS}/{id}"),
        ann.get(f"/api/jobs/{id}"),
    ):
        assert answer.status_code == 404
        assert answer.json()["hint"]


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"roles": "{"}, 400, "'roles' is not valid JSON"),
        ({"roles": "[]"}, 422, "'roles' must be a JSON object"),
        ({"roles": '{"lable": "x"}'}, 422, "'roles.lable' is not known here"),
        ({"roles": '{"label": "nobody"}'}, 422, "there is no column 'nobody'"),
        ({"roles": '{"kind": "serie"}'}, 422, "'roles.kind' must be one of 'table' or 'series', got serie"),
        ({"reading": '{"header_row": "x"}'}, 422, "'reading.header_row' must be a whole number, got x"),
        ({"reading": '{"text_columns": 3}'}, 422, "'reading.text_columns' must be a list"),
        ({"reading": '{"encoding": "klingon"}'}, 422, "klingon"),
        ({"extra": "x"}, 422, "'extra' is no field of this form"),
    ],
)
def test_a_field_that_cannot_be_is_named(api, ann, fields, status, words):
    answer = ann.upload(SMALL, **fields)
    assert (answer.status_code, words in answer.json()["error"]) == (status, True), answer.text
    assert not api.space.datasets.ids()


def test_a_form_without_a_file_says_how_to_send_one(ann):
    answer = ann.post(f"{DATASETS}/upload", files={"other": ("a.csv", SMALL)})
    assert (answer.status_code, answer.json()["error"]) == (422, "'file' is missing")


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"Content-Type": "text/csv"}, SMALL, 415),
        ({"Content-Type": "application/json"}, b"{}", 415),
        ({}, SMALL, 415),
        ({"Content-Type": "multipart/form-data"}, SMALL, 400),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"nonsense", 400),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x\r\n\r\na,b\r\n--x--\r\n", 400),
    ],
)
def test_what_is_no_form_is_refused(ann, headers, content, status):
    answer = ann.post(f"{DATASETS}/upload", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error", "hint"}


# The framework leaves the begun file to the garbage collector, which closes it and complains.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_form_that_breaks_off_holds_no_file(api, ann):
    begun = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n' + SMALL
    answer = ann.post(
        f"{DATASETS}/upload", content=begun, headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert (answer.status_code, answer.json()["error"]) == (422, "'file' is missing")
    assert not api.space.datasets.ids()


def test_a_body_announced_too_large_is_refused_unread(ann):
    async def endless():
        raise AssertionError("the body was read")
        yield b""

    answer = ann.post(
        f"{DATASETS}/upload", content=endless(), headers={"Content-Length": str(gate.MAX_UPLOAD_BYTES + 1)}
    )
    assert (answer.status_code, answer.json()["error"]) == (413, "the file is larger than 200 MB")


def test_a_body_that_grows_too_large_is_refused_on_the_way(api, ann, monkeypatch):
    monkeypatch.setattr(gate, "MAX_UPLOAD_BYTES", 100_000)
    sent = []

    async def growing():
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
        for n in range(1_000):
            sent.append(n)
            yield b"1,2,3\n" * 1_000

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert ann.post(f"{DATASETS}/upload", content=growing(), headers=headers).status_code == 413
    assert len(sent) < 1_000
    assert not api.space.datasets.ids()


def test_a_body_of_words_is_small(ann):
    answer = ann.post("/api/models/pumps/train", content=b" " * 1_000_001)
    assert (answer.status_code, answer.json()["error"]) == (413, "the body is larger than 1 MB")
