import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.jobs import JobManager

HERE = Path(__file__).parent
NAMES = re.findall(r"^def (\w+)", (HERE / "job_functions.py").read_text("utf-8"), re.MULTILINE)


@pytest.fixture(autouse=True)
def _workers_find_the_functions(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), str(HERE.parents[2])]))


@pytest.fixture
def start(tmp_path):
    """Start managers on one workspace; whatever a test leaves running is closed."""
    managers = []

    def start(**settings):
        functions = {name: f"job_functions:{name}" for name in NAMES}
        managers.append(JobManager(tmp_path, **{"functions": functions, "spare": False, **settings}))
        return managers[-1]

    yield start
    for manager in managers:
        manager.close()


@pytest.fixture
def manager(start):
    return start(stop_grace_seconds=0.5)


@pytest.fixture
def submit(manager):
    def submit(kind, owner="ada", **spec):
        return manager.submit(kind, spec, owner=owner, title=kind)

    return submit


@pytest.fixture
def serve(tmp_path):
    """Start servers in processes of their own, and kill them after the test."""
    servers = []

    def serve(orders):
        command = [sys.executable, str(HERE / "server.py"), str(tmp_path), orders]
        servers.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return servers[-1]

    yield serve
    for server in servers:
        server.kill()
        server.wait()
        server.stdout.close()


@pytest.fixture
def wait():
    def wait(condition, seconds=15.0):
        """The condition's first true value."""
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.02)
        return value

    return wait


@pytest.fixture
def ended(manager, wait):
    def ended(job):
        wait(lambda: not manager.get(job.id).active)
        return manager.get(job.id)

    return ended


@pytest.fixture
def running(manager, wait):
    def running(job):
        return wait(lambda: (now := manager.get(job.id)).state == "running" and now.progress > 0 and now)

    return running
