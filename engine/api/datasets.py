"""Data sets: bring one, list them, look at one, delete it."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from engine.api.forms import check_form, file_form
from engine.api.problems import Refusal, of_validation
from engine.api.repeats import Asked
from engine.api.schemas import DatasetOut, DatasetPage, ReadingChoices, RoleChoices
from engine.api.services import Deleter, Here, Key, Reader, Services, Uploader
from engine.api.tokens import Token
from engine.data.dataset import Dataset
from engine.data.reading import MAX_BYTES, ReadingOptions
from engine.data.roles import Roles, overruled
from engine.errors import StoreError, UsageError

AT_ONCE = 2  # files read at the same time, each in a process that may take gigabytes
LARGEST_PAGE = 1_000

router = APIRouter(prefix="/anomaly/datasets", tags=["data sets"])

Offset = Annotated[int, Query(ge=0, le=10**12, description="how many to pass over")]
Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="how many at most")]

_FORM = file_form(
    "CSV, Excel, OpenDocument, Parquet or JSON, at most 200 MB",
    roles="JSON: what columns are for, where the first guess is wrong: "
    '{"label": …, "time": …, "entity": …, "ignore": […], "kind": "table" or "series"}',
    reading="JSON: how to read the file, where what was found is wrong: "
    '{"delimiter": ";", "sheet": "Jan", "header_row": 3, …}',
)


@router.post("/upload", status_code=201, response_model=DatasetOut, openapi_extra=_FORM)
async def upload(request: Request, token: Uploader, here: Here, key: Key = None) -> Response:
    """Bring a file. The same content read the same way is kept once and has the same id."""
    check_form(request, "data.csv")
    async with request.form(max_files=1, max_fields=2) as form, request.app.state.reading:
        return await run_in_threadpool(_upload, form, token, here, key)


def reading_limit() -> anyio.CapacityLimiter:
    """How many files are read at the same time."""
    return anyio.CapacityLimiter(AT_ONCE)


def _upload(form: FormData, token: Token, here: Services, key: str | None) -> Response:
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise Refusal(
            422, "'file' is missing", "send the file as the form's field 'file': curl -F file=@data.csv …"
        )
    if unknown := sorted(form.keys() - {"file", "roles", "reading"}):
        raise Refusal(422, f"'{unknown[0][:80]}' is no field of this form", "it has file, roles and reading")
    if (file.size or 0) > MAX_BYTES:
        raise Refusal(413, f"the file is larger than {MAX_BYTES >> 20} MB", "split it, or save it as Parquet")
    name, reading = file.filename or "unnamed", _field(form, "reading", ReadingChoices)
    roles = _field(form, "roles", RoleChoices)
    what = {"do": "upload", "name": name, "reading": reading, "roles": roles, "sha256": _sha256(file.file)}
    asked = Asked(token=token.id, key=key, dataset=None, what=what)

    def act() -> dict[str, Any]:
        store = here.space.datasets
        known = store.ids()
        dataset = store.add(file.file, name, ReadingOptions.from_dict(reading))
        brought = dataset.id not in known
        try:
            chosen = overruled(dataset.roles, **roles)
        except UsageError:
            if brought:  # nothing was brought, the answer says
                store.delete(dataset.id)
            raise
        here.uploads.add(token.id, dataset.id, chosen, brought=brought)
        if dataset.id not in store.ids():  # another token deleted its own before this upload was known
            file.file.seek(0)
            dataset = store.add(file.file, name, ReadingOptions.from_dict(reading))
            here.uploads.add(token.id, dataset.id, chosen, brought=True)
        if roles and not dataset.roles_given:
            store.set_roles(dataset, chosen)
        return described(dataset, chosen)

    return here.answers.once(asked, 201, act)


@router.get("", response_model=DatasetPage)
def datasets(token: Reader, here: Here, offset: Offset = 0, limit: Limit = 50) -> dict[str, Any]:
    """The data sets this token brought, the newest first."""
    store = here.space.datasets
    here_now = store.ids()
    ids = [each.id for each in store.all()] if token.sees_all else here.uploads.of(token.id)
    ids = [id for id in ids if id in here_now]
    shown, found = ids[offset : offset + limit], []
    for id in shown:
        with suppress(StoreError):  # damaged: it must not hide the others
            found.append(_short(store.get(id)))
    return {"datasets": found, "total": len(ids), "next": following(offset, len(shown), len(ids))}


@router.get("/{id}", response_model=DatasetOut)
def dataset(id: str, token: Reader, here: Here) -> dict[str, Any]:
    """A data set: its columns with their roles, and what was noticed while it was read."""
    found, upload = here.upload(token, id)
    return described(found, upload.roles)


@router.delete("/{id}", status_code=204)
def delete(id: str, token: Deleter, here: Here) -> Response:
    """Delete a data set and its results. Where another token has brought the same content, its own stay."""
    if not here.brought(token, id):
        here.upload(token, id)  # one that sees all may delete what it did not bring
    if here.in_use(id):
        raise Refusal(409, "a job uses this data set", "wait until it has ended, or cancel it")

    def remove() -> None:
        here.space.results.delete_of_dataset(id)
        with suppress(StoreError):  # a deletion that was cut short has been here
            here.space.datasets.delete(id)

    here.uploads.forget(None if token.sees_all else token.id, id, remove)
    return Response(status_code=204)


def described(dataset: Dataset, roles: Roles) -> dict[str, Any]:
    """A data set as :class:`DatasetOut` has it."""
    columns = [
        {"name": name, "type": dataset.types[name], "role": roles.columns.get(name, "feature")}
        for name in dataset.columns
    ]
    findings = [
        {"level": finding.level, "text": finding.text, "column": finding.column}
        for finding in dataset.findings
    ]
    return {**_short(dataset), "kind": roles.kind, "columns": columns, "findings": findings}


def _short(dataset: Dataset) -> dict[str, Any]:
    return {"id": dataset.id, "name": dataset.name, "created": dataset.created, "rows": dataset.rows}


def following(offset: int, shown: int, total: int) -> int | None:
    """Where the next page begins; None on the last one."""
    return offset + shown if shown and offset + shown < total else None


def _field(form: FormData, name: str, kind: type[BaseModel]) -> dict[str, Any]:
    """A field of the form that holds JSON, checked; what was not given is left out."""
    text = form.get(name)
    if text is None or text == "":
        return {}
    try:
        return kind.model_validate_json(str(text)).model_dump(mode="json", exclude_unset=True)
    except ValidationError as problem:
        errors = [{**error, "loc": (name, *error["loc"])} for error in problem.errors()]
        raise of_validation(errors) from None


def _sha256(file: Any) -> str:
    """The hash of an open file, which stands at its beginning before and after."""
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    return digest
