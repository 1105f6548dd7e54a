"""A window beside the normal one most like it, for people who want to see what is missing to make it ordinary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from engine.detectors.window_library import FLAT, Floats, Shape, Singles, View, seen


@dataclass(frozen=True, kw_only=True)
class Alike:
    """The window around a reading beside the normal one most like it, in the matrix' units."""

    begin: int  # the reading with which the window begins
    view: View  # in which the two were compared
    origin: int  # the training reading with which the normal window begins
    readings: Floats  # (length, n_channels): the normal window, as it was
    matched: Floats  # (length, n_channels): the same, given the level and size of this window where the view minds none
    ratio: float  # its distance in usual ones
    percentile: float  # percentage of training windows that have a nearer one, 0 to 100
    parts: Floats  # (n_channels,): what each channel adds to the square of the distance, 0 to 1

    @classmethod
    def of(
        cls,
        window: Singles,
        readings: Singles,
        shape: Shape,
        view: View,
        edges: Singles | None,
        *,
        begin: int,
        origin: int,
        distance: float,
        usual: float,
        others: Floats,
    ) -> Self:
        """Of a ``window`` as :meth:`Shape.cut` gives it (count, n_channels) and the normal one's readings.

        ``edges`` are those of :func:`seen`, ``usual`` is the usual distance, ``others`` (n_others,) are those of
        training windows to their nearest ones.
        """
        normal = shape.cut(shape.means(readings), np.array([0]))[0]
        apart = seen(window[None], view, edges) - seen(normal[None], view, edges)
        parts = (apart * apart).reshape(shape.count, -1).sum(axis=0, dtype=np.float64)
        return cls(
            begin=begin,
            view=view,
            origin=origin,
            readings=readings.astype(np.float64),
            matched=_matched(readings.astype(np.float64), normal, window, view),
            ratio=distance / usual,
            percentile=100 * float((others < distance).mean()) if len(others) else float("nan"),
            parts=parts / max(float(parts.sum()), float(np.finfo(np.float64).tiny)),
        )


def _matched(readings: Floats, coarse: Singles, onto: Singles, view: View) -> Floats:
    """A window (length, n_channels) with the level and size of another one, as far as a view minds neither.

    ``coarse`` and ``onto`` (count, n_channels) are the two windows as they are compared.
    """
    if view == "raw":
        return readings
    factor = _spread(onto) / _spread(coarse) if view == "normalised" else np.float32(1)
    root = np.sqrt(len(readings) / len(coarse))  # coarse numbers are means times this
    return (readings - coarse.mean(axis=0) / root) * factor + onto.mean(axis=0) / root


def _spread(window: Singles) -> Singles:
    """How far each channel of a window spreads (n_channels,), none less than what counts as flat."""
    apart = window - window.mean(axis=0)
    return np.maximum(np.sqrt((apart * apart).mean(axis=0)), np.float32(FLAT))
