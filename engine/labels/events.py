"""What was said of rows, as the ledger tells it, and what of it stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.labels.identity import Identity
from engine.labels.verdicts import Label


@dataclass(frozen=True, kw_only=True)
class LabelEvent:
    """One line of the ledger: a label of a row, or, where ``withdraws`` is set, the end of an act."""

    sequence: int
    act: str
    at: float
    who: str
    dataset: str
    row: int | None
    identity: Identity
    label: Label | None
    model: str
    withdraws: str | None


def last_words(events: Iterable[LabelEvent]) -> dict[tuple[str, int], LabelEvent]:
    """What was said last of each row (data set, row) and not withdrawn, whichever way the events come."""
    events = sorted(events, key=lambda event: event.sequence)
    withdrawn = {event.withdraws for event in events}
    last: dict[tuple[str, int], LabelEvent] = {}
    for event in events:
        if event.label is not None and event.row is not None and event.act not in withdrawn:
            last[event.dataset, event.row] = event
    return last


def standing(events: Iterable[LabelEvent]) -> dict[tuple[str, int], LabelEvent]:
    """The label of each row (data set, row) as it stands: what was said last, unless that clears."""
    last = last_words(events)
    return {place: event for place, event in last.items() if event.label and event.label.verdict != "cleared"}


def last_act(events: Sequence[LabelEvent], who: str) -> list[LabelEvent]:
    """The events of the last act of somebody that was not withdrawn; none where there is none."""
    withdrawn = {event.withdraws for event in events}
    own = [event for event in events if event.label and event.who == who and event.act not in withdrawn]
    if not own:
        return []
    act = max(own, key=lambda event: event.sequence).act
    return [event for event in own if event.act == act]
