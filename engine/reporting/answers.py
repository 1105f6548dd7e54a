"""The section that checks flags and scores against known answers, where there are any."""

from __future__ import annotations

import numpy as np

from engine import charts
from engine.charts.chart import counted
from engine.checked import Checked, CheckedSeries
from engine.errors import DataError
from engine.reporting.content import Block, Facts, Figure, Text
from engine.reporting.labels_given import labels_given
from engine.reporting.subject import Subject
from engine.scoring.wording import number_in_words, percent

FEW = 5  # anomalies, or events: with fewer, each of them moves every figure a lot
UNITS = ((86_400, "days"), (3_600, "hours"), (60, "minutes"), (1, "seconds"))
WINDOW, LONGEST = 100, 500  # readings of tolerance, where the model judges by none, and at most


def evaluation(subject: Subject) -> list[Block]:
    """How well flags and scores meet the known answers; without any, that this was not measured."""
    return [*_by_the_column(subject), *labels_given(subject)]


def _by_the_column(subject: Subject) -> list[Block]:
    if subject.labels is None or subject.label is None:
        said = (
            "There are no known answers in this data, so it was not measured how many flags are right. To measure it, "
            "say of some rows whether they are anomalies, in a column of their own."
        )
        return [Text(said)]
    labels, understood = subject.labels
    values = subject.level
    edges, _ = charts.histogram(values)
    try:
        checked = Checked.of(values, labels, edges)
        events = [] if subject.series is None else _of_events(subject, labels)
    except DataError as problem:
        return [Text(f"Nothing was measured: {problem}.")]
    blocks: list[Block] = [
        Text(_in_a_sentence(subject, checked), "lead"),
        Text(f"Answers are read from '{subject.label}': {understood}.", "small"),
    ]
    if subject.label in subject.card.columns or (subject.card.labelled and not subject.card.classes):
        said = (
            "The model learned from these answers, so it knows them: the figures say little about new data."
        )
        blocks.append(Text(said, "caution"))
    blocks += events
    blocks.append(Facts(_of_rows(subject, checked), f"{subject.row_word.capitalize()} by {subject.row_word}"))
    threshold = subject.judgement.threshold
    for title, draw in (
        ("ROC curve", checked.roc_chart),
        ("Precision-recall curve", checked.pr_chart),
        ("Flags against answers", checked.confusion_chart),
        ("Scores by answer", checked.score_chart),
    ):
        blocks.append(Figure(title=title, chart=draw(threshold, theme="light"), wide=False))
    return blocks


def _in_a_sentence(subject: Subject, checked: Checked) -> str:
    word, counts = subject.row_word, checked.confusion(subject.judgement.threshold)
    known = counts.true_positives + counts.false_negatives
    flagged = counts.true_positives + counts.false_positives
    said = f"Of {counted(known, 'known anomaly', 'known anomalies')} {counts.true_positives:,} are flagged. "
    if flagged:
        said += f"Of {counted(flagged, f'flagged {word}')} with a known answer {counts.true_positives:,} are right."
    if known < FEW:
        said += " So few anomalies move every figure below a lot."
    return said


def _of_rows(subject: Subject, checked: Checked) -> dict[str, str]:
    counts, points = checked.confusion(subject.judgement.threshold), checked.curve
    labelled = points.positives + points.negatives
    facts = {
        "Judged, with an answer": f"{labelled:,}, of which {points.positives:,} anomalies "
        f"({percent(points.positives / labelled)}: what guessing gets as precision)",
        "Precision": "nothing flagged" if counts.precision is None else percent(counts.precision),
        "Recall": percent(counts.recall),
        "F1": f"{counts.f1:.3f}",
        "ROC-AUC": f"{checked.roc_auc:.4f} (0.5 is guessing), whatever the threshold",
        "Average precision": f"{checked.average_precision:.4f}, whatever the threshold",
    }
    left, anomalies = checked.unjudged
    if left:
        facts["Not counted"] = f"{left:,} with an answer could not be judged, {anomalies:,} of them anomalies"
    return facts


def _of_events(subject: Subject, labels: np.ndarray) -> list[Block]:
    """How the events found meet the labelled ones."""
    assert subject.series is not None
    assert subject.events is not None
    window = min(subject.card.window or WINDOW, LONGEST)
    checked = CheckedSeries.of(subject.series, labels, window)
    found, near = checked.at(subject.judgement.threshold, subject.events)
    facts = {
        "Labelled events found": f"{found.found:,} of {found.events:,}",
        "Event precision": "nothing flagged" if found.precision is None else percent(found.precision),
        "Detection delay": _delay(found.delay, found.median_delay_seconds),
        "False alarms": f"{found.false_alarms:,}"
        + (
            ""
            if found.false_alarms_per_day is None
            else f", {number_in_words(found.false_alarms_per_day)} a day"
        ),
        "Affiliation precision": "nothing near" if near.precision is None else f"{near.precision:.3f}",
        "VUS-PR": f"{checked.volumes.pr:.4f}, whatever the threshold",
        "VUS-ROC": f"{checked.volumes.roc:.4f}, whatever the threshold",
    }
    blocks: list[Block] = [Facts(facts, "Event by event")]
    if found.events < FEW:
        many = counted(found.events, "labelled event")
        blocks.append(Text(f"There is no more than {many}: each moves these figures a lot.", "small"))
    return blocks


def _delay(readings: float | None, seconds: float | None) -> str:
    if readings is None:
        return "none found"
    if seconds is None:
        return f"{number_in_words(readings)} readings (median of the events found)"
    size, unit = next((each for each in UNITS if seconds >= 2 * each[0]), UNITS[-1])
    return f"{number_in_words(readings)} readings, {seconds / size:.3g} {unit} (median of the events found)"
