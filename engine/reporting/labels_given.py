"""Labels given in Loupe, in a report: how many, how right the flags are so far, and what that does not say."""

from __future__ import annotations

from engine.errors import EngineError
from engine.labels.consequences import precision_so_far
from engine.labels.current import Labels, current_labels
from engine.reporting.content import Block, Facts, Text
from engine.reporting.subject import Subject
from engine.scoring.wording import percent
from engine.workspace import Workspace


def labels_of(space: Workspace, dataset_id: str) -> Labels | None:
    """The labels given to rows of a data set, as they stand; None where there are none."""
    if space.database_url is None and not (space.root / "loupe.db").exists():
        return None  # nothing was ever labelled here
    ledger = space.open_labels()
    try:
        found = current_labels(ledger, space.datasets.get(dataset_id))
    except EngineError:  # a report is worth more than this part of it
        return None
    finally:
        ledger.close()
    return found if len(found) else None


def labels_given(subject: Subject) -> list[Block]:
    """The part of the evaluation about labels given in Loupe; nothing without any."""
    labels, now = subject.given, subject.judgement
    if labels is None:
        return []
    line = now.threshold if now.own is None else now.own.of_rows[labels.rows]
    precision = precision_so_far(subject.scores[labels.rows], labels.answers, line, flagged=now.flagged)
    facts = {"Labels given in Loupe": labels.in_words}
    if precision.share is None:
        facts["Precision so far"] = f"no flagged {subject.row_word} has a label yet"
    else:
        low, high = precision.interval
        facts["Precision so far"] = (
            f"{percent(precision.share)}: {precision.anomalies:,} of {precision.labelled:,} labelled flags; drawn by "
            f"lot, it would lie between {100 * low:.0f} and {100 * high:.0f} %"
        )
    said = f"{subject.row_word.capitalize()}s are labelled because they looked unusual, not by lot."
    return [Facts(facts, "Labels given"), Text(said, "small")]
