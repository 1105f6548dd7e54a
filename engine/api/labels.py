"""Labels of the rows of a data set: give them, read them, take back what was given, files of them both ways.

What is given is in the ledger before the answer is. An act is named after the token, its Idempotency-Key and what was
sent, so a request that is sent again adds nothing, however long ago the first one was.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from engine.api.datasets import Limit, Offset, following
from engine.api.forms import check_form, file_form
from engine.api.models import resolved
from engine.api.problems import Refusal, not_found
from engine.api.repeats import Asked
from engine.api.schemas import LabelPage, LabelsBrought, LabelsGiven, LabelsSaid, LabelsUndone, Undoing
from engine.api.services import Here, Key, Labeller, Reader, Services
from engine.api.tokens import Token
from engine.data.dataset import Dataset
from engine.labels.current import give_labels
from engine.labels.events import LabelEvent, last_act
from engine.labels.exchange import bring_labels, labels_csv
from engine.labels.ledger import author
from engine.labels.verdicts import Label

router = APIRouter(prefix="/anomaly/datasets", tags=["labels"])

_FORM = file_form(
    "CSV, at most 10 MB: series,timestamp,value,label, or an id and a label, or row,label with rows counted from 1; "
    "a label is 1 or 0, -1 or 1, a word, or a class"
)
_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}, "description": "The labels"}}


@router.get("/{id}/labels", response_model=LabelPage)
def labels(id: str, token: Reader, here: Here, offset: Offset = 0, limit: Limit = 50) -> dict[str, Any]:
    """The labels of a data set as they stand, row by row: whoever gave them, on a page or here."""
    dataset, _ = here.upload(token, id)
    found = here.labels_seen(token, dataset)
    rows = list(found.events)[offset : offset + limit]
    return {
        "labels": [_described(row, found.events[row]) for row in rows],
        "total": len(found),
        "counts": {verdict: found.counts[verdict] for verdict in ("anomaly", "normal", "unsure")},
        "next": following(offset, len(rows), len(found)),
    }


@router.post("/{id}/labels", status_code=201, response_model=LabelsGiven)
def give(id: str, asked: LabelsSaid, token: Labeller, here: Here, key: Key = None) -> Response:
    """Label rows, all of them or none, in the name of the token. Of a row the last word stands; 'cleared' ends it."""
    dataset, _ = here.upload(token, id)
    said = {
        each.row: Label(**each.model_dump(exclude={"row", "label"}), verdict=each.label)
        for each in asked.labels
    }
    if len(said) < len(asked.labels):
        rows = [each.row for each in asked.labels]
        twice = next(row for row in rows if rows.count(row) > 1)
        raise Refusal(422, f"row {twice} has two labels in one request", "send one label for each row")
    beyond = [row for row in said if row >= dataset.rows]
    if beyond:
        last = f"rows are counted from 0 to {dataset.rows - 1}"
        raise Refusal(422, f"there is no row {beyond[0]} in this data set", last)
    model = "" if asked.model is None else resolved(here.space.models, asked.model)
    what = {"do": "label", "dataset": dataset.id, **asked.model_dump(mode="json")}
    act = _act(token, key, what)

    def save() -> dict[str, Any]:
        new = give_labels(here.labels, dataset, said, act=act, who=token.name, model=model)
        return {"act": act, "saved": new}

    return here.answers.once(Asked(token=token.id, key=key, dataset=dataset.id, what=what), 201, save)


@router.post("/{id}/labels:undo", response_model=LabelsUndone)
def undo(
    id: str, token: Labeller, here: Here, asked: Annotated[Undoing | None, Body()] = None, key: Key = None
) -> Response:
    """Take back an act of this token as a whole, the last one where none is named; what was said before holds again."""
    dataset, _ = here.upload(token, id)
    wanted = asked.act if asked else None
    what = {"do": "undo", "dataset": dataset.id, "act": wanted}

    request = "" if key is None else _act(token, key, what)

    def take_back() -> dict[str, Any]:
        events, name = here.labels.of_dataset(dataset.id), author(token.name)
        done = next((event.withdraws for event in events if request and event.act == request), None)
        if done is not None:  # its answer was lost; the last act is another one by now
            return {"act": done, "undone": sum(event.act == done for event in events)}
        if wanted is None:
            given = last_act(events, name)
            if not given:
                raise Refusal(
                    409, "this token has given no label that could be taken back", "label some rows first"
                )
        else:
            given = [event for event in events if event.label and event.act == wanted]
            if not given or (given[0].who != name and not token.sees_all):
                raise not_found("act", wanted)
        taken = here.labels.withdraw(given[0].act, who=token.name, request=request)
        return {"act": given[0].act, "undone": len(given) if taken else 0}

    return here.answers.once(Asked(token=token.id, key=key, dataset=dataset.id, what=what), 200, take_back)


@router.get("/{id}/labels.csv", responses=_CSV, response_class=Response)
def export(id: str, token: Reader, here: Here) -> Response:
    """All labels of a data set as a CSV file that labels:import takes back; there rows are counted from 1."""
    dataset, _ = here.upload(token, id)
    name = f'attachment; filename="labels__{dataset.id}.csv"'
    content = labels_csv(here.labels_seen(token, dataset), dataset)
    return Response(content, media_type="text/csv; charset=utf-8", headers={"Content-Disposition": name})


@router.post("/{id}/labels:import", status_code=201, response_model=LabelsBrought, openapi_extra=_FORM)
async def bring(id: str, request: Request, token: Labeller, here: Here, key: Key = None) -> Response:
    """Bring labels from a CSV file, in the name of the token. The same file brought twice counts once."""
    dataset, _ = await run_in_threadpool(here.upload, token, id)
    check_form(request, "labels.csv")
    async with request.form(max_files=1, max_fields=1) as form, request.app.state.reading:
        return await run_in_threadpool(_brought, form, dataset, token, here, key)


def _brought(form: FormData, dataset: Dataset, token: Token, here: Services, key: str | None) -> Response:
    file = form.get("file")
    if not isinstance(file, UploadFile):
        hint = "send the file as the form's field 'file': curl -F file=@labels.csv …"
        raise Refusal(422, "'file' is missing", hint)
    content = file.file.read()
    what = {"do": "import", "dataset": dataset.id, "sha256": hashlib.sha256(content).hexdigest()}

    def save() -> dict[str, Any]:
        new, found = bring_labels(here.labels, dataset, content, who=token.name)
        return {
            "act": found.act,
            "saved": new,
            "labels": len(found.labels),
            "findings": [finding.text for finding in found.findings],
        }

    return here.answers.once(Asked(token=token.id, key=key, dataset=dataset.id, what=what), 201, save)


def _act(token: Token, key: str | None, what: dict[str, Any]) -> str:
    """The id of an act: the same for the same request under the same key, else a new one."""
    if key is None:
        return f"api-{uuid.uuid4().hex}"
    digest = hashlib.sha256(json.dumps([token.id, key, what], sort_keys=True).encode()).hexdigest()
    return f"api-{digest[:40]}"


def _described(row: int, event: LabelEvent) -> dict[str, Any]:
    """A label as :class:`~engine.api.schemas.LabelOut` has it."""
    assert event.label is not None  # it stands
    return {
        "row": row,
        "label": event.label.verdict,
        "class": event.label.class_name,
        "tag": event.label.tag,
        "note": event.label.note,
        "who": event.who,
        "when": datetime.fromtimestamp(event.at, UTC).isoformat(timespec="seconds"),
        "model": event.model,
        "act": event.act,
    }
