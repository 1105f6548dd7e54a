"""Known answers beside scores, where there is a table and no page: their column, and what they say of a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.data.roles import Roles, as_binary
from engine.data.timeline import Timeline
from engine.errors import UsageError
from engine.scoring.events import event_blocks
from engine.scoring.metrics import confusion

if TYPE_CHECKING:
    import pandas as pd

    from engine.model import Card

Array = NDArray[np.float64]


def answers_of(label: str | None, frame: pd.DataFrame, card: Card) -> Array:
    """The labels (n_rows,) of a table: in the column named, or in the one the model was trained beside."""
    name = label or Roles.from_dict(card.roles).label
    if name is None or name not in frame.columns:
        names = ", ".join(repr(str(column)) for column in frame.columns)
        raise UsageError(
            f"this rule needs known answers, and there is no column {'for them' if name is None else repr(name)}; "
            f"name one with --label; the columns are {names}"
        )
    answers: Array = as_binary(frame[name])[0]
    return answers


def blocks_of(frame: pd.DataFrame, card: Card, labels: Array | None) -> NDArray[np.int64] | None:
    """:func:`nearest_events` by the roles a model was trained with."""
    return nearest_events(frame, Roles.from_dict(card.roles), labels)


def nearest_events(frame: pd.DataFrame, roles: Roles, labels: Array | None) -> NDArray[np.int64] | None:
    """For each row of a series the labelled event it lies nearest to (n_rows,); None of a table."""
    columns = {name for name in (roles.time, roles.entity) if name is not None}
    if labels is None or roles.kind != "series" or roles.time is None or not columns <= set(frame.columns):
        return None
    timeline = Timeline.of(frame, roles)
    blocks = np.empty(len(labels), dtype=np.int64)
    blocks[timeline.order] = event_blocks(labels[timeline.order] > 0, timeline.segments)
    return blocks


def on_the_other_half(scores: Array, labels: Array, told: Array, threshold: float) -> str:
    """How a line does on the labels it was not told, in words."""
    counts = confusion(scores, np.where(np.isfinite(told), np.nan, labels), threshold)
    right = "nothing is flagged" if counts.precision is None else f"precision {100 * counts.precision:.1f} %"
    return (
        f"chosen on one half of the labels; on the other half {right}, recall {100 * counts.recall:.1f} %, F1 "
        f"{counts.f1:.3f}"
    )
