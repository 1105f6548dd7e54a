"""The operating system fails at every single call in turn: a step happens wholly or not at all."""

import errno
import itertools
import os

import pytest

from engine.errors import StoreError
from engine.store import ModelStore
from tests.engine.store.specimens import CARD, PARTS, make_old

CALLS = ("open", "write", "fsync", "rename", "replace", "mkdir", "unlink", "utime", "listdir")


class Fault:
    """Makes the n-th call to the operating system fail; a write fails after half of what it was given."""

    def __init__(self, monkeypatch, n: int, problem: BaseException) -> None:
        self.n, self.problem, self.calls = n, problem, 0
        for call in CALLS:
            monkeypatch.setattr(os, call, self._failing(call, getattr(os, call)))

    def _failing(self, name, call):
        def wrapper(*arguments, **options):
            self.calls += 1
            if self.calls != self.n:
                return call(*arguments, **options)
            if name == "write":
                call(arguments[0], arguments[1][: len(arguments[1]) // 2])
            raise self.problem

        return wrapper


def state(store):
    """Every visible version with its content, and which one is active; all of it must be readable."""
    versions = store.versions("pump") if store.models() else []
    return {card["version"]: (card["active"], store.parts(f"pump@{card['version']}")) for card in versions}


STEPS = {
    "save": lambda store: store.save("pump", {**CARD, "again": True}, PARTS),
    "promote": lambda store: store.promote("pump@1"),
    "delete": lambda store: store.delete("pump@2"),
    "delete all": lambda store: store.delete("pump"),
}
PROBLEMS = {
    "full": lambda: OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    "broken": lambda: OSError(errno.EIO, os.strerror(errno.EIO)),
    "memory": MemoryError,
}


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("step", STEPS)
def test_every_call_fails_in_turn(tmp_path, step, problem):
    for n in itertools.count(1):
        root = tmp_path / str(n)
        for _ in range(2):
            ModelStore(root).save("pump", CARD, PARTS)
        before = state(ModelStore(root))

        with pytest.MonkeyPatch.context() as monkeypatch:
            fault = Fault(monkeypatch, n, PROBLEMS[problem]())
            try:
                STEPS[step](ModelStore(root))
                succeeded = True
            except (StoreError, MemoryError):
                succeeded = False
        if fault.calls < n:
            break

        store = ModelStore(root)
        after = state(store)
        assert store.verify() == []
        if not (succeeded or after == before):
            assert_step_was_done(step, before, after)
        store.save("pump", CARD, PARTS)  # without a restart, once there is space again
        assert store.active("pump") == max(state(store)) > 2
        make_old(root / ".staging")
        assert store.verify() == []
        assert list((root / ".staging").iterdir()) == []
    assert succeeded
    assert n > 10


def assert_step_was_done(step, before, after) -> None:
    """The step failed after its commit point, so it has happened wholly."""
    left = {number: parts for number, (_, parts) in after.items()}
    assert (
        left
        == {
            "save": {1: PARTS, 2: PARTS, 3: PARTS},
            "promote": {1: PARTS, 2: PARTS},
            "delete": {1: PARTS},
            "delete all": {},
        }[step]
    )
    assert [active for active, _ in after.values()].count(True) == (1 if after else 0)


def test_a_full_disk_is_said_in_words(store, monkeypatch):
    store.save("pump", CARD, PARTS)
    Fault(monkeypatch, 4, PROBLEMS["full"]())

    with pytest.raises(StoreError, match=r"^model 'pump' was not saved: the disk is full; delete something"):
        store.save("pump", CARD, PARTS)


def test_a_place_that_may_not_be_written_is_said_in_words(store, monkeypatch):
    store.save("pump", CARD, PARTS)
    Fault(monkeypatch, 4, PermissionError(errno.EACCES, "Permission denied", "/somewhere/.staging"))

    with pytest.raises(StoreError, match=r"this program may not read or write '.staging'; change who may"):
        store.save("pump", CARD, PARTS)


def test_the_disk_has_everything_before_the_rename_and_the_rename_before_save_returns(
    store, root, monkeypatch
):
    """What a power cut would test: content, then names, then the commit point, then its name."""
    store.save("pump", CARD, PARTS)
    events = []

    def path_of(descriptor):
        return os.readlink(f"/proc/self/fd/{descriptor}").rpartition("/")[2]

    def watched(name, call, describe):
        def wrapper(*arguments):
            events.append((name, describe(*arguments)))
            return call(*arguments)

        monkeypatch.setattr(os, name, wrapper)

    watched("write", os.write, lambda descriptor, _: path_of(descriptor))
    watched("fsync", os.fsync, path_of)
    watched("rename", os.rename, lambda _, target: target.name)
    store.save("pump", CARD, PARTS)

    contents = [(call, file) for file in [*PARTS, "manifest.json"] for call in ("write", "fsync")]
    staged = [event for event in events if len(event[1]) == 32 and event[0] == "fsync"]  # by its random name
    assert [event for event in events if event in contents] == contents
    assert events[-3:] == [staged[-1], ("rename", "2"), ("fsync", "pump")]
