"""The child process: what it writes, what it says when it dies, and what it leaves behind."""

import json
import os

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.data.reading import ReadingOptions, convert, converting, limits
from engine.errors import ReadingError


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "upload-17"
    path.write_text("a;b\n1;x\n2;y\n")
    return path


def test_table_and_report_are_written(table, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    report = convert(table, tmp_path / "out.parquet", name="mine.csv")
    assert pd.read_parquet(tmp_path / "out.parquet").to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}
    assert json.loads((tmp_path / "out.parquet.json").read_text()) == report
    assert (report["rows"], report["columns"], report["names"]) == (2, 2, ["a", "b"])
    assert report["types"] == {"a": "integer", "b": "text"}
    assert (report["delimiter"], report["encoding"], report["header_row"]) == (";", "utf-8", 1)


def test_nothing_else_is_left_behind(table, tmp_path):
    convert(table, tmp_path / "out.parquet", report=tmp_path / "said.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.parquet", "said.json", "upload-17"]


def test_choices_reach_the_child(table, tmp_path):
    options = ReadingOptions(header_row=0, text_columns=("column_1",))
    report = convert(table, tmp_path / "out.parquet", options)
    assert report["rows"] == 3
    assert ReadingOptions.from_dict(report["options"]) == options


def test_child_answers_what_else_is_asked_of_the_table(table, tmp_path, monkeypatch):
    (tmp_path / "asked.py").write_text("def size(reading):\n    return {'cells': reading.frame.size}\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    report = convert(table, tmp_path / "out.parquet", after=["asked:size"])
    assert report["after"] == {"asked:size": {"cells": 4}}


def test_mistake_in_what_is_asked_leaves_nothing_written(table, tmp_path):
    with pytest.raises(ReadingError, match="could not be stored"):
        convert(table, tmp_path / "out.parquet", after=["json:missing"])
    assert not (tmp_path / "out.parquet").exists()


def test_refusal_names_the_file_as_its_owner_does(tmp_path):
    (tmp_path / "upload-18").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(ReadingError, match=r"'mine\.csv' is a PNG picture"):
        convert(tmp_path / "upload-18", tmp_path / "out.parquet", name="mine.csv")
    assert not (tmp_path / "out.parquet").exists()


def test_running_out_of_time_is_one_sentence(table, tmp_path):
    with pytest.raises(ReadingError, match="could not be read within"):
        convert(table, tmp_path / "out.parquet", wall_seconds=0.05)


@pytest.mark.skipif(os.name != "posix", reason="limits are POSIX")
def test_running_out_of_memory_is_one_sentence(tmp_path, monkeypatch):
    """A frame of 40 columns × 1.2 million rows takes more than this child is given."""
    numbers = pa.array(range(1_200_000))
    pq.write_table(
        pa.table({f"c{i}": numbers for i in range(40)}), tmp_path / "big.parquet", compression="zstd"
    )
    (tmp_path / "sitecustomize.py").write_text(
        f"from engine.data.reading import limits\nlimits.CHILD_MEMORY = {300 * limits.MB}\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ReadingError, match="memory"):
        convert(tmp_path / "big.parquet", tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize("code", [-9, -24, -6, -11, 127])
def test_every_death_of_the_child_is_a_sentence(code):
    assert "memory" in converting._why_died("a.csv", code)
