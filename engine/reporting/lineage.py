"""The last sections: the card of the model, and how to get the same answer again."""

from __future__ import annotations

from typing import Literal

from engine import charts
from engine.detectors import detector_class
from engine.model import Card
from engine.reporting.content import Block, Code, Column, Facts, Figure, Table, Text
from engine.reporting.subject import Subject
from engine.snippets import cli_line, python_snippet

MOST_NAMES = 40


def model_card(subject: Subject) -> list[Block]:
    """What the model is, what it learned from, and how good it is at what."""
    card = subject.card
    kind = detector_class(card.detector)
    facts = {
        "Model": card.id,
        "Detector": f"{card.title}. {kind.summary}",
        "Works when": kind.works_when,
        "Struggles when": kind.struggles_when,
        "Reference": kind.reference,
        "Kept": f"{card.created[:16].replace('T', ' ')} UTC",
        "Learned from": f"{card.dataset}: {card.rows:,} rows, of which {card.judged:,} could be judged",
        "Known answers": _known_answers(card),
        "Own threshold": f"{card.threshold:.6g} ({card.rule['kind']} {card.rule['value']:g})",
        "Columns it needs": _some(list(card.columns)),
        "Hyperparameters": ", ".join(f"{name} {value}" for name, value in card.hyperparameters.items()),
    }
    if card.window:
        facts["Readings per window"] = f"{card.window:,}"
    if card.origin:
        facts["Imported from"] = card.origin
    blocks: list[Block] = [Facts(facts)]
    blocks += [Text(f"'{column}' was left out: it {why}.", "small") for column, why in card.left_out.items()]
    blocks += [Text(note, "small") for note in card.notes]
    if card.comparison is not None:
        rows = card.comparison.rows()
        blocks.append(
            Table(
                title="Beside plain baselines",
                columns=[
                    Column(title="Scores of", values=[name for name, _ in rows]),
                    Column(title="VUS-PR", values=[told.vus_pr for _, told in rows], digits=3),
                    Column(
                        title="Average precision",
                        values=[told.average_precision for _, told in rows],
                        digits=3,
                    ),
                    Column(title="ROC-AUC", values=[told.roc_auc for _, told in rows], digits=3),
                ],
                below=f"On injected anomalies. {card.comparison.origin}.",
            )
        )
    return [*blocks, *_history(card)]


def _known_answers(card: Card) -> str:
    if card.classes:
        return f"the classes of {card.labelled:,} rows were learned; scores know nothing of them"
    return (
        f"{card.labelled:,} labelled anomalies were learned from" if card.labelled else "never learned from"
    )


def _history(card: Card) -> list[Block]:
    """The losses of each stage of the training apart: those of two have two units."""
    stages = sorted({int(record.get("stage", 0)) for record in card.history})
    return [
        Figure(
            title=f"Training history, stage {stage}" if stage else "Training history",
            chart=charts.loss_curves(
                [record for record in card.history if int(record.get("stage", 0)) == stage], theme="light"
            ),
        )
        for stage in stages
    ]


def reproduce(subject: Subject) -> list[Block]:
    """Commands and code that give the same scores and flags, and by what to know data and model again."""
    data, card, rule = subject.dataset, subject.card, subject.rule
    percentile = rule.value if rule.kind == "percentile" else None
    threshold = None if percentile is not None else subject.judgement.threshold
    mapping, options = subject.result.mapping, data.options.as_dict()
    own = None if subject.judgement.own is None else subject.judgement.own.rule
    verbs: tuple[tuple[Literal["score", "report"], str], ...] = (
        ("score", "flagged.csv"),
        ("report", "report.html"),
    )
    lines = [
        cli_line(
            data=data.name,
            model=card.id,
            output=output,
            percentile=percentile,
            threshold=threshold,
            mapping=mapping,
            options=options,
            verb=verb,
            own_lines=own,
        )
        for verb, output in verbs
    ]
    python = python_snippet(
        data=data.name,
        model=card.id,
        percentile=percentile,
        threshold=threshold,
        mapping=mapping,
        options=options,
        own_lines=own,
    )
    facts = {
        "Data, SHA-256": data.sha256,
        "Model's data, SHA-256": card.dataset_hash or "not known",
        "Threshold, exactly": repr(subject.judgement.threshold),
        "Trained with": ", ".join(f"{name} {number}" for name, number in card.versions.items()),
    }
    return [Facts(facts), Code("\n".join(lines), "In a shell"), Code(python, "In a notebook")]


def _some(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
