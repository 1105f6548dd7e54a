"""Many processes use one store at once; each sees complete models, and no number is given out twice."""

import subprocess
import threading

import pytest

from engine.errors import StoreError, UsageError
from engine.files import locked
from engine.store import ModelStore
from tests.engine.store import saver
from tests.engine.store.test_crash import start

WRITERS, SAVES_EACH = 8, 20


def output_of(child: subprocess.Popen[str]) -> list[list[str]]:
    text, _ = child.communicate(timeout=60)
    assert child.returncode == 0
    return [line.split() for line in text.splitlines()]


@pytest.mark.slow
def test_eight_processes_save_the_same_name(root):
    children = [start("burst", root, SAVES_EACH) for _ in range(WRITERS)]
    lines = [line for child in children for line in output_of(child)]

    acknowledged = {int(line[2]): line[3] for line in lines if line[0] == "ack"}
    store = ModelStore(root)
    assert sorted(acknowledged) == list(range(1, WRITERS * SAVES_EACH + 1))
    assert [card["version"] for card in store.versions(saver.NAME)] == sorted(acknowledged, reverse=True)
    assert store.active(saver.NAME) == max(acknowledged)
    for number, digest in acknowledged.items():
        assert saver.digest(store.parts(f"{saver.NAME}@{number}")) == digest
    assert store.verify() == []
    assert list((root / ".staging").iterdir()) == []


def test_threads_share_a_store(store):
    refs = []

    def save() -> None:
        refs.extend(store.save("pump", {}, {"a.json": b"{}"}) for _ in range(5))

    threads = [threading.Thread(target=save) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ref.version for ref in refs) == list(range(1, 31))


@pytest.mark.slow
def test_a_reader_never_sees_a_torn_state(root):
    """A writer saves, promotes and deletes without pause; what is read is there and belongs together."""
    store, reads, gone = ModelStore(root), 0, 0
    with start("churn", root, "writer") as child:
        try:
            assert child.stdout.readline() == "begin save\n"
            while not store.models():
                pass
            while reads < 150:
                parts = store.parts(saver.NAME)  # the active version: always one, always whole
                marks = {part[: part.index(b";") + 1] for part in parts.values()}
                assert len(marks) == 1
                assert [card.get("damaged") for card in store.models()] == [None]
                chosen = store.resolve(saver.NAME)
                try:
                    card, parts = store.card(chosen), store.parts(chosen)
                    assert all(part.startswith(card["mark"].encode()) for part in parts.values())
                except UsageError:
                    gone += 1  # deleted between two calls, and said so
                reads += 1
        finally:
            child.kill()
    assert gone < reads / 2


def test_a_writer_that_hangs_does_not_block_the_others_for_ever(store, root, monkeypatch):
    store.save("pump", {}, {})
    monkeypatch.setattr("engine.files._LOCK_SECONDS", 0.05)

    with (
        locked(root / ".lock"),
        pytest.raises(StoreError, match=r"another program has been writing for too long"),
    ):
        store.save("pump", {}, {})
    assert store.save("pump", {}, {}).version == 2
