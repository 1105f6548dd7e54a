"""Analyses: have a model judge a data set, see how far that is, and read what it flagged."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from fastapi import APIRouter, Body, Query, Response

from engine.api.choosing import Wanted, model_for
from engine.api.datasets import Offset, following
from engine.api.problems import Refusal
from engine.api.repeats import Asked
from engine.api.schemas import Analysis, AnomalyPage, Started, Status
from engine.api.services import Analyst, Here, Key, Reader, Services
from engine.api.sessions import Session
from engine.api.tokens import Token
from engine.api.uploads import Upload
from engine.data.dataset import Dataset
from engine.detectors import CATALOGUE, detector_class
from engine.errors import EngineError, StoreError
from engine.group_lines import check_by_group, check_column, load_groups, required, stored_judgement
from engine.hyperparameters import checked
from engine.jobs import Job
from engine.labelled import answers_of, blocks_of
from engine.model import Card
from engine.results import Result
from engine.scoring.labelled_lines import told
from engine.scoring.rules import rule_from_text
from engine.scoring.thresholds import FixedValue, Percentile, Rule
from engine.store import suggested_name

FALLBACK_TRAIN = "LOUPE_FALLBACK_TRAIN"
LARGEST_PAGE = 500
SAID = {
    "cancelled": "the analysis was cancelled",
    "interrupted": "the server stopped while this ran; start it again",
}

router = APIRouter(prefix="/anomaly/datasets", tags=["analyses"])


@router.post("/{id}/analyze", status_code=202, response_model=Started)
def analyze(
    id: str, token: Analyst, here: Here, asked: Annotated[Analysis | None, Body()] = None, key: Key = None
) -> Response:
    """Have a model judge a data set. The same model on the same data is not run twice: 'reused' says so."""
    dataset, upload = here.upload(token, id)
    chosen = asked or Analysis()
    what = {"do": "analyze", **chosen.model_dump(mode="json")}
    request = Asked(token=token.id, key=key, dataset=dataset.id, what={**what, "dataset": dataset.id})
    return here.answers.once(request, 202, lambda: _begun(here, token, dataset, upload, chosen))


def _begun(here: Services, token: Token, dataset: Dataset, upload: Upload, asked: Analysis) -> dict[str, Any]:
    wanted = Wanted(
        model=asked.model,
        detector=asked.detector,
        hyperparameters=asked.hyperparameters,
        mapping=asked.mapping,
    )
    _check_line(asked)
    if asked.per_entity and asked.rule is not None:
        check_by_group(rule_from_text(asked.rule))
    if asked.detector is not None:
        checked(detector_class(asked.detector), asked.hyperparameters)
    try:
        card = model_for(here.space.models, dataset, wanted)
    except Refusal:
        if asked.model is not None or os.environ.get(FALLBACK_TRAIN, "").lower() != "true":
            raise
        return _trained_instead(here, token, dataset, upload, asked)
    if asked.per_entity:
        groups = required(load_groups(here.space.models, card.id), card)
        check_column(groups, dataset.columns, asked.mapping)
    # What changes nothing is left out, so that the same analysis is known to be the same.
    mapping = {needs: has for needs, has in asked.mapping.items() if needs in card.columns and needs != has}
    result, job = here.space.results.id_of(card.id, dataset.id, mapping), None
    if not here.space.results.exists(card.id, dataset.id, mapping):
        spec = {"model": card.id, "mapping": mapping}
        job = here.submit("score", dataset, spec, token, f"Judging {dataset.name}")
    session, again = here.sessions.open(
        token.id,
        dataset.id,
        job=job.id if job else None,
        model=card.id,
        result=result,
        percentile=asked.percentile,
        rule=asked.rule,
        per_entity=asked.per_entity,
        threshold=_known_threshold(card, asked),
    )
    return _started(session, job, reused=again or job is None)


def _trained_instead(
    here: Services, token: Token, dataset: Dataset, upload: Upload, asked: Analysis
) -> dict[str, Any]:
    """Train a model on the data itself, where the server's settings allow that."""
    kind = detector_class(asked.detector or next(iter(CATALOGUE)))
    spec = {
        "detector": kind.name,
        "hyperparameters": checked(kind, asked.hyperparameters),
        "window": None,
        "name": suggested_name(Path(dataset.name).stem),
        "roles": upload.roles.as_dict(),
    }
    job = here.submit("train", dataset, spec, token, f"Training {spec['name']}")
    session, again = here.sessions.open(
        token.id,
        dataset.id,
        job=job.id,
        model=None,
        result=None,
        percentile=asked.percentile,
        rule=asked.rule,
        per_entity=asked.per_entity,
        threshold=None,
    )
    return _started(session, job, reused=again)


def _started(session: Session, job: Job | None, *, reused: bool) -> dict[str, Any]:
    # A short job may be done by now; its status tells, once the result has been looked at.
    state = "analyzed" if job is None else "running" if job.state == "done" else job.state
    return {"session_id": session.id, "status": state, "reused": reused, "model": session.model}


@router.get("/{id}/status", response_model=Status)
def status(id: str, token: Reader, here: Here) -> dict[str, Any]:
    """How far the newest analysis of a data set is, and how many rows it flagged."""
    dataset, _ = here.upload(token, id)
    session = here.sessions.newest(token.id, dataset.id)
    if session is None:
        return {"status": "uploaded", "message": "not analyzed yet"}
    session, job = _now(here, session)
    known = {"session_id": session.id, "model": session.model, "threshold": session.threshold}
    if session.anomalies is not None:
        return {"status": "analyzed", "progress": 100, "anomaly_count": session.anomalies, **known}
    if job is None or job.state == "done":
        gone = "the result is not stored any more; analyze again"
        return {"status": "interrupted", "message": gone, **known}
    return {
        "status": job.state,
        "progress": int(100 * job.progress),
        "queue_position": job.queue_position,
        "eta_seconds": None if job.eta_seconds is None else round(job.eta_seconds, 1),
        "message": job.error or SAID.get(job.state) or job.message,
        **known,
    }


@router.get("/{id}/anomalies", response_model=AnomalyPage)
def anomalies(
    id: str,
    token: Reader,
    here: Here,
    offset: Offset = 0,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="how many at most")] = 50,
    percentile: Annotated[
        float | None, Query(ge=0, le=100, allow_inf_nan=False, description="draw the line here instead")
    ] = None,
    threshold: Annotated[
        float | None, Query(allow_inf_nan=False, description="or at this anomaly score")
    ] = None,
    rule: Annotated[
        str | None,
        Query(max_length=200, description="or by a rule, KIND or KIND=NUMBER, as fdr=0.1 or cost=20"),
    ] = None,
    per_entity: Annotated[
        bool | None, Query(description="a line of its own for each entity; left out, as the analysis has it")
    ] = None,
) -> dict[str, Any]:
    """The rows that were flagged, the most anomalous first, each with what makes it unusual."""
    given = {"percentile": percentile, "threshold": threshold, "rule": rule}
    ways = [name for name, value in given.items() if value is not None]
    if len(ways) > 1:
        raise Refusal(422, f"{' and '.join(ways)} both draw the line", "send one of them")
    dataset, _ = here.upload(token, id)
    session, result = _finished(here, token, dataset)
    if percentile is not None:
        threshold = _threshold(_card(here, result.model), percentile)
    if rule is not None:
        threshold = _drawn(_card(here, result.model), rule, result, dataset)
    line = threshold if threshold is not None else session.threshold
    assert line is not None  # a settled session has one
    total, rows, lines = result.flagged(line), result.order, None
    if session.per_entity if per_entity is None else per_entity:
        now = stored_judgement(here.space, result, _rule(here, session, given))
        line, total, rows = now.threshold, now.flagged, rows[now.flags[rows]]
        lines = None if now.own is None else now.own.sentence
    rows = rows[offset : min(offset + limit, total)]
    return {
        "anomalies": list(_described(dataset, result, rows)),
        "total": total,
        "threshold": line,
        "lines": lines,
        "model": result.model,
        "next": following(offset, len(rows), total),
    }


def _rule(here: Services, session: Session, given: Mapping[str, Any]) -> Rule:
    """The rule that a request names, else that of the session, else the model's own."""
    if (threshold := given.get("threshold")) is not None:
        return FixedValue(threshold)
    if (percentile := given.get("percentile")) is not None:
        return Percentile(percentile)
    if (rule := given.get("rule")) is not None:
        return rule_from_text(rule)
    if session.percentile is not None:
        return Percentile(session.percentile)
    return rule_from_text(session.rule) if session.rule else _card(here, str(session.model)).default_rule


def _finished(here: Services, token: Token, dataset: Dataset) -> tuple[Session, Result]:
    """The newest session with its result; a 409 while there is none."""
    session = here.sessions.newest(token.id, dataset.id)
    if session is None:
        raise Refusal(
            409, "this data set was not analyzed yet", f"POST /api/anomaly/datasets/{dataset.id}/analyze"
        )
    session, job = _now(here, session)
    if session.anomalies is None or session.result is None:
        state = job.state if job else "interrupted"
        hint = (
            "ask for its status until it says analyzed"
            if job and job.active
            else "analyze the data set again"
        )
        raise Refusal(409, f"the analysis is not finished: it is {state}", hint)
    return session, here.space.results.load(session.result)


def _described(dataset: Dataset, result: Result, rows: np.ndarray) -> Iterator[dict[str, Any]]:
    """Rows as :class:`~engine.api.schemas.Anomaly` has them."""
    cells = dataset.rows_at(rows.tolist())
    names = [str(name) for name in cells.columns]
    for row, values in zip(rows.tolist(), cells.itertuples(index=False, name=None), strict=True):
        yield {
            "row": row,
            "severity": float(result.severity[row]),
            "score": float(result.values[row]),
            "values": {name: plain(value) for name, value in zip(names, values, strict=True)},
            "reasons": result.reasons(row) or [],
        }


def plain(value: Any) -> Any:
    """A cell as JSON can hold it: a date as ISO 8601, a missing cell as null, an infinite number as text."""
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    value = value.item() if isinstance(value, np.generic) else value
    return str(value) if isinstance(value, float) and not np.isfinite(value) else value


# ---- what became of a session


def _now(here: Services, session: Session) -> tuple[Session, Job | None]:
    """The session as it is now, and the job it waits for or that left no result."""
    if session.anomalies is not None:
        return session, None
    job = _job(here, session)
    return (session, job) if job is not None and job.active else (_settled(here, session, job), job)


def _job(here: Services, session: Session) -> Job | None:
    if session.job is None:
        return None
    try:
        return here.jobs.get(session.job)
    except StoreError:  # deleted; its result may be there all the same
        return None


def _settled(here: Services, session: Session, job: Job | None) -> Session:
    """The session with what the end of its job told, written down; as it was if there is no result."""
    made = (job.result or {}) if job else {}
    model, result = session.model or made.get("model"), session.result or made.get("result")
    if model is None or result is None or here.space.results.stamp(result) == 0:
        return session
    try:
        threshold = session.threshold
        found = here.space.results.load(result)
        if threshold is None:
            card = _card(here, model)
            own = card.default_rule if session.percentile is None else None
            rule = session.rule or (own.text if own is not None and own.counts_rows else None)
            dataset = here.space.datasets.get(session.dataset)
            threshold = _drawn(card, rule, found, dataset) if rule else _threshold(card, session.percentile)
        whole = replace(session, model=model)
        count = (
            stored_judgement(here.space, found, _rule(here, whole, {})).flagged
            if session.per_entity
            else found.flagged(threshold)
        )
    except EngineError:  # the model or the result went away just now
        return session
    settled = replace(session, model=model, result=result, threshold=threshold, anomalies=count)
    here.sessions.settle(settled)
    return settled


def _card(here: Services, model: str) -> Card:
    return Card.from_dict(here.space.models.card(model))


def _check_line(asked: Analysis) -> None:
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


def _known_threshold(card: Card, asked: Analysis) -> float | None:
    """Where the line is, if that is known before the rows are judged; a rule that refuses is an error at once."""
    if asked.percentile is not None:
        return _threshold(card, asked.percentile)
    rule = card.default_rule if asked.rule is None else rule_from_text(asked.rule)
    if asked.rule is None and not rule.counts_rows:
        return card.threshold
    reference = card.reference_scores
    return None if rule.counts_rows else rule.threshold(reference, reference, rows=card.independent_rows)


def _drawn(card: Card, text: str, result: Result, dataset: Dataset) -> float:
    """Where a rule draws the line in a result; one that needs labels sees half of those of the data set."""
    rule, values, label = rule_from_text(text), np.asarray(result.values), dataset.roles.label
    seen = None
    if rule.needs_labels and label is not None:
        frame = dataset.frame(
            [c for c, role in dataset.roles.columns.items() if role in ("label", "time", "entity")]
        )
        answers = answers_of(label, frame, card)
        seen = told(rule, values, answers, blocks_of(frame, card, answers))
    return rule.threshold(card.reference_scores, values, seen, rows=card.independent_rows)


def _threshold(card: Card, percentile: float | None) -> float:
    """Where the line is: at a percentile of the training scores, or where the model's own rule has drawn it."""
    if percentile is None:
        return card.threshold
    reference = card.reference_scores
    return Percentile(percentile).threshold(reference, reference)
