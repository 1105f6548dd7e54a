"""The API as one ASGI application: its routes, behind the gate, with every refusal in one shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from engine.api import analyses, datasets, documentation, jobs, labels, models, problems
from engine.api.gate import PER_MINUTE, Gate, Rate
from engine.api.schemas import Health, Problem
from engine.api.services import Services
from engine.errors import EngineError
from engine.jobs import JobManager
from engine.workspace import Workspace

ROOT = "/api"  # where every server mounts it
DESCRIPTION = (
    "Bring a file, have a trained model judge it, read which rows are unusual and why, and label them. Every address "
    "but /api/health wants a token; `python -m engine token create --name NAME` makes one. A request may carry an "
    "Idempotency-Key: sent twice, it is carried out once. Rows are counted from 0; severity is the percentile of a "
    "row's anomaly score among the scores of the training rows."
)
REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "No valid token"},
    403: {"model": Problem, "description": "The token lacks the scope"},
    404: {"model": Problem, "description": "Not there, or somebody else's"},
    409: {"model": Problem, "description": "Not possible as things stand; the hint says what to do"},
    413: {"model": Problem, "description": "Too large"},
    422: {"model": Problem, "description": "A value that cannot be, or a file that cannot be read"},
    429: {"model": Problem, "description": "Too many requests, or the queue is full; see Retry-After"},
    500: {"model": Problem, "description": "A bug; the log has the details under the incident"},
    507: {"model": Problem, "description": "The disk is full"},
}


def create_app(
    space: Workspace, jobs_of: Callable[[], JobManager], *, per_minute: int = PER_MINUTE
) -> FastAPI:
    """The API over a workspace; ``jobs_of`` hands out the server's one job manager."""
    services = Services(space, jobs_of)
    app = FastAPI(
        title="Loupe: HTTP API",
        version="1",
        description=DESCRIPTION,
        servers=[{"url": ROOT}],
        openapi_url=None,  # ours are below: FastAPI's page loads scripts from another server
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={
            HTTPException: problems.refused,
            EngineError: problems.engine_refused,
            RequestValidationError: problems.invalid,
        },
    )
    app.state.services, app.state.reading = services, datasets.reading_limit()
    for part in (datasets, analyses, labels, models, jobs):
        app.include_router(part.router, responses=REFUSALS)
    app.add_middleware(Gate, tokens=services.tokens, rate=Rate(per_minute))

    @app.get("/health", response_model=Health, tags=["server"])
    async def health() -> dict[str, str]:
        """Whether the server answers. The one address that needs no token."""
        return {"status": "ok"}

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> dict[str, Any]:
        return app.openapi()

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(documentation.page(app.openapi()))

    return app
