"""The section about how far the answers can be relied on: drift, rows not judged, and what the method cannot know."""

from __future__ import annotations

from collections import Counter

from engine.charts.chart import counted
from engine.detectors import detector_class
from engine.reporting.content import Block, Column, Table, Text, Tone
from engine.reporting.subject import Subject
from engine.reporting.wording import unjudged_in_words
from engine.scoring.explanations import method_of
from engine.scoring.wording import percent

MOST_COLUMNS = 20  # of the comparison, the furthest first
MOST_OBSTACLES = 10
MEANING = (
    "PSI: population stability index, less what chance alone gives in so few rows; above 0.25 is a shift. "
    "KS: Kolmogorov-Smirnov distance; 0 is the same distribution, 1 has no value in common."
)


def limits(subject: Subject) -> list[Block]:
    """Whether the data fits the model, what could not be judged, and how to read flags."""
    result, word = subject.result, subject.row_word
    drift = result.drift
    tone: Tone = "good" if drift.verdict == "fits" else "caution"
    blocks: list[Block] = [
        Text(f"{drift.verdict[:1].upper()}{drift.verdict[1:]}. {drift.sentence} {drift.advice}", tone),
        Text(
            f"A flag says that a {word} is unlike those the model learned from. Whether something is wrong with it, "
            "only somebody who knows the matter can say. Reasons name the columns a score comes from, not causes."
        ),
    ]
    blocks += _reasons(subject)
    if drift.learned:
        said = (
            f"The model learned from these very {word}s: anomalies among them are part of what it takes for usual, so "
            "some may be missed."
        )
        blocks.append(Text(said, "caution"))
    comparison = subject.card.comparison
    if comparison is not None and comparison.warning:
        blocks.append(Text(f"{comparison.warning}.", "caution"))
    blocks += [Text(note, "small") for note in result.notes]
    blocks += _not_judged(subject)
    if drift.columns:
        blocks.append(_comparison(subject))
    return blocks


def _reasons(subject: Subject) -> list[Block]:
    """How reasons were worked out, of which rows, and whether scores come from them."""
    name, text = method_of(detector_class(subject.card.detector).explained_by)
    explained, check = len(subject.result.explained_rows), subject.result.faithfulness
    said = f"Reasons are worked out by this method: {name}. {text}"
    if subject.judgement.flagged > explained:
        said += f" They are for the {explained:,} most unusual {subject.row_word}s; of others they were not measured."
    found = check.text if check else "not measured, because the model's own threshold flagged nothing here."
    return [Text(said), Text(f"Whether scores come from the reasons that are named: {found}")]


def _not_judged(subject: Subject) -> list[Block]:
    """How many rows could not be judged, and why."""
    left = unjudged_in_words(subject.judgement, subject.row_word)
    if not left:
        return []
    why = Counter(subject.result.obstacles.values()).most_common(MOST_OBSTACLES)
    if not why:
        return [Text(left)]
    columns = [
        Column(title="Why", values=[text for text, _ in why]),
        Column(title=f"{subject.row_word.capitalize()}s", values=[count for _, count in why]),
    ]
    return [Text(left), Table(title="Why they could not be judged", columns=columns)]


def _comparison(subject: Subject) -> Table:
    """The columns then and now, the furthest first."""
    ordered = sorted(subject.result.drift.columns, key=lambda column: (not column.shifted, -column.psi))
    shown = ordered[:MOST_COLUMNS]
    scores = subject.result.drift.scores
    said = ""
    if scores is not None:
        said = (
            f"{percent(scores.extreme)} of the {subject.row_word}s lie above the 99th percentile of the training "
            "scores; 1 % is usual. "
        )
    if len(shown) < len(ordered):
        said += f"The {counted(len(shown), 'column')} that moved furthest, of {len(ordered):,}. "
    return Table(
        title="The columns then and now",
        columns=[
            Column(title="Column", values=[column.column for column in shown]),
            Column(title="Shifted", values=["shifted" if column.shifted else "" for column in shown]),
            Column(title="PSI", values=[column.psi for column in shown], digits=2),
            Column(title="KS", values=[column.ks for column in shown], digits=2),
            Column(title="Usual in training", values=[column.then for column in shown]),
            Column(title="Usual here", values=[column.now for column in shown]),
        ],
        below=said + MEANING,
    )
