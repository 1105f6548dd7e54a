"""A report put together of the chosen sections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from engine.reporting.answers import evaluation
from engine.reporting.choices import REPORT_SECTIONS, ReportChoices
from engine.reporting.classes import named_classes
from engine.reporting.content import Block, Report, Section
from engine.reporting.flags import the_threshold, worst_rows
from engine.reporting.limits import limits
from engine.reporting.lineage import model_card, reproduce
from engine.reporting.over_time import the_events
from engine.reporting.overview import the_data, what_was_done
from engine.reporting.subject import Subject
from engine.scoring.wording import percent

WRITERS: Mapping[str, Callable[[Subject], list[Block]]] = MappingProxyType(
    {
        "summary": what_was_done,
        "data": the_data,
        "threshold": the_threshold,
        "rows": worst_rows,
        "events": the_events,
        "evaluation": lambda subject: [*evaluation(subject), *named_classes(subject)],
        "limits": limits,
        "model": model_card,
        "reproduce": reproduce,
    }
)


def report(subject: Subject, choices: ReportChoices, made: datetime | None = None) -> Report:
    """Everything a report says, section by section; a section there is nothing for is left out.

    ``made``: when it was made; None: now.
    """
    sections = []
    for key, title in REPORT_SECTIONS.items():
        if key in choices.sections and (blocks := WRITERS[key](subject)):
            sections.append(Section(key=key, title=title, blocks=blocks))
    data, card, now, word = subject.dataset, subject.card, subject.judgement, subject.row_word
    figures = {
        f"{word}s judged": f"{now.judged:,}",
        "flagged": f"{now.flagged:,}",
        "share flagged": percent(now.share),
    }
    if subject.events is not None:
        figures["events"] = f"{len(subject.events):,}"
    if now.judged < now.rows:
        figures["could not be judged"] = f"{now.rows - now.judged:,}"
    figures["against training"] = subject.result.drift.verdict
    return Report(
        title=choices.title.strip() or f"What is unusual in {data.name}",
        subtitle=f"{data.name}, judged by {card.id} ({card.title})",
        author=choices.author.strip(),
        note=choices.note.strip(),
        made=made or datetime.now(UTC),
        figures=figures,
        sections=sections,
    )
