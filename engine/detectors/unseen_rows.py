"""How a network of rows is asked: rows kept from its training and what their scores say, and rows chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine.cores import side_by_side, torch_threads
from engine.detectors.base import Progress, Scores

FEWEST_HELD_OUT = 20
TRUSTED_HELD_OUT = 500  # held-out rows whose scores alone say where the threshold lies


def held_out_rows(n: int, share: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """The numbers, in order, of a share of ``n`` rows, drawn at random."""
    wanted = max(round(share * n), min(FEWEST_HELD_OUT, n // 4), 1)
    return np.sort(rng.permutation(n)[:wanted])


def unseen_scores(scores: Scores, held_out: NDArray[np.int64]) -> Scores:
    """Reference scores from those of the training rows (n_samples,), as rows would get them that were not learned from.

    Few held-out rows say how much worse such rows do; the shape of the tail then comes from all rows.
    """
    if len(held_out) >= TRUSTED_HELD_OUT:
        return scores[held_out]
    learned = np.delete(scores, held_out)
    worse = max(1.0, float(np.median(scores[held_out]) / max(np.median(learned), np.finfo(float).tiny)))
    return np.concatenate([scores[held_out], learned * worse])


def mean_known(parts: Scores, known: NDArray[np.bool_]) -> Scores:
    """What each known group adds to a row's mean over its known groups (n, n_groups)."""
    shares: Scores = np.where(known, parts, 0.0) / np.maximum(known.sum(axis=1, keepdims=True), 1)
    return shares


def by_chunks(
    work: Callable[[Scores], Scores], X: Scores, chunk: int, progress: Progress, said: str
) -> Scores:
    """What ``work`` answers for rows (n_samples, …), asked ``chunk`` rows at a time, on several cores at once."""
    found, starts = [], range(0, len(X), chunk)
    with torch_threads(1):
        for start, part in zip(
            starts, side_by_side(lambda at: work(X[at : at + chunk]), starts), strict=True
        ):
            found.append(part)
            progress(min(1.0, (start + chunk) / len(X)), said)
    return np.concatenate(found)
