"""Single files are complete or not there; ordinary files are read, everything else is not."""

import os
import threading

import pytest

from engine.files import locked, publish, read_plain_file, staged_folder, sweep, write_atomically, write_new


def test_a_file_is_replaced_in_one_step(tmp_path):
    path = tmp_path / "a.json"
    write_atomically(path, b"old")
    write_atomically(path, b"new")

    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.json"]


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, call):
    path = tmp_path / "a.json"
    write_atomically(path, b"old")

    def fail(*_: object) -> None:
        raise OSError("no")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="no"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_write_that_takes_only_a_little_is_continued(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))

    write_atomically(tmp_path / "a.bin", b"0123456789")

    assert (tmp_path / "a.bin").read_bytes() == b"0123456789"


def test_a_new_file_replaces_nothing(tmp_path):
    write_new(tmp_path / "a", b"first")

    with pytest.raises(FileExistsError):
        write_new(tmp_path / "a", b"second")
    assert (tmp_path / "a").read_bytes() == b"first"


def test_a_staged_folder_that_is_not_published_is_removed(tmp_path):
    with staged_folder(tmp_path / "staging") as folder:
        write_new(folder / "a", b"half")

    assert os.listdir(tmp_path / "staging") == []


def test_a_published_folder_is_complete_in_its_place(tmp_path):
    with staged_folder(tmp_path / "staging") as folder:
        write_new(folder / "a", b"whole")
        publish(folder, tmp_path / "deep" / "place")

    assert (tmp_path / "deep" / "place" / "a").read_bytes() == b"whole"
    assert os.listdir(tmp_path / "staging") == []


def test_nothing_is_published_over_something(tmp_path):
    (tmp_path / "place").mkdir()
    write_new(tmp_path / "place" / "a", b"first")

    with staged_folder(tmp_path / "staging") as folder:
        write_new(folder / "a", b"second")
        with pytest.raises(OSError, match="not empty"):
            publish(folder, tmp_path / "place")
    assert (tmp_path / "place" / "a").read_bytes() == b"first"


def test_only_an_ordinary_file_is_read(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / "pipe")

    assert read_plain_file(tmp_path / "file", limit=5) == b"12345"
    assert read_plain_file(tmp_path / "file", limit=4) is None
    assert read_plain_file(tmp_path / "link", limit=5) is None
    assert read_plain_file(tmp_path / "pipe", limit=5) is None
    assert read_plain_file(tmp_path, limit=5) is None
    with pytest.raises(FileNotFoundError):
        read_plain_file(tmp_path / "none", limit=5)


def test_a_sweep_spares_what_is_young(tmp_path):
    (tmp_path / "young").write_bytes(b"")
    (tmp_path / "old").mkdir()
    os.utime(tmp_path / "old", (0, 0))

    sweep(tmp_path)
    sweep(tmp_path / "none")

    assert os.listdir(tmp_path) == ["young"]


def test_one_thread_at_a_time_is_inside(tmp_path):
    inside, most = [], []

    def enter() -> None:
        for _ in range(20):
            with locked(tmp_path / "lock"):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (max(most), len(most)) == (1, 80)
