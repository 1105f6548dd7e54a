"""The examples run as a newcomer runs them, and print what the documents say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine import CATALOGUE

ROOT = Path(__file__).resolve().parents[1]
ROW = re.compile(r"^\| ([\w -]+?) +\| +([\d.]+) \| +(\d+) \| +(\d+) \|$", re.MULTILINE)

# Each with what it says at the end, or of what it wrote.
USES = {
    "basic_usage": "VUS-PR",
    "custom_parameters": "teacher against student",
    "one_window": "the highest score",
    "many_windows": "best F1 on these labels",
    "save_and_load": "loaded twice, the same scores: yes",
    "draw_detection": "roc.html: ROC curve",
}

TABULAR = [kind for kind in CATALOGUE.values() if not kind.sequential]


@pytest.mark.slow
@pytest.mark.parametrize("name", USES)
def test_an_example_runs_from_anywhere_and_ends_well(name, tmp_path):
    command = [sys.executable, str(ROOT / "examples" / f"{name}.py")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert USES[name] in done.stdout
    assert "nan" not in done.stdout
    written = {path.name for path in tmp_path.rglob("*") if path.suffix in (".html", ".csv")}
    assert written == set(re.findall(r"\w+\.(?:html|csv)", done.stdout))


def test_every_example_is_run():
    assert {path.stem for path in (ROOT / "examples").glob("*.py")} == {*USES, "bearing_lead_time"}


@pytest.mark.slow
def test_the_lead_times_of_the_bearing_are_those_of_the_readme(tmp_path):
    quick = [
        kind for kind in TABULAR if not kind.mixed
    ]  # a network takes long, and says the same on no two processors
    names = [kind.name for kind in quick]
    command = [sys.executable, str(ROOT / "examples" / "bearing_lead_time.py"), "chart.html", *names]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    printed = {title: figures for title, *figures in ROW.findall(done.stdout)}
    section = (
        (ROOT / "sample_data" / "README.md").read_text("utf-8").split("### How early the detectors warn")[1]
    )
    told = {title: figures for title, *figures in ROW.findall(section.split("\n## ")[0])}
    assert list(told) == [kind.title for kind in TABULAR]
    assert printed == {kind.title: told[kind.title] for kind in quick}
    page = (tmp_path / "chart.html").read_text("utf-8")
    assert all(kind.title in page for kind in quick)
