"""The processes that read files: ready before they are needed, one for each file, gone when nobody needs them."""

import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from engine.data.reading import convert, readers
from engine.data.reading.readers import Reader, Readers
from engine.processes import pid_started


@pytest.fixture
def kept():
    """Readers with one kept ready."""
    made = Readers()
    made.keep_ready()
    yield made
    made.close()


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,x\n2,y\n")
    return path


def within(seconds, condition):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def pid(reader):
    return reader._process.pid


def test_a_file_is_read_by_the_process_that_is_ready(kept, table, tmp_path):
    ready = kept._ready
    convert(table, tmp_path / "out.parquet", readers=kept)
    assert pd.read_parquet(tmp_path / "out.parquet").to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}
    assert ready._process.returncode == 0, "it read one file and ended"


@pytest.mark.skipif(
    not Path("/proc/self/maps").exists(), reason="the libraries of a process are read from /proc"
)
def test_what_is_ready_has_imported_its_libraries_before_there_is_a_file(kept):
    maps = Path(f"/proc/{pid(kept._ready)}/maps")
    within(60, lambda: "libparquet" in maps.read_text() and "_python_calamine" in maps.read_text())


def test_no_process_reads_two_files(kept):
    first, second = kept.take(), kept.take()
    assert pid(first) != pid(second)
    for reader in (first, second):
        reader.discard()


def test_another_gets_ready_a_while_after_a_file(kept, monkeypatch):
    monkeypatch.setattr(readers, "NEXT_SECONDS", 0.05)
    first = kept.take()
    assert kept._ready is None
    assert pid(within(10, lambda: kept._ready)) != pid(first)
    first.discard()


def test_one_that_died_while_it_waited_is_replaced(kept, table, tmp_path):
    dead = kept._ready
    dead._process.kill()
    within(10, lambda: not dead.alive)
    assert convert(table, tmp_path / "out.parquet", readers=kept)["rows"] == 2


def test_a_process_that_cannot_be_started_ahead_is_tried_again_with_the_file(kept, monkeypatch, caplog):
    kept.take().discard()

    def full():
        raise OSError("no more processes")

    monkeypatch.setattr(readers, "Reader", full)
    kept._make_ready()
    assert "no process could be started" in caplog.text
    with pytest.raises(OSError, match="no more processes"):
        kept.take()


def test_nothing_is_kept_that_nobody_asked_for(table, tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "NEXT_SECONDS", 0.0)
    plain = Readers()
    convert(table, tmp_path / "out.parquet", readers=plain)
    assert (plain._ready, plain._next) == (None, None)


def test_closing_ends_what_waits_and_makes_no_more(kept):
    waiting = pid(kept._ready)
    kept.take().discard()
    kept._make_ready()
    following = pid(kept._ready)
    kept.close()
    kept._make_ready()
    assert kept._ready is None
    assert pid_started(waiting) is pid_started(following) is None


def test_a_reader_whose_server_is_gone_ends_by_itself():
    reader = Reader()
    said, warned = reader._process.communicate(timeout=60)  # the other end of its input is closed
    assert (reader._process.returncode, said, warned) == (0, b"", b"")


def test_a_process_that_leaves_has_said_all_and_takes_nothing_apart():
    program = (
        "import atexit, sys\nfrom engine.leaving import leave\natexit.register(print, 'late')\n"
        "sys.stdout.write('said'); sys.stderr.write('warned'); leave(7)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (7, "said", "warned")
