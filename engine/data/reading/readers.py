"""The processes that read files, one for each file; a server has the next one import its libraries ahead of time."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import engine

NEXT_SECONDS = (
    5.0  # from one file to the next reader: what is made of the file first has the processor to itself
)

_LOG = logging.getLogger(__name__)
_HOME = Path(engine.__file__).resolve().parents[1]
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "ARROW_IO_THREADS"),
    "1",
)


class Reader:
    """A process that imports what reading takes and waits for its one order; it ends when it has none to wait for."""

    def __init__(self) -> None:
        environment = {**os.environ, **_ONE_THREAD, "PYTHONDONTWRITEBYTECODE": "1"}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(_HOME), os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "engine.data.reading.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def obey(self, order: dict[str, Any], wall_seconds: float) -> subprocess.CompletedProcess[bytes]:
        """Carry out an order and end; a :class:`subprocess.TimeoutExpired` when that takes longer than it may."""
        try:
            said, warned = self._process.communicate(json.dumps(order).encode(), timeout=wall_seconds)
        except BaseException:
            self.discard()
            raise
        return subprocess.CompletedProcess(self._process.args, self._process.returncode, said, warned)

    def discard(self) -> None:
        """End it now and leave neither a zombie nor an open pipe."""
        self._process.kill()
        self._process.communicate()


class Readers:
    """Hands out readers; may be asked from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keeping = False
        self._ready: Reader | None = None
        self._next: threading.Timer | None = None

    def keep_ready(self) -> None:
        """From now on have one ready before it is asked for, until :meth:`close`."""
        with self._lock:
            self._keeping = True
        self._make_ready()

    def take(self) -> Reader:
        """A reader for one file: the one that is ready, or a new one."""
        with self._lock:
            reader, self._ready = self._ready, None
            if self._keeping and self._next is None:
                self._next = threading.Timer(NEXT_SECONDS, self._make_ready)
                self._next.daemon = True
                self._next.start()
        if reader is not None and reader.alive:
            return reader
        if reader is not None:
            reader.discard()
        return Reader()

    def close(self) -> None:
        """Keep none ready any more."""
        with self._lock:
            self._keeping = False
            reader, self._ready = self._ready, None
            timer, self._next = self._next, None
        if timer is not None:
            timer.cancel()
        if reader is not None:
            reader.discard()

    def _make_ready(self) -> None:
        with self._lock:
            self._next = None
            if self._keeping and self._ready is None:
                try:
                    self._ready = Reader()
                except OSError:  # the next file tries again, and says so if that fails
                    _LOG.exception("no process could be started that reads files")
