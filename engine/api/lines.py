"""Where the line of an analysis is: by a percentile, a rule, or the model's own."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from engine.api.problems import Refusal
from engine.api.schemas import Analysis
from engine.api.services import Services
from engine.api.sessions import Session
from engine.data.dataset import Dataset
from engine.data.roles import Roles
from engine.errors import EngineError
from engine.labelled import answers_of, nearest_events
from engine.model import GROUPS, Card
from engine.results import Result
from engine.scoring.labelled_lines import told
from engine.scoring.rules import rule_from_text
from engine.scoring.thresholds import FixedValue, Percentile, Rule


def card_of(here: Services, model: str) -> Card:
    """The card of a stored model (name@version)."""
    return Card.from_dict(here.space.models.card(model))


def rule_of(here: Services, session: Session, given: Mapping[str, Any]) -> Rule:
    """The rule that a request names, else that of the session, else the model's own."""
    if (threshold := given.get("threshold")) is not None:
        return FixedValue(threshold)
    if (percentile := given.get("percentile")) is not None:
        return Percentile(percentile)
    if (rule := given.get("rule")) is not None:
        return rule_from_text(rule)
    return rule_asked(card_of(here, str(session.model)), session)


def rule_asked(card: Card, asked: Analysis | Session) -> Rule:
    """The rule that draws the line of an analysis where nothing else is said."""
    if asked.percentile is not None:
        return Percentile(asked.percentile)
    return card.default_rule if asked.rule is None else rule_from_text(asked.rule)


def only_common(here: Services, session: Session) -> str:
    """Why an analysis that asked for lines of their own has one for all rows; empty where it has them, or asked not."""
    if not session.per_entity or session.model is None:
        return ""
    with suppress(EngineError):  # a model that is gone is told of where it is needed
        if GROUPS not in here.space.models.card(session.model)["parts"]:
            return f"model '{session.model}' keeps no reference scores by group, so one line is drawn for all rows"
    return ""


def check_line(asked: Analysis) -> None:
    """Refuse a line that two ways draw, and a rule that cannot draw one before there is a result."""
    if asked.rule is None:
        return
    if asked.percentile is not None:
        raise Refusal(422, "percentile and rule both draw the line", "send one of them")
    rule = rule_from_text(asked.rule)
    if rule.needs_labels:
        raise Refusal(
            422,
            f"the rule '{rule.kind}' needs known answers, and an analysis is not told them",
            f"analyze without it, then GET …/anomalies?rule={asked.rule}",
        )


def known_threshold(card: Card, asked: Analysis) -> float | None:
    """Where the line is, if that is known before the rows are judged; a rule that refuses is an error at once."""
    if asked.percentile is not None:
        return threshold_at(card, asked.percentile)
    rule = rule_asked(card, asked)
    if asked.rule is None and not rule.counts_rows:
        return card.threshold
    reference = card.reference_scores
    return None if rule.counts_rows else rule.threshold(reference, reference, rows=card.independent_rows)


def drawn(card: Card, text: str, result: Result, dataset: Dataset, roles: Roles) -> float:
    """Where a rule draws the line in a result; one that needs labels sees half of those of the data set.

    ``roles`` are those of the data set in the eyes of the token.
    """
    rule, values = rule_from_text(text), np.asarray(result.values)
    seen = None
    if rule.needs_labels and roles.label is not None:
        frame = dataset.frame([c for c in (roles.label, roles.time, roles.entity) if c is not None])
        answers = answers_of(roles.label, frame, card)
        seen = told(rule, values, answers, nearest_events(frame, roles, answers))
    return rule.threshold(card.reference_scores, values, seen, rows=card.independent_rows)


def threshold_at(card: Card, percentile: float | None) -> float:
    """Where the line is: at a percentile of the training scores, or where the model's own rule has drawn it."""
    if percentile is None:
        return card.threshold
    reference = card.reference_scores
    return Percentile(percentile).threshold(reference, reference)
