"""Snapshot files: in the order they were taken, in every dialect rigs write, and each mistake in a sentence."""

from __future__ import annotations

import zipfile
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from engine.data.vibration.snapshots import holds_snapshots, read_snapshot, snapshot_files, taken_at
from engine.errors import ReadingError, UsageError

VALUES = np.random.default_rng(2).normal(size=(20, 3)).round(3)


def text(values=VALUES, mark="\t"):
    return "\n".join(mark.join(f"{value:.3f}" for value in row) for row in values) + "\n"


def read(tmp_path, content, wanted=None):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "one.txt").write_bytes(content if isinstance(content, bytes) else content.encode())
    with snapshot_files(folder) as (file,):
        return read_snapshot(file, wanted)


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("2003.10.22.12.06.24", datetime(2003, 10, 22, 12, 6, 24)),
        ("rig_2004-02-12_10-32-39.csv", datetime(2004, 2, 12, 10, 32, 39)),
        ("20040212T103239.txt", datetime(2004, 2, 12, 10, 32, 39)),
        ("acc_00017.csv", None),
        ("2003.13.45.12.06.24", None),
        ("serial 120031022120624999", None),
    ],
)
def test_the_moment_is_found_in_the_name(name, moment):
    assert taken_at(name) == moment


def names_in_order(folder):
    with snapshot_files(folder) as files:
        return [file.name for file in files]


def test_files_come_in_the_order_of_their_times_whatever_stands_before_them(tmp_path):
    for name in ("b_2003.10.22.12.06.24", "a_2003.10.22.12.16.24", "c_2003.09.01.00.00.00"):
        (tmp_path / name).write_text(text())
    expected = ["c_2003.09.01.00.00.00", "b_2003.10.22.12.06.24", "a_2003.10.22.12.16.24"]
    assert names_in_order(tmp_path) == expected


def test_files_without_times_come_by_their_numbers(tmp_path):
    for name in ("10.csv", "9.csv", "1.csv"):
        (tmp_path / name).write_text(text())
    assert names_in_order(tmp_path) == ["1.csv", "9.csv", "10.csv"]


def test_hidden_files_and_folders_are_passed_over(tmp_path):
    (tmp_path / "1.csv").write_text(text())
    (tmp_path / ".DS_Store").write_text("x")
    (tmp_path / "Thumbs.db").write_text("x")
    (tmp_path / "more").mkdir()
    assert names_in_order(tmp_path) == ["1.csv"]


def test_a_zip_holds_the_same_snapshots_as_the_folder(tmp_path):
    archive = tmp_path / "run.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("run/2003.10.22.12.16.24", text(2 * VALUES))
        packed.writestr("run/2003.10.22.12.06.24", text())
        packed.writestr("__MACOSX/._x", "x")
    assert holds_snapshots(archive)
    with snapshot_files(archive) as files:
        first, second = (read_snapshot(file) for file in files)
    np.testing.assert_array_equal(first.signals, VALUES.T)
    assert first.name == "2003.10.22.12.06.24"
    np.testing.assert_allclose(second.signals, 2 * VALUES.T, atol=1e-9)


def test_one_table_in_a_file_zip_or_workbook_is_no_folder_of_snapshots(tmp_path):
    pd.DataFrame({"x": [1.0, 2.0]}).to_excel(tmp_path / "long.xlsx")
    assert not holds_snapshots(tmp_path / "long.xlsx")
    (tmp_path / "long.csv").write_text(text(mark=","))
    with zipfile.ZipFile(tmp_path / "long.zip", "w") as packed:
        packed.writestr("long.csv", text(mark=","))
    assert not holds_snapshots(tmp_path / "long.csv")
    assert not holds_snapshots(tmp_path / "long.zip")


@pytest.mark.parametrize("mark", ["\t", " ", "   ", ",", ";"])
def test_every_separator_is_read(tmp_path, mark):
    snapshot = read(tmp_path, text(mark=mark))
    assert snapshot.channels is None
    np.testing.assert_array_equal(snapshot.signals, VALUES.T)


@pytest.mark.parametrize("mark", ["\t", ";"])
def test_decimal_commas_are_read_where_another_mark_separates(tmp_path, mark):
    np.testing.assert_array_equal(read(tmp_path, text(mark=mark).replace(".", ",")).signals, VALUES.T)


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm(tmp_path):
    content = b"\xef\xbb\xbf" + text().replace("\n", "\r\n").encode()
    np.testing.assert_array_equal(read(tmp_path, content).signals, VALUES.T)


def test_a_line_of_names_names_the_channels_and_times_are_none(tmp_path):
    stamped = "\n".join(f"2024-05-06 00:00:{i:02},{a},{b},{c}" for i, (a, b, c) in enumerate(VALUES))
    snapshot = read(tmp_path, "time (s),inner race,b2,b3\n" + stamped)
    assert snapshot.channels == ("inner race", "b2", "b3")
    np.testing.assert_array_equal(snapshot.signals, VALUES.T)


def test_channels_are_chosen_by_name_in_the_order_asked_for(tmp_path):
    snapshot = read(tmp_path, "a,b,c\n" + text(mark=","), ["c", "a"])
    assert snapshot.channels == ("c", "a")
    np.testing.assert_array_equal(snapshot.signals, VALUES.T[[2, 0]])


def test_all_channels_in_another_order_come_in_that_order(tmp_path):
    snapshot = read(tmp_path, "a,b,c\n" + text(mark=","), ["c", "b", "a"])
    np.testing.assert_array_equal(snapshot.signals, VALUES.T[::-1])


def test_channels_without_names_are_given_them(tmp_path):
    assert read(tmp_path, text(), ["x", "y", "z"]).channels == ("x", "y", "z")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "'one.txt' is empty; take it out of the folder"),
        (" \n\n", "'one.txt' is empty"),
        (b"PK\0\0\0\0", "'one.txt' is no text; a snapshot must be lines of numbers"),
        ("Read me first.\nThis folder holds a run.\n", "'one.txt' must hold numbers only, got 'This'"),
        (
            text() + "1.0\tbroken\t2.0\n",
            "got 'broken' in column 2 of its data row 21; mend it, or take it out",
        ),
        (text() + "1.0\t2.0\n", "as many columns in every row, got 2 after 3 in data row 21"),
        (text(mark=",") + "1.0,,2.0\n", "got nothing in column 2 of its data row 21"),
        (text(VALUES[:5]), "at least 16 lines of numbers, got 5"),
        ("a,b\n" + text(mark=","), "'one.txt' names 2 columns, but its rows have 3"),
        ("time\n" + text(VALUES[:, :1]), "has no channel beside 'time'"),
    ],
)
def test_a_file_that_is_no_snapshot_is_named_with_what_is_wrong(tmp_path, content, words):
    with pytest.raises(ReadingError, match=words):
        read(tmp_path, content)


def test_a_channel_that_does_not_exist_is_named_with_those_that_do(tmp_path):
    with pytest.raises(UsageError, match=r"no channel 'd' in 'one\.txt'; it has 'a', 'b', 'c'"):
        read(tmp_path, "a,b,c\n" + text(mark=","), ["d"])


def test_names_must_be_as_many_as_channels(tmp_path):
    with pytest.raises(UsageError, match=r"'one\.txt' has 3 channels, but 2 names are given"):
        read(tmp_path, text(), ["x", "y"])


def test_a_folder_without_files_and_one_with_a_stranger_are_refused(tmp_path):
    with pytest.raises(ReadingError, match="holds no files; choose the folder that holds the snapshots"):
        names_in_order(tmp_path)
    (tmp_path / "2003.10.22.12.06.24").write_text(text())
    (tmp_path / "README").write_text("hello")
    with pytest.raises(ReadingError, match=r"as '2003\.10\.22\.12\.06\.24' does, but 'README' does not"):
        names_in_order(tmp_path)


def test_a_zip_of_two_runs_and_a_damaged_one_are_refused(tmp_path):
    archive = tmp_path / "runs.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("run 1/1.csv", text())
        packed.writestr("run 2/1.csv", text())
    with pytest.raises(ReadingError, match=r"one run, got the folders 'run 1', 'run 2'"):
        names_in_order(archive)
    broken = bytearray(archive.read_bytes())
    broken[40:60] = bytes(20)
    archive.write_bytes(broken[:-30])
    with pytest.raises(ReadingError, match=r"'runs\.zip' is a damaged or unusual zip archive; unpack it"):
        names_in_order(archive)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    archive = tmp_path / "bomb.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("1.csv", b"0" * (20 << 20))
        packed.writestr("2.csv", b"0")
    with pytest.raises(ReadingError, match="unpacks to far more than it should"):
        names_in_order(archive)
