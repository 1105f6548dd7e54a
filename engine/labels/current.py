"""The labels of a data set as they stand: the events of its ledger, brought to the rows they are of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.errors import UsageError
from engine.labels.events import last_words, standing
from engine.labels.identity import columns_digest, found_again, identities
from engine.labels.verdicts import Label

if TYPE_CHECKING:
    from engine.data.dataset import Dataset
    from engine.labels.events import LabelEvent
    from engine.labels.ledger import LabelLedger


@dataclass(frozen=True, kw_only=True)
class Labels:
    """The labels of one data set, a row number each."""

    events: dict[int, LabelEvent]  # row number -> the event that stands, in the order of rows
    carried: frozenset[int]  # rows whose label was given to them in another upload
    own: Sequence[LabelEvent]  # all that was ever said of this very data set

    def __len__(self) -> int:
        return len(self.events)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """The labelled rows (n_labels,), ascending."""
        return np.array(list(self.events), dtype=np.int64)

    def of(self, row: int) -> Label | None:
        """The label of a row; None where it has none."""
        event = self.events.get(row)
        return None if event is None else event.label

    @cached_property
    def counts(self) -> Counter[str]:
        """How many rows have each verdict."""
        return Counter(label.verdict for label in self._labels)

    @cached_property
    def classes(self) -> list[str]:
        """The classes in use, the commonest first."""
        return [name for name, _ in Counter(x.class_name for x in self._labels if x.class_name).most_common()]

    @cached_property
    def tags(self) -> list[str]:
        """The tags in use, the commonest first."""
        return [name for name, _ in Counter(x.tag for x in self._labels if x.tag).most_common()]

    @cached_property
    def answers(self) -> NDArray[np.float64]:
        """The labels of the labelled rows as answers (n_labels,): 1 anomaly, 0 normal, NaN not sure."""
        return np.array([label.answer for label in self._labels], dtype=np.float64)

    def spread(self, rows: int) -> NDArray[np.float64]:
        """The answers of all rows of the data set (n_rows,): NaN where nobody has said one."""
        found = np.full(rows, np.nan)
        found[self.rows] = self.answers
        return found

    @property
    def in_words(self) -> str:
        """How many rows are labelled what."""
        counts = self.counts
        said = f"{counts['anomaly']:,} anomal{'y' if counts['anomaly'] == 1 else 'ies'}, {counts['normal']:,} normal"
        return said + (
            f", {counts['unsure']:,} not sure, which count for neither" if counts["unsure"] else ""
        )

    @cached_property
    def anomalies(self) -> NDArray[np.int64]:
        """The rows labelled anomalies (n_anomalies,)."""
        return self.rows[[label.verdict == "anomaly" for label in self._labels]] if len(self) else self.rows

    @property
    def _labels(self) -> list[Label]:
        return [event.label for event in self.events.values() if event.label is not None]


def current_labels(ledger: LabelLedger, dataset: Dataset) -> Labels:
    """The labels of a data set as they stand, those of the same rows in other uploads included.

    What was said of this very data set goes before what was said elsewhere.
    """
    own = ledger.of_dataset(dataset.id)
    here = {row: event for (_, row), event in standing(own).items()}
    others = standing(ledger.elsewhere(dataset.id, columns_digest(dataset.columns))).values()
    wanted = {event.identity: event for event in sorted(others, key=lambda event: event.sequence)}
    spoken_of = {row for _, row in last_words(own)}  # cleared here, a label of elsewhere does not come back
    carried = {
        row: wanted[identity]
        for row, identity in found_again(dataset, wanted).items()
        if row not in spoken_of
    }
    both = {**carried, **here}
    return Labels(events={row: both[row] for row in sorted(both)}, carried=frozenset(carried), own=tuple(own))


def give_labels(
    ledger: LabelLedger, dataset: Dataset, labels: Mapping[int, Label], *, act: str, who: str, model: str = ""
) -> int:
    """Save labels of rows of a data set (row number -> label); how many were not saved before.

    ``act`` is an id that the caller chose: what is sent again under it is not saved again. ``model`` is the one whose
    result was looked at. A row that is not there is a :class:`UsageError`.
    """
    beyond = [row for row in labels if not 0 <= row < dataset.rows]
    if beyond:
        raise UsageError(
            f"there is no row {beyond[0] + 1:,}; the rows of '{dataset.name}' are 1 to {dataset.rows:,}"
        )
    known = identities(dataset, list(labels))
    return ledger.add(act, labels, who=who, dataset=dataset.id, identities=known, model=model)
