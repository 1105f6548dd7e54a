"""The pictures of a report, drawn by processes of their own while the rest of it is put together.

What draws keeps Python's lock all the while, so that threads would draw one after the other.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from engine.cores import cores

PAINTER = Path(__file__).resolve().parents[1] / "charts" / "painter.py"
MOST = 2  # painters: each takes a second to begin, and a hundred megabytes

Paint = Callable[[Mapping[str, Any], str, float], bytes]
Waiting = Callable[[], bytes]


@dataclass(frozen=True)
class Easel:
    """Draws pictures side by side: ``start`` one now, and wait for it when it is needed."""

    painters: SimpleQueue[subprocess.Popen[bytes]]
    threads: ThreadPoolExecutor | None  # None: this process draws by itself, when a picture is waited for

    def start(self, spec: Mapping[str, Any], format: str, scale: float) -> Waiting:
        """Ask for a picture of a whole specification; what is returned waits for it."""
        if self.threads is None:
            return lambda: _here(spec, format, scale)
        return self.threads.submit(self._drawn, spec, format, scale).result

    def _drawn(self, spec: Mapping[str, Any], format: str, scale: float) -> bytes:
        painter = self.painters.get()
        try:
            content = _asked(painter, [spec, format, scale])
        finally:
            self.painters.put(painter)
        return _here(spec, format, scale) if content is None else content


BY_ITSELF = Easel(SimpleQueue(), None)


@contextmanager
def easel(most: int = MOST) -> Iterator[Easel]:
    """Painters that begin at once, as many as there are cores for, and end with the block."""
    with ExitStack() as stack:
        painters: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        count = min(most, cores())
        if count < 2:  # one core: a painter beside this process would only take its time
            yield BY_ITSELF
            return
        started = [stack.enter_context(_painter()) for _ in range(count)]
        for painter in started:
            painters.put(painter)
        with ThreadPoolExecutor(count) as threads:
            yield Easel(painters, threads)


@contextmanager
def _painter() -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-P", str(PAINTER)]
    pipe = subprocess.PIPE
    painter = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
    try:
        yield painter
    finally:
        painter.kill()  # it has nothing to tidy up
        with suppress(OSError):  # what was written and not read
            painter.communicate()


def _asked(painter: subprocess.Popen[bytes], what: Sequence[Any]) -> bytes | None:
    """What a painter answers; None where it cannot, or is no more."""
    from engine.charts.painter import FAILED, SIZE

    assert painter.stdin is not None
    assert painter.stdout is not None
    try:
        painter.stdin.write(json.dumps(what).encode() + b"\n")
        painter.stdin.flush()
        told = painter.stdout.read(SIZE)
        length = int.from_bytes(told, "big")
        if len(told) < SIZE or length == FAILED:
            return None
        content = painter.stdout.read(length)
    except (OSError, ValueError):
        return None
    return content if len(content) == length else None


def _here(spec: Mapping[str, Any], format: str, scale: float) -> bytes:
    from engine.charts.painter import paint

    return paint(dict(spec), format, scale)
