"""Each test has the app to itself: folders of its own, empty caches, a job manager of its own."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from engine import Workspace
from tests.pages.prepared import brought, judged, pumps, rhythm
from ui import server

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def stocked(tmp_path_factory):
    """A workspace in which pump readings (table) and two sensors (series) have been judged, and the addresses."""
    folder = tmp_path_factory.mktemp("stocked")
    space = Workspace(folder / "workspace", folder / "models")
    pump = brought(space, pumps(), "pumps.csv", folder)
    plain = brought(space, pumps().drop(columns="faulty"), "unlabelled.csv", folder)
    series = brought(space, rhythm(), "rhythm.csv", folder)
    assert (pump.roles.label, plain.roles.label, series.roles.kind) == ("faulty", None, "series")
    addresses = {
        "pumps": judged(space, pump, "pumps", n_estimators=30),
        "unlabelled": judged(space, plain, "unlabelled", n_estimators=30),
        "rhythm": judged(space, series, "rhythm", window=20, n_estimators=30),
    }
    return folder, addresses


@pytest.fixture(autouse=True)
def space(tmp_path, monkeypatch):
    """Empty folders for the app; nothing is left of them or of what was remembered of them."""
    found = Workspace(tmp_path / "workspace", tmp_path / "models")
    monkeypatch.setenv("LOUPE_WORKSPACE", str(found.root))
    monkeypatch.setenv("LOUPE_MODELS", str(found.models_root))
    # No worker warms up for a job that no test will ask for: it would take the processor from those that run.
    monkeypatch.setattr(server, "HEAD_START_SECONDS", 3600.0)
    _forget()
    yield found
    _forget()


def _forget():
    server.close()
    server.workspace.cache_clear()
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def addresses(space, stocked):
    """The app's folders hold what was judged before; name -> what the address of the result says."""
    folder, found = stocked
    for name in ("workspace", "models"):
        shutil.copytree(folder / name, space.root.parent / name)
    return found


@pytest.fixture
def open_page():
    """Open a page as with a link."""

    def open_page(name="data", **address) -> AppTest:
        at = AppTest.from_file(str(PROJECT / "ui" / "main.py"), default_timeout=20)
        for key, value in address.items():
            at.query_params[key] = str(value)
        at.run()
        if name != "data":
            turn_to(at, name)
        return sound(at)

    return open_page


def turn_to(at: AppTest, name: str) -> AppTest:
    """Go to another page within the session."""
    return at.switch_page(str(PROJECT / "pages" / f"{name}.py")).run()


def sound(at: AppTest) -> AppTest:
    """The page as it is, after making sure that no exception stands on it."""
    assert not at.exception, "\n".join(str(found.value) for found in at.exception)
    incidents = [
        found.value for found in at.error if "Something went wrong inside the program" in found.value
    ]
    assert not incidents
    return at


def titles(at: AppTest) -> list[str]:
    """Titles and subtitles as they read, without the backslashes that keep Markdown away from names."""
    return [found.value.replace("\\", "") for found in (*at.title, *at.subheader)]


def texts(at: AppTest) -> str:
    """All the prose of the page, without the backslashes that keep Markdown away from names."""
    kinds = (at.markdown, at.caption, at.info, at.warning, at.error, at.success)
    return "\n".join(str(found.value) for kind in kinds for found in kind).replace("\\", "")


def button(at: AppTest, label: str):
    return next(found for found in at.button if found.label == label)


def metrics(at: AppTest) -> dict[str, str]:
    return {found.label: found.value for found in at.metric}


def charts(at: AppTest) -> int:
    return len(at.get("vega_lite_chart"))


def wait_for(at: AppTest, condition, seconds=30.0) -> AppTest:
    """Look at the page again and again, as its polling fragment would, until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition(at):
        assert time.monotonic() < deadline, f"it did not come:\n{texts(at)}"
        time.sleep(0.5)  # a run of the page takes from the job what it is waiting for
        sound(at.run())
    return at


def edit(at: AppTest, row: int, **cells) -> AppTest:
    """Change cells of the page's table editor as its browser side would: AppTest has no method for it."""
    states = at._tree.get_widget_states()
    change = {"edited_rows": {str(row): cells}, "added_rows": [], "deleted_rows": []}
    states.widgets.add(id=at.data_editor[0].proto.id, string_value=json.dumps(change))
    return sound(at._run(states))
