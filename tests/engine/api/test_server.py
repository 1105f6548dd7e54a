"""The API as it is served: over a socket, behind the screen's server, with its page of documentation."""

import asyncio
import errno
import json
import logging
import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from engine.api import gate, serving
from engine.api.deferred import Deferred
from engine.api.tokens import Tokens
from engine.cli import main
from engine.workspace import Workspace
from tests.engine.api.conftest import DATASETS, Caller
from tests.engine.api.test_datasets import SMALL

ROOT = Path(__file__).resolve().parents[3]


# ---- what goes wrong inside


def test_a_bug_is_an_incident_that_the_log_explains(ann, monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(type(ann.api.space.models), "models", broken)
    answer = ann.get("/api/models")
    problem = answer.json()
    assert answer.status_code == 500
    assert problem.keys() == {"error", "hint", "incident"}
    assert "secret of the house" not in answer.text
    assert f"incident {problem['incident']}: GET /api/models" in caplog.text
    assert "the secret of the house" in caplog.text


def test_a_full_disk_is_called_one(api, ann, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(api.space.datasets), "add", full)
    answer = ann.upload(SMALL)
    assert (answer.status_code, answer.json()["error"]) == (507, "the disk is full")
    assert answer.json()["hint"].startswith("delete something")


def test_a_database_in_trouble_is_an_incident_too(api, ann, monkeypatch):
    def gone(*_):
        raise OSError("disk I/O error")

    monkeypatch.setattr(Tokens, "holder", gone)
    assert ann.get("/api/models").json().keys() == {"error", "hint", "incident"}


def test_an_address_or_a_method_that_is_not_there_is_refused_in_the_same_shape(ann):
    assert ann.get("/api/nothing").json()["error"] == "there is nothing at this address"
    answer = ann("PATCH", "/api/models")
    assert (answer.status_code, answer.json()["error"]) == (405, "this address has no such method")


def test_a_server_that_stops_says_try_again(api, ann, csv, keep, monkeypatch):
    keep(api)
    dataset = ann.brought(csv)
    with monkeypatch.context() as stopping:
        stopping.setattr(api.manager, "_closed", True)
        answer = ann.post(f"{DATASETS}/{dataset}/analyze")
    assert (answer.status_code, answer.json()["error"]) == (503, "The server is stopping")


def test_a_served_api_has_a_reader_of_files_ready_until_it_stops(tmp_path, monkeypatch):
    monkeypatch.setattr(serving, "JobManager", lambda *_: SimpleNamespace(close=lambda: None))
    space = Workspace(tmp_path / "workspace", tmp_path / "models")
    readers = space.datasets._readers

    async def serve():
        app = serving.application(space)
        async with app.router.lifespan_context(app):
            assert readers._ready.alive
            return readers._ready

    assert not asyncio.run(serve()).alive
    assert readers._ready is None


# ---- documentation


def test_the_page_of_documentation_names_every_route_and_asks_nobody(api, ann):
    page = ann.get("/api/docs")
    assert page.headers["content-type"].startswith("text/html")
    for path in ann.get("/api/openapi.json").json()["paths"]:
        assert f"/api{path}</code></h2>" in page.text
    assert not re.search(r"<script|<link|<img|<iframe|src=|@import|url\(", page.text)
    assert "http" not in page.text.replace("http://127.0.0.1:8600/api", "")


def test_the_page_shows_what_to_send_and_what_comes_back(ann):
    text = ann.get("/api/docs").text
    assert "-F file=@data.csv" in text
    assert "session_id" in text
    assert "anomaly_count" in text
    assert "Idempotency-Key" in text


def test_the_description_is_open_api_with_one_shape_of_refusal(ann):
    schema = ann.get("/api/openapi.json").json()
    assert schema["servers"] == [{"url": "/api"}]
    answers = schema["paths"]["/anomaly/datasets/upload"]["post"]["responses"]
    assert answers["422"]["content"]["application/json"]["schema"]["$ref"].endswith("/Problem")
    assert {"201", "401", "403", "404", "409", "413", "429", "500"} <= answers.keys()


# ---- built when first asked


def test_the_api_is_built_once_however_many_ask_at_the_same_time():
    built, loop_was_free = [], []

    def build():
        time.sleep(0.2)
        built.append(threading.get_ident())
        return app

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def ask():
        deferred = Deferred(build)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(deferred), base_url="http://test"
        ) as client:
            asked = [asyncio.create_task(client.get("/")) for _ in range(8)]
            await asyncio.sleep(0.05)
            loop_was_free.append(not built)
            return [(await each).status_code for each in asked]

    assert asyncio.run(ask()) == [204] * 8
    assert len(built) == 1
    assert loop_was_free == [True]


def test_an_api_that_cannot_be_built_says_so_and_is_tried_again(caplog):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    attempts = iter([OSError("no room"), app])

    def build():
        found = next(attempts)
        if isinstance(found, Exception):
            raise found
        return found

    async def ask():
        transport = httpx.ASGITransport(deferred)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get("/")

    deferred = Deferred(build)
    refused = asyncio.run(ask())
    assert (refused.status_code, refused.json()["error"]) == (500, "the API could not start")
    assert refused.json()["incident"] in caplog.text
    assert asyncio.run(ask()).status_code == 204


# ---- over a socket


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """``python -m engine serve`` in a process of its own: its port, a token, and its log."""
    folder = tmp_path_factory.mktemp("served")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        **os.environ,
        "LOUPE_WORKSPACE": str(folder / "workspace"),
        "LOUPE_MODELS": str(folder / "models"),
    }
    engine = [sys.executable, "-m", "engine"]
    command = [*engine, "token", "create", "--name", "ann"]
    secret = subprocess.run(
        command, cwd=ROOT, env=settings, capture_output=True, text=True, check=True
    ).stdout.strip()
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*engine, "serve", "--port", str(port)], cwd=ROOT, env=settings, stdout=output, stderr=output
        )
        try:
            _wait_until_up(port, process, log)
            yield port, secret, log
        finally:
            process.terminate()
            process.wait(30)
    assert process.returncode in (0, -15)


def _wait_until_up(port, process, log):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(f"http://127.0.0.1:{port}/api/health", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(f"the server was not up in a minute:\n{log.read_text()}", pytrace=False)


@pytest.mark.slow
def test_the_server_takes_a_file_over_a_socket_and_its_log_has_no_secret(served):
    port, secret, log = served
    answer = httpx.post(
        f"http://127.0.0.1:{port}{DATASETS}/upload",
        files={"file": ("a.csv", SMALL)},
        headers={"Authorization": f"Bearer {secret}"},
        timeout=60,
    )
    assert (answer.status_code, answer.json()["rows"]) == (201, 3)
    assert "/upload" in log.read_text()
    assert secret not in log.read_text()


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_that_cannot_be_is_refused_in_words(capsys, port):
    assert main(["serve", "--port", str(port)]) == 2
    assert f"a port is a number from 0 to 65535, got {port}" in capsys.readouterr().err


def test_a_port_that_is_taken_is_refused_in_words(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["serve", "--port", str(taken.getsockname()[1])]) == 2
    assert "choose others with --host and --port" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "codes"),
    [
        ("/api/%2e%2e/health", {401}),
        ("/api/../api/models", {401, 404}),
        ("//api/models", {404}),
        ("/api/health%00", {401}),
        ("/api/models?token=x", {401}),
        ("/", {404}),
    ],
)
def test_no_odd_address_gets_in_over_a_socket(served, path, codes):
    port, _, _ = served
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        status = int(line.makefile("rb").readline().split()[1])
    assert status in codes


@pytest.mark.slow
def test_too_large_a_file_is_refused_before_its_first_byte(served):
    port, secret, _ = served
    head = (
        f"POST {DATASETS}/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {secret}\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {gate.MAX_UPLOAD_BYTES + 1}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(head.encode())
        assert b"413" in line.makefile("rb").readline()


@pytest.mark.slow
def test_a_caller_who_hangs_up_leaves_nothing_behind(served):
    port, secret, log = served
    before = httpx.get(
        f"http://127.0.0.1:{port}{DATASETS}", headers={"Authorization": f"Bearer {secret}"}
    ).json()["total"]
    head = (
        f"POST {DATASETS}/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {secret}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000\r\n\r\n"
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\na,b\r\n1,2\r\n'
    )
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(head.encode())
    deadline = time.monotonic() + 20
    while "the caller hung up" not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
    after = httpx.get(f"http://127.0.0.1:{port}{DATASETS}", headers={"Authorization": f"Bearer {secret}"})
    assert after.json()["total"] == before
    assert "Traceback" not in log.read_text()


# ---- random requests


def test_random_requests_are_answered_in_one_shape(api, ann, caplog):
    import random

    lot = random.Random(5)
    scraps = [
        "",
        "x",
        "..",
        "%00",
        "ü",
        "null",
        "-1",
        "1e999",
        '{"a":',
        "[]",
        "{}",
        "0" * 300,
        "\u202e",
        "'--",
    ]
    paths = list(api.app.openapi()["paths"])
    with caplog.at_level(logging.ERROR):
        for _ in range(250):
            path = re.sub(
                r"\{\w+\}", lambda _: lot.choice(scraps[1:]).replace("..", "%2e"), lot.choice(paths)
            )
            query = {lot.choice(["offset", "limit", "percentile", "threshold", "z"]): lot.choice(scraps)}
            kind = lot.choice(["application/json", "text/plain", "multipart/form-data; boundary=x"])
            headers = {"Content-Type": kind, "Idempotency-Key": lot.choice(["a", "b c"])}
            answer = ann(
                lot.choice(["GET", "POST", "DELETE", "PUT"]),
                f"/api{path}",
                params=query,
                content=lot.choice(scraps).encode(),
                headers=headers,
            )
            assert answer.status_code < 500, (path, query, answer.text)
            if answer.status_code >= 400:
                assert {"error", "hint"} <= json.loads(answer.text).keys()
    assert "Traceback" not in caplog.text


def test_a_websocket_is_closed_at_once(api):
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "websocket.connect"}

    scope = {"type": "websocket", "path": "/api/models", "headers": [], "query_string": b"", "root_path": ""}
    api.portal.call(api.mounted, scope, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]
    assert Caller(api).get("/api/health").status_code == 200
