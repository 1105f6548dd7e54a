"""The end of a process that was there for one thing: what it said is written, and it is gone at once."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End this process with an exit code. Somebody waits for its end, and taking torch apart takes a second."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # a full disk, or nobody who reads
            stream.flush()
    os._exit(code)
