"""How work with torch shares the processor: its own threads, and blocks of rows that are worked on side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

MOST_SIDE_BY_SIDE = 4  # between two products Python holds the interpreter: more threads would wait for it

Block = TypeVar("Block")


@contextmanager
def torch_threads(n: int | None) -> Iterator[None]:
    """Let each product of torch have ``n`` threads, and afterwards as many as before; None: as many as before."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(n or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def side_by_side(work: Callable[[Block], None], blocks: Sequence[Block]) -> None:
    """Do ``work`` on every block, on several cores at once where there are any.

    Blocks must not depend on each other. Each product has one thread, so that what comes out is the same to the last
    digit on however many cores, and threads never wait for each other: beside another job they only take turns.
    """
    threads = min(cores(), MOST_SIDE_BY_SIDE, len(blocks))
    with torch_threads(1):
        if threads < 2:
            for block in blocks:
                work(block)
            return
        with ThreadPoolExecutor(threads, thread_name_prefix="block") as pool:
            for _ in pool.map(work, blocks):  # what a block raises is raised here
                pass


def cores() -> int:
    """The cores this process may run on."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux alone
    return len(affinity(0)) if affinity else os.cpu_count() or 1
