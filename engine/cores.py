"""How long work shares the processor: threads of a product, and blocks of rows that are worked on side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

MOST_SIDE_BY_SIDE = 4  # between two products Python holds the interpreter: more threads would wait for it

Block = TypeVar("Block")
Part = TypeVar("Part")


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


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let each product of numpy have one thread: a product of few rows waits for others longer than it takes."""
    with libraries_with_threads().limit(limits=1, user_api="blas"):
        yield


@cache
def libraries_with_threads() -> ThreadpoolController:
    """Looked for once, which takes longer than many a product; numpy's, which matters here, is there by then."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def side_by_side(work: Callable[[Block], Part], blocks: Sequence[Block]) -> Iterator[Part]:
    """What ``work`` answers for every block, in their order, on several cores at once where there are any.

    Blocks must not depend on each other, and each product should have one thread (see above): then what comes out is
    the same to the last digit on however many cores, and threads never wait for each other; beside another job they
    only take turns. Whoever stops listening stops the work that has not begun.
    """
    threads = min(cores(), MOST_SIDE_BY_SIDE, len(blocks))
    if threads < 2:
        yield from map(work, blocks)
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="block")
    try:
        yield from pool.map(work, blocks)
    finally:
        pool.shutdown(cancel_futures=True)


def evenly(n: int, most: int) -> list[slice]:
    """``n`` rows in blocks of at most ``most``, about equally many in each.

    An odd block, or a last one of few rows, leaves cores without work at the end: where there are three blocks or more,
    there are as many as all cores share out among them.
    """
    count = -(-n // most)
    shared_out = -(-count // MOST_SIDE_BY_SIDE) * MOST_SIDE_BY_SIDE
    count = shared_out if count > MOST_SIDE_BY_SIDE // 2 else count
    return [slice(n * block // count, n * (block + 1) // count) for block in range(count)]


def cores() -> int:
    """The cores this process may run on."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux alone
    return len(affinity(0)) if affinity else os.cpu_count() or 1
