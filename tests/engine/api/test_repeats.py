"""A request sent twice with the same Idempotency-Key is carried out once."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.api import repeats
from tests.engine.api.conftest import DATASETS
from tests.engine.api.test_datasets import SMALL

KEY = {"Idempotency-Key": "a key of my own"}


def test_an_upload_repeated_gets_the_same_answer(ann):
    first, second = (ann.upload(SMALL, headers=KEY) for _ in range(2))
    assert (second.status_code, second.json()) == (201, first.json())
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize(
    "changed", [{"content": SMALL + b"\n\n"}, {"name": "other.csv"}, {"roles": '{"ignore": ["site"]}'}]
)
def test_the_same_key_for_another_upload_is_refused(ann, changed):
    ann.upload(SMALL, headers=KEY)
    answer = ann.upload(**{"content": SMALL, "headers": KEY, **changed})
    assert (answer.status_code, answer.json()["error"]) == (
        409,
        "the Idempotency-Key 'a key of my own' was used for another request",
    )


def test_a_training_repeated_is_one_job_even_after_it_has_ended(api, ann, csv):
    dataset = ann.brought(csv)
    first = ann.post("/api/models/pumps/train", json={"dataset": dataset}, headers=KEY).json()
    api.manager.cancel(first["job"]["id"])
    while api.manager.get(first["job"]["id"]).active:
        time.sleep(0.05)
    again = ann.post("/api/models/pumps/train", json={"dataset": dataset}, headers=KEY)
    assert (again.status_code, again.json()) == (202, first)
    assert len(api.manager.jobs()) == 1
    other = ann.post(
        "/api/models/pumps/train", json={"dataset": dataset, "detector": "neighbours"}, headers=KEY
    )
    assert other.status_code == 409


def test_an_analysis_repeated_gets_the_same_answer(api, ann, csv, keep):
    keep(api)
    url = f"{DATASETS}/{ann.brought(csv)}/analyze"
    first = ann.post(url, headers=KEY).json()
    assert ann.post(url, headers=KEY).json() == first
    assert first["reused"] is False
    assert ann.post(url, json={"percentile": 1}, headers=KEY).status_code == 409


def test_a_key_is_each_tokens_own(ann, ben):
    assert ann.upload(SMALL, headers=KEY).status_code == 201
    other = ben.upload(SMALL + b"2024-01-09,1,x\n", headers=KEY)
    assert other.status_code == 201
    assert "idempotent-replayed" not in other.headers


def test_what_was_refused_may_be_tried_again_under_the_same_key(ann):
    assert ann.upload(b"", headers=KEY).status_code == 422
    assert ann.upload(SMALL, headers=KEY).status_code == 201


def test_of_two_at_once_one_is_carried_out(ann):
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: ann.upload(SMALL, headers=KEY), range(2)))
    codes = sorted(answer.status_code for answer in answers)
    assert codes in ([201, 201], [201, 409])
    waited = [a.json()["error"] for a in answers if a.status_code == 409]
    assert all("is still being worked on" in error for error in waited)


def test_an_answer_is_forgotten_after_a_day_and_with_its_data_set(ann, monkeypatch):
    dataset = ann.upload(SMALL, headers=KEY).json()["id"]
    ann.delete(f"{DATASETS}/{dataset}")
    brought_again = ann.upload(SMALL, headers=KEY)
    assert "idempotent-replayed" not in brought_again.headers
    monkeypatch.setattr(repeats, "KEPT_SECONDS", -1.0)
    assert "idempotent-replayed" not in ann.upload(SMALL, headers=KEY).headers


@pytest.mark.parametrize("key", [b"", b"x" * 256, b"a\tb", "ü".encode()])
def test_a_key_that_cannot_be_is_refused_or_kept_whole(ann, key):
    answer = ann.upload(SMALL, headers={"Idempotency-Key": key})
    assert answer.status_code == (201 if key == "ü".encode() else 400)
