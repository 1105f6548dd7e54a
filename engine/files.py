"""Files that are either complete or not there, also after a kill or a power cut.

One recipe for both files and folders: prepare where nobody looks, fsync the content, rename into
place, fsync the folder that holds the new name. The rename is the commit point. Preparation happens
in a *staging* folder on the same file system; what a killed process left there is swept later.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ABANDONED_SECONDS = 3600.0
"""Nothing takes this long to prepare, so what has lain in staging for longer belongs to nobody."""

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}

_LOCK_SECONDS = 30.0  # a writer holds the lock for milliseconds; longer means that it hangs
_LOCK_PAUSE_SECONDS = 0.005


def write_atomically(path: Path, data: bytes, *, staging: Path | None = None, wait: bool = True) -> None:
    """Put ``data`` at ``path`` in one step: a reader sees the old content or the new, never a mixture.

    It is prepared in ``staging`` if that is given (on the same file system), else beside ``path``. Without ``wait`` it
    outlives a kill of the process, not a loss of power: for what can be told to be damaged and made again.
    """
    beside = (staging or path.parent) / f".{uuid.uuid4().hex}.tmp"
    try:
        write_new(beside, data, wait=wait)
        os.replace(beside, path)
    except BaseException:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
    if wait:
        sync_folder(path.parent)


def write_new(path: Path, data: bytes, *, wait: bool = True) -> None:
    """Write a file that does not exist yet, and ``wait`` until the disk has its content."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]  # a write may take less than all it was given
        if wait:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def staged_folder(staging: Path) -> Iterator[Path]:
    """A folder nobody else sees, to fill and :func:`publish`; removed at the end if it was not."""
    folder = staging / uuid.uuid4().hex
    make_folder(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # published, there is nothing left to remove


def publish(folder: Path, target: Path) -> None:
    """Move a complete folder to its place in one step; an OSError if something is there already."""
    sync_folder(folder)
    make_folder(target.parent)
    os.rename(folder, target)  # fails on a folder that has content: nothing is ever overwritten
    sync_folder(target.parent)


def remove_folder(folder: Path, *, staging: Path) -> None:
    """Make a folder vanish in one step, then give its space back."""
    make_folder(staging)
    away = staging / uuid.uuid4().hex
    os.utime(folder)  # what is on its way out is not abandoned yet, however old it is
    os.rename(folder, away)
    sync_folder(folder.parent)
    shutil.rmtree(away, ignore_errors=True)  # what cannot be removed now is swept later


def sweep(staging: Path, *, older_than: float = ABANDONED_SECONDS) -> None:
    """Remove what killed processes left in a staging folder."""
    oldest = time.time() - older_than
    with suppress(FileNotFoundError), os.scandir(staging) as entries:
        for entry in entries:
            with suppress(OSError):  # its owner, or a sweep elsewhere, was quicker
                if entry.stat(follow_symlinks=False).st_mtime >= oldest:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    os.unlink(entry.path)


def read_plain_file(path: Path, *, limit: int) -> bytes | None:
    """The content of an ordinary file, or None for a link, a device, a pipe or more than ``limit`` bytes."""
    try:
        # Without O_NONBLOCK, opening a pipe waits for somebody to write to it.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as problem:
        if problem.errno == errno.ELOOP:  # what O_NOFOLLOW says of a link
            return None
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
            return None
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(status.st_size)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents; the disk knows them when this returns."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names of what a folder holds."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def reason(problem: Exception) -> str:
    """What went wrong, in words a person may read."""
    if not isinstance(problem, OSError):
        return str(problem)
    if problem.errno in _FULL:
        return "the disk is full; delete something that is no longer needed"
    if problem.errno in _FORBIDDEN:
        place = f"'{Path(problem.filename).name}'" if isinstance(problem.filename, str) else "its folder"
        return f"this program may not read or write {place}; change who may"
    return f"the disk answered '{problem.strerror or problem}'"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Only one process, and one thread of it, is inside at a time; a killed one lets go by itself."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _wait_for(descriptor, until=time.monotonic() + _LOCK_SECONDS)
        try:
            yield
        finally:
            # Said explicitly: closing is not enough while a forked child has the descriptor too.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, *, until: float) -> None:
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise TimeoutError("another program has been writing for too long") from None
            time.sleep(_LOCK_PAUSE_SECONDS)
