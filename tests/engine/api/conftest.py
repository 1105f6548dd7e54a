"""A served API over a workspace of its own, callers with tokens, and jobs that do as the test says."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import anyio.from_thread
import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from engine.api.application import create_app
from engine.jobs import JobManager
from engine.workspace import Workspace

HERE = Path(__file__).parent
EVERY_SCOPE = ("read", "upload", "analyze", "label", "train", "delete")
DATASETS = "/api/anomaly/datasets"


@dataclass
class Caller:
    """Somebody with a token, or without one."""

    api: Api
    secret: str | None = None
    headers: dict = field(default_factory=dict)

    def __call__(self, method, path, **request):
        headers = {**self.headers, **request.pop("headers", {})}
        if self.secret is not None:
            headers.setdefault("Authorization", f"Bearer {self.secret}")

        async def once():
            transport = httpx.ASGITransport(self.api.mounted, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, path, headers=headers, timeout=120, **request)

        return self.api.portal.call(once)

    def get(self, path, **request):
        return self("GET", path, **request)

    def post(self, path, **request):
        return self("POST", path, **request)

    def delete(self, path, **request):
        return self("DELETE", path, **request)

    def upload(self, content, name="pumps.csv", headers=None, **fields):
        return self.post(
            f"{DATASETS}/upload", files={"file": (name, content)}, data=fields, headers=headers or {}
        )

    def brought(self, content, name="pumps.csv"):
        """The id of a data set just uploaded."""
        answer = self.upload(content, name)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def status(self, dataset):
        return self.get(f"{DATASETS}/{dataset}/status").json()

    def until(self, dataset, condition, seconds=60):
        """The first status of a data set that meets the condition."""
        deadline = time.monotonic() + seconds
        while not condition(now := self.status(dataset)):
            assert time.monotonic() < deadline, now
            time.sleep(0.05)
        return now

    def ended(self, dataset):
        """The status of a data set's analysis when it has ended, reasons and all."""
        return self.until(
            dataset,
            lambda now: now["reasons_ready"] or now["status"] not in ("queued", "running", "analyzed"),
        )


class Api:
    """The API, mounted as a server mounts it, with one job manager."""

    def __init__(self, root, portal, *, per_minute=100_000, **jobs):
        self.space, self.portal = Workspace(root / "workspace", root / "models"), portal
        self.manager = JobManager(self.space.root, spare=False, **jobs)
        self.app = create_app(self.space, lambda: self.manager, per_minute=per_minute)
        self.mounted = Starlette(routes=[Mount("/api", self.app)])
        self.services = self.app.state.services

    def caller(self, name, scopes=EVERY_SCOPE, days=None):
        return Caller(self, self.services.tokens.create(name, scopes, days)[1])

    def close(self):
        self.manager.close()
        self.services.close()


@pytest.fixture(scope="session")
def portal():
    with anyio.from_thread.start_blocking_portal() as portal:
        yield portal


@pytest.fixture
def serve(tmp_path, portal, monkeypatch):
    """Serve the API with jobs of the test's own: they do what ``job_functions.py`` says."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), str(HERE.parents[2])]))
    served = []

    def serve(**settings):
        functions = {"score": "job_functions:linger", "train": "job_functions:linger"}
        served.append(
            Api(tmp_path, portal, **{"functions": functions, "stop_grace_seconds": 0.5, **settings})
        )
        return served[-1]

    yield serve
    for api in served:
        api.close()


@pytest.fixture
def api(serve):
    return serve()


@pytest.fixture
def ann(api):
    return api.caller("ann")


@pytest.fixture
def ben(api):
    return api.caller("ben")


@pytest.fixture(scope="session")
def real(tmp_path_factory, portal):
    """The API with its real jobs; what one test brings, others may find."""
    api = Api(tmp_path_factory.mktemp("real"), portal)
    yield api
    api.close()


@pytest.fixture(scope="session")
def csv(table):
    """The table as a file."""
    return table.frame.to_csv(index=False).encode()


@pytest.fixture
def keep(table, model_of):
    """Keep the model of a detector, trained on the table, in an API's store."""

    def keep(api, detector="isolation_forest", name="pumps"):
        from dataclasses import replace

        model = model_of(detector, table)
        return replace(model, card=replace(model.card, name=name)).save(api.space.models)

    return keep
