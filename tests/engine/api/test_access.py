"""Who is let in, how often, and to what."""

import logging
import time

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Route

from engine.api.gate import Rate
from engine.api.tokens import SCOPES
from tests.engine.api.conftest import DATASETS, Caller

NOT_THERE = "0123456789abcdef"
LABEL = {"labels": [{"row": 1, "label": "normal"}]}
BODIES = {
    "/models/{name}/train": lambda dataset: {"json": {"dataset": dataset}},
    "/anomaly/datasets/{id}/labels": lambda dataset: {"json": LABEL},
}


def every_route(app):
    """Method and address of every route, with names filled in, and the route as it was declared."""
    for route in _flat(app.routes):
        path = f"/api{route.path}".replace("{id}", NOT_THERE).replace("{name}", "pumps")
        for method in sorted(route.methods - {"HEAD"}):
            yield method, path, route.path


def _flat(routes):
    for route in routes:
        if isinstance(route, APIRoute | Route):
            yield route
        else:
            yield from _flat(getattr(route, "original_router", route).routes)


def test_every_route_but_health_wants_a_token(api):
    stranger, walked = Caller(api), set()
    for method, path, declared in every_route(api.app):
        answer = stranger(method, path)
        expected = 200 if declared == "/health" else 401
        assert (answer.status_code, path) == (expected, path)
        walked.add(declared)
    assert len(walked) == 18
    assert {"/docs", "/openapi.json", "/health", "/jobs/{id}:cancel", "/anomaly/datasets/upload"} <= walked


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PUT", "GARBAGE"])
@pytest.mark.parametrize(
    "path", ["/api/health/", "/api//health", "/api/%2e%2e/health", "/api/models", "/api/nothing"]
)
def test_no_odd_request_gets_around_the_door(api, method, path):
    assert Caller(api)(method, path).status_code == 401


def test_health_is_public_for_reading_only(api):
    assert Caller(api).get("/api/health").json() == {"status": "ok"}
    assert Caller(api).post("/api/health").status_code == 401


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic {}", "{}", "Bearer {}x", "Bearer x{}", "Bearer ünï", "Bearer \x7f"],
)
def test_a_token_must_be_right_to_the_letter(api, ann, header):
    given = {"Authorization": header.format(ann.secret).encode("utf-8")}
    answer = Caller(api).get("/api/models", headers=given)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"] == "a valid token is needed"


def test_a_proxys_word_is_no_token(api):
    headers = {"X-Forwarded-User": "ann", "X-Forwarded-Uri": "/api/health", "Cookie": "loupe_owner=ann"}
    assert Caller(api, headers=headers).get("/api/models").status_code == 401


def test_a_token_that_is_revoked_or_expired_is_refused_like_a_wrong_one(api):
    short, long = api.caller("short", days=1e-9), api.caller("long", days=1)
    assert long.get("/api/models").status_code == 200
    time.sleep(0.01)
    wrong = Caller(api, "loupe_wrong").get("/api/models")
    api.services.tokens.revoke("long")
    for refused in (short, long):
        answer = refused.get("/api/models")
        assert (answer.status_code, answer.json()) == (401, wrong.json())


def test_the_last_use_of_a_token_is_known(api, ann):
    (before,) = api.services.tokens.all()
    ann.get("/api/models")
    (after,) = api.services.tokens.all()
    assert before.last_used is None
    assert after.last_used == pytest.approx(time.time(), abs=60)


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", f"{DATASETS}/upload", "upload"),
        ("GET", DATASETS, "read"),
        ("GET", f"{DATASETS}/{NOT_THERE}", "read"),
        ("DELETE", f"{DATASETS}/{NOT_THERE}", "delete"),
        ("POST", f"{DATASETS}/{NOT_THERE}/analyze", "analyze"),
        ("GET", f"{DATASETS}/{NOT_THERE}/status", "read"),
        ("GET", f"{DATASETS}/{NOT_THERE}/anomalies", "read"),
        ("GET", f"{DATASETS}/{NOT_THERE}/labels", "read"),
        ("GET", f"{DATASETS}/{NOT_THERE}/labels.csv", "read"),
        ("POST", f"{DATASETS}/{NOT_THERE}/labels", "label"),
        ("POST", f"{DATASETS}/{NOT_THERE}/labels:undo", "label"),
        ("POST", f"{DATASETS}/{NOT_THERE}/labels:import", "label"),
        ("GET", "/api/models", "read"),
        ("GET", "/api/models/pumps", "read"),
        ("POST", "/api/models/pumps/train", "train"),
        ("GET", f"/api/jobs/{NOT_THERE}", "read"),
        ("POST", f"/api/jobs/{NOT_THERE}:cancel", "read"),
    ],
)
def test_each_route_wants_its_scope(api, method, path, scope):
    lacking = api.caller("lacking", set(SCOPES) - {scope})
    answer = lacking(method, path, **({"json": {"dataset": "x"}} if path.endswith("train") else {}))
    assert answer.status_code == 403
    assert answer.json()["error"] == f"this needs a token with the scope '{scope}'"


def test_what_is_somebody_elses_is_not_found_on_every_route(api, ann, ben, csv, keep):
    keep(api)
    dataset = ann.brought(csv)
    assert ann.post(f"{DATASETS}/{dataset}/analyze", json={}).status_code == 202
    job = ann.post("/api/models/pumps/train", json={"dataset": dataset}).json()["job"]["id"]
    asked = set()
    for method, path, declared in every_route(api.app):
        path = path.replace(NOT_THERE, job if "/jobs/" in path else dataset)
        if "{id}" in declared or declared in BODIES:
            body = BODIES[declared](dataset) if declared in BODIES and method == "POST" else {}
            answer = ben(method, path, **body)
            assert (answer.status_code, path) == (404, path)
            asked.add(declared)
    assert len(asked) == 11
    assert ben.get(DATASETS).json() == {"datasets": [], "total": 0, "next": None}
    assert ann.get(f"{DATASETS}/{dataset}").status_code == 200
    assert ann.get(f"/api/jobs/{job}").json()["status"] in ("queued", "running")


def test_the_scope_all_sees_what_everybody_has(api, ann, csv):
    dataset = ann.brought(csv)
    every = api.caller("auditor", ["read", "all"])
    assert every.get(f"{DATASETS}/{dataset}").json()["rows"] == 300
    assert every.get(DATASETS).json()["total"] == 1
    assert every.get(f"{DATASETS}/{NOT_THERE}").status_code == 404


def test_a_token_may_ask_so_often_and_then_has_to_wait(serve):
    api = serve(per_minute=3)
    ann, ben = api.caller("ann"), api.caller("ben")
    assert [ann.get("/api/models").status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = ann.get("/api/models")
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    assert refused.json()["error"] == "this token has asked too often"
    assert ben.get("/api/models").status_code == 200


def test_the_rate_recovers_evenly():
    now = [0.0]
    rate = Rate(120, clock=lambda: now[0])
    assert [rate.wait("ann") for _ in range(120)] == [0.0] * 120
    assert rate.wait("ann") == pytest.approx(0.5)
    now[0] += 0.5
    assert rate.wait("ann") == 0.0
    assert rate.wait("ann") == pytest.approx(0.5)


def test_a_secret_is_nowhere_on_disk_nor_in_the_log(api, ann, csv, caplog):
    with caplog.at_level(logging.DEBUG):
        ann.upload(csv, headers={"Idempotency-Key": "k"})
        ann.get("/api/models/nothing")
        Caller(api, f"{ann.secret}x").get("/api/models")
    files = [path for path in api.space.root.rglob("*") if path.is_file()]
    assert any(path.name == "loupe.db" for path in files)
    assert not [path for path in files if ann.secret.encode() in path.read_bytes()]
    assert ann.secret not in caplog.text


def test_answers_carry_safe_headers_and_no_cookie(ann):
    headers = ann.get("/api/models").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert "set-cookie" not in headers
