"""Whether reasons are what scores come from: take the named columns out of flagged rows, and see whether scores fall.

A deletion check (Samek, Binder, Montavon, Lapuschkin and Müller, 2017; "comprehensiveness" in DeYoung et al., 2020,
ERASER), beside as many columns of the same rows that were not named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.data.prepared import Prepared
from engine.model import Model
from engine.scoring.ordinary import ordinary_cells
from engine.scoring.surroundings import Surroundings
from engine.scoring.wording import percent

MOST_ROWS, MOST_READINGS = 100, 20  # flagged rows checked; a reading of a sequential detector costs windows
NAMED = 3  # reasons taken out together
WORDS = {1: "one", 2: "two", 3: "three"}
CLEAR, SLIGHT = 0.3, 0.1  # by how much more of a score named columns must be than others

Array = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Faithfulness:
    """What scores lose without the columns that were named, and without others.

    A loss is a share of what the score lies above the median of the training scores: 1 where the row has become as
    ordinary as that. All are means over the rows.
    """

    rows: int  # flagged rows that were checked
    named: int  # reasons taken out together
    first: float  # without the first reason
    together: float  # without all of them
    beside: int  # columns not named, as many where there are enough; 0 for readings in order, see below …
    others: float  # … drawn by lot: without them
    cured: float  # share of the rows no longer flagged without all of them

    @property
    def text(self) -> str:
        """The check in words, with what it means."""
        more = (
            f"; in place of the first {WORDS[self.named]}, {percent(self.together)}" if self.named > 1 else ""
        )
        other = f"{WORDS.get(self.beside)} other column{'s' if self.beside > 1 else ''}"
        beside = f"; in place of {other}, {percent(self.others)}" if self.beside else ""
        return (
            f"checked on {self.rows:,} flagged rows. With an ordinary value in place of the first reason the score "
            f"loses {percent(self.first)} of its height above an ordinary row{more}{beside}. {self.meaning}"
        )

    @property
    def meaning(self) -> str:
        """Whether the reasons can be relied on."""
        more = self.together - self.others
        if more >= CLEAR:
            return "So the scores do come from the columns that are named."
        if more >= SLIGHT:
            return "So the scores come from the columns that are named in part only."
        return "So read the reasons with care: the columns that are named matter no more than others."

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Faithfulness | None:
        """What :meth:`as_dict` gave; None for what an earlier version measured in another way."""
        return cls(**values) if values.keys() == cls.__dataclass_fields__.keys() else None


def faithfulness(
    model: Model, prepared: Prepared, scores: Array, rows: Rows, contributions: Array
) -> Faithfulness | None:
    """Check the reasons of explained ``rows`` (n_rows,) by their contributions (n_rows, n_channels).

    ``scores`` (n_samples,) are those of all rows. Readings in order have no comparison: a window the model learned from
    would find itself again, disturbance and all, where another channel is changed. None where no row is flagged by the
    model's own threshold, or where the model looks at a single column.
    """
    n_channels = contributions.shape[1]
    flagged = np.flatnonzero(scores[rows] > model.card.threshold)
    if not len(flagged) or n_channels < 2:
        return None
    most = MOST_READINGS if prepared.readings is not None else MOST_ROWS
    chosen = flagged[np.unique(np.linspace(0, len(flagged) - 1, most).astype(np.int64))]
    order = np.argsort(-contributions[chosen], axis=1, kind="stable")
    named = min(NAMED, n_channels - 1)
    lots = np.random.default_rng(0).permuted(order[:, named:], axis=1)[:, :named]
    told = [order[:, :1], order[:, :named], lots]
    if prepared.readings is not None:
        after = _without_in_readings(model, prepared, scores, rows[chosen], told[:2])
        after.append(scores[rows[chosen]])
    else:
        after = [_without_in_rows(model, prepared.encoded.values[rows[chosen]], taken) for taken in told]
    before, usual = scores[rows[chosen]], float(np.median(model.card.reference_scores))
    height = np.maximum(before - usual, np.finfo(np.float64).tiny)
    first, together, others = (float(np.mean(np.clip((before - now) / height, 0.0, 1.0))) for now in after)
    return Faithfulness(
        rows=len(chosen),
        named=named,
        first=first,
        together=together,
        beside=lots.shape[1] if prepared.readings is None else 0,
        others=others,
        cured=float(np.mean(after[1] <= model.card.threshold)),
    )


def _without_in_rows(model: Model, X: Array, taken: Rows) -> Array:
    """Scores of rows (n_rows,) with an ordinary value in place of some channels, one after the other."""
    groups, altered = model.recipe.groups, X.copy()
    for channels in taken.T:
        here = groups == channels[:, None]
        altered = np.where(here, ordinary_cells(model, altered), altered)
    return model.detector.decision_function(altered)


def _without_in_readings(
    model: Model, prepared: Prepared, scores: Array, rows: Rows, told: list[Rows]
) -> list[Array]:
    """The same of readings in order: for each choice of channels the scores of the rows (n_rows,)."""
    assert prepared.readings is not None, "readings in order are for a sequential detector"
    around = Surroundings.of(model, prepared, scores)
    segments = [around.around(int(place)) for place in prepared.readings.places[rows]]
    altered = [
        around.replaced(segment, channels)
        for taken in told
        for segment, channels in zip(segments, taken, strict=True)
    ]
    return list(around.judge(altered).reshape(len(told), len(rows)))
