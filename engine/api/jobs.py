"""Jobs: look at one, stop one. A token's jobs are its own."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from engine.api.problems import Refusal, not_found
from engine.api.schemas import JobOut
from engine.api.services import Here, Reader, Services
from engine.api.tokens import Token
from engine.errors import StoreError
from engine.jobs import Job

SCOPE_OF = {"train": "train", "score": "analyze"}  # to stop a job takes what starting it took

router = APIRouter(prefix="/jobs", tags=["jobs"])


@router.get("/{id}", response_model=JobOut)
def job(id: str, token: Reader, here: Here) -> dict[str, Any]:
    """How far a job is."""
    return described(_own(here, token, id))


@router.post("/{id}:cancel", response_model=JobOut)
def cancel(id: str, token: Reader, here: Here) -> dict[str, Any]:
    """Stop a job: a waiting one is gone at once, a running one in a few seconds. One that has ended stays as it is."""
    found = _own(here, token, id)
    needed = SCOPE_OF.get(found.kind, "all")
    if needed not in token.scopes:
        raise Refusal(403, f"this needs a token with the scope '{needed}'")
    return described(here.jobs.cancel(found.id))


def described(job: Job) -> dict[str, Any]:
    """A job as :class:`JobOut` has it."""
    return {
        "id": job.id,
        "kind": job.kind,
        "title": job.title,
        "status": job.state,
        "progress": int(100 * job.progress),
        "message": job.message,
        "error": job.error,
        "incident": job.incident,
        "queue_position": job.queue_position,
        "eta_seconds": None if job.eta_seconds is None else round(job.eta_seconds, 1),
        "model": (job.result or {}).get("model"),
    }


def _own(here: Services, token: Token, id: str) -> Job:
    try:
        found = here.jobs.get(id) if id.isascii() and id.isalnum() else None
    except StoreError:
        found = None
    if found is None or not (found.owner == token.owner or token.sees_all):
        raise not_found("job", id)
    return found
