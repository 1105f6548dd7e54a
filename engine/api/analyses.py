"""Analyses: have a model judge a data set, see how far that is, and read what it flagged."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from fastapi import APIRouter, Body, Query, Response

from engine.api.choosing import Wanted, model_for
from engine.api.datasets import Offset, following
from engine.api.lines import (
    card_of,
    check_line,
    drawn,
    known_threshold,
    only_common,
    rule_asked,
    rule_of,
    threshold_at,
)
from engine.api.problems import Refusal
from engine.api.repeats import Asked
from engine.api.schemas import Analysis, AnomalyPage, Started, Status
from engine.api.services import Analyst, Here, Key, Reader, Services
from engine.api.sessions import Session
from engine.api.tokens import Token
from engine.api.uploads import Upload
from engine.data.dataset import Dataset
from engine.detectors import CATALOGUE, detector_class
from engine.errors import DataError, StoreError, UsageError
from engine.group_lines import check_by_group, check_column, load_groups, required, stored_judgement
from engine.hyperparameters import checked
from engine.jobs import Job
from engine.named_classes import DIGITS
from engine.results import Result
from engine.scoring.rules import rule_from_text
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
    check_line(asked)
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
        check_by_group(rule_asked(card, asked))
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
        threshold=known_threshold(card, asked),
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
    if job is None or session.anomalies is not None:
        state = "analyzed"
    else:
        state = "running" if job.state == "done" else job.state
    return {"session_id": session.id, "status": state, "reused": reused, "model": session.model}


@router.get("/{id}/status", response_model=Status)
def status(id: str, token: Reader, here: Here) -> dict[str, Any]:
    """How far the newest analysis of a data set is, and how many rows it flagged.

    Flags are there first: it is analyzed, and 'reasons_ready' says whether the reasons are there too.
    """
    dataset, _ = here.upload(token, id)
    session = here.sessions.newest(token.id, dataset.id)
    if session is None:
        return {"status": "uploaded", "message": "not analyzed yet"}
    known = {"session_id": session.id, "model": session.model, "threshold": session.threshold}
    try:
        session, job = _now(here, session)
    except (DataError, UsageError) as problem:  # the rows are judged, and the rule draws no line in them
        return {"status": "failed", "message": str(problem), **known}
    known |= {"model": session.model, "threshold": session.threshold}
    if session.anomalies is not None:
        ready = session.result is not None and here.space.results.is_whole(session.result)
        job = None if ready else _job(here, session)
        follows = "the reasons follow" if job and job.active else "there are no reasons; analyze it again"
        flagged = {"anomaly_count": session.anomalies, "reasons_ready": ready}
        return {
            "status": "analyzed",
            "progress": 100,
            "message": "; ".join(filter(None, ["" if ready else follows, only_common(here, session)])),
            **flagged,
            **known,
        }
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
    """The rows that were flagged, the most anomalous first, each with what makes it unusual.

    Reasons follow the flags by a second or two: until 'reasons_ready' every row's are empty.
    """
    given = {"percentile": percentile, "threshold": threshold, "rule": rule}
    ways = [name for name, value in given.items() if value is not None]
    if len(ways) > 1:
        raise Refusal(422, f"{' and '.join(ways)} both draw the line", "send one of them")
    dataset, upload = here.upload(token, id)
    session, result = _finished(here, token, dataset)
    if percentile is not None:
        threshold = threshold_at(card_of(here, result.model), percentile)
    if rule is not None:
        threshold = drawn(card_of(here, result.model), rule, result, dataset, upload.roles)
    line = threshold if threshold is not None else session.threshold
    assert line is not None  # a settled session has one
    total, rows, lines = result.flagged(line), result.order, None
    if per_entity is None and (why := only_common(here, session)):
        lines = why
    elif session.per_entity if per_entity is None else per_entity:
        now = stored_judgement(here.space, result, rule_of(here, session, given))
        line, total, rows = now.threshold, now.flagged, rows[now.flags[rows]]
        lines = None if now.own is None else now.own.sentence
    rows = rows[offset : min(offset + limit, total)]
    return {
        "anomalies": list(_described(dataset, result, rows)),
        "total": total,
        "reasons_ready": result.reasons_ready,
        "threshold": line,
        "lines": lines,
        "model": result.model,
        "next": following(offset, len(rows), total),
    }


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
            **_class_of(result, row),
        }


def _class_of(result: Result, row: int) -> dict[str, Any]:
    """The class of a row and how likely it is, where the model names classes."""
    if result.classes is None:
        return {}
    words, probability = result.classes.words([row])[0], float(result.classes.probability[row])
    return {"class": words, "class_probability": round(probability, DIGITS)}


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
    return _settled(here, session, job), job  # the scores of an active job may be there already


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
            card = card_of(here, model)
            own = card.default_rule if session.percentile is None else None
            rule = session.rule or (own.text if own is not None and own.counts_rows else None)
            dataset = here.space.datasets.get(session.dataset)
            threshold = (
                drawn(card, rule, found, dataset, dataset.roles)
                if rule
                else threshold_at(card, session.percentile)
            )
        whole = replace(session, model=model)
        if session.per_entity and not only_common(here, whole):
            now = stored_judgement(here.space, found, rule_of(here, whole, {}))
            threshold, count = now.threshold, now.flagged
        else:
            count = found.flagged(threshold)
    except StoreError:  # the model or the result went away just now
        return session
    settled = replace(session, model=model, result=result, threshold=threshold, anomalies=count)
    here.sessions.settle(settled)
    return settled
