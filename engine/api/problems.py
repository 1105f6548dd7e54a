"""Everything the API refuses, in one shape: ``{"error": …, "hint": …, "incident": …}``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from engine.errors import EngineError, QueueFull, SchemaError, StoreError

HINTS = {
    400: "look at the request; GET /api/docs shows an example of each",
    401: "send the header 'Authorization: Bearer TOKEN'; `python -m engine token create --name NAME` makes a token",
    403: "use a token with that scope",
    404: "look at the address; GET /api/docs lists them all",
    405: "GET /api/docs lists every address with its methods",
    409: "try again in a moment",
    422: "change the request and send it again",
    500: "the log of the server has the details under this incident",
    503: "try again in a moment",
    507: "delete something that is no longer needed",
}
NO_TOKEN = "a valid token is needed"
QUEUE_RETRY_SECONDS = 5
LONGEST_QUOTE = 80


class Refusal(HTTPException):
    """A request that is not carried out, and why, in words."""

    def __init__(
        self, status: int, error: str, hint: str = "", *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, error, headers)
        self.hint = hint or HINTS.get(status, "")


def not_found(what: str, id: str) -> Refusal:
    """What is not there, or is somebody else's: both look the same."""
    return Refusal(
        404, f"there is no {what} '{shown(id)}' here", "it may have been deleted; list what there is"
    )


def too_many(error: str, hint: str, seconds: float) -> Refusal:
    """Not now; ``seconds`` says when."""
    return Refusal(429, error, hint, headers={"Retry-After": str(max(1, math.ceil(seconds)))})


def of_engine(problem: EngineError) -> Refusal:
    """What the engine refused. Its sentences end with what to do, after a semicolon."""
    error, _, hint = str(problem).rpartition("; ")
    error, hint = (error, hint) if error else (hint, "")
    if isinstance(problem, QueueFull):
        return too_many(error, hint, QUEUE_RETRY_SECONDS)
    if isinstance(
        problem, StoreError | SchemaError
    ):  # what is not there at all is refused before it comes to this
        return Refusal(409, error, hint)
    # A plain EngineError is none of the request's fault: the server is stopping.
    return Refusal(503 if type(problem) is EngineError else 422, error, hint)


def response(refusal: HTTPException, incident: str | None = None) -> JSONResponse:
    """A refusal as an answer; one that the framework raised gets its hint here."""
    status, error = refusal.status_code, str(refusal.detail)
    if not isinstance(refusal, Refusal):
        error = {404: "there is nothing at this address", 405: "this address has no such method"}.get(
            status, error[:1].lower() + error[1:].rstrip(".")
        )
    hint = refusal.hint if isinstance(refusal, Refusal) else HINTS.get(status, "")
    body = {"error": error, "hint": hint} | ({"incident": incident} if incident else {})
    return JSONResponse(body, status, refusal.headers)


async def refused(_: Request, problem: Exception) -> JSONResponse:
    """The handler of :class:`~starlette.exceptions.HTTPException`."""
    assert isinstance(problem, HTTPException)
    return response(problem)


async def engine_refused(_: Request, problem: Exception) -> JSONResponse:
    """The handler of :class:`~engine.errors.EngineError`."""
    assert isinstance(problem, EngineError)
    return response(of_engine(problem))


async def invalid(_: Request, problem: Exception) -> JSONResponse:
    """The handler of FastAPI's ``RequestValidationError``."""
    return response(of_validation(problem.errors()))  # type: ignore[attr-defined]


def of_validation(errors: Sequence[Any]) -> Refusal:
    """What pydantic found wrong with a request, in plain words: the first three findings."""
    first = errors[0]
    if first["type"] == "json_invalid":
        place = "the body" if first["loc"][0] == "body" else f"'{first['loc'][0]}'"
        return Refusal(400, f"{place} is not valid JSON: {first['ctx']['error']}", "send one JSON object")
    body_itself = first["loc"] == ("body",)
    if body_itself and first["type"] == "missing":
        return Refusal(422, "the body is missing", "send a JSON object; GET /api/docs shows an example")
    if body_itself and isinstance(first["input"], bytes):
        return Refusal(415, "the body must be JSON", "send the header 'Content-Type: application/json'")
    return Refusal(422, "; ".join(_in_words(error) for error in errors[:3]), HINTS[422])


def _in_words(error: Mapping[str, Any]) -> str:
    """One finding: what must hold, and what was found."""
    place = [part for part in error["loc"] if part not in ("body", "query", "path", "header")]
    name = ".".join(str(part) for part in place) or "the body"
    bounds, kind = error.get("ctx", {}), error["type"]
    if kind == "missing":
        return f"'{shown(name)}' is missing"
    if kind == "extra_forbidden":
        return f"'{shown(name)}' is not known here"
    rules = {
        "greater_than_equal": f"at least {bounds.get('ge')}",
        "greater_than": f"more than {bounds.get('gt')}",
        "less_than_equal": f"at most {bounds.get('le')}",
        "less_than": f"less than {bounds.get('lt')}",
        "literal_error": f"one of {bounds.get('expected')}",
        "finite_number": "a finite number",
        "string_too_long": f"at most {bounds.get('max_length')} characters long",
        "string_too_short": f"at least {bounds.get('min_length')} characters long",
        "too_short": f"a list of at least {bounds.get('min_length')}",
        "too_long": f"a list of at most {bounds.get('max_length')}",
        "model_attributes_type": "a JSON object",
        "model_type": "a JSON object",
        "dict_type": "a JSON object",
        "list_type": "a list",
        "tuple_type": "a list",
        "string_type": "text",
        "bool_type": "true or false",
        "bool_parsing": "true or false",
    }
    rule = rules.get(kind)
    if rule is None and kind.startswith("int_"):
        rule = "a whole number"
    if rule is None and kind.startswith("float_"):
        rule = "a number"
    found = shown(error.get("input"))
    return (
        f"'{shown(name)}' must be {rule}, got {found}"
        if rule
        else f"'{shown(name)}': {error['msg']}, got {found}"
    )


def shown(value: Any) -> str:
    """A value of a request as a message may quote it: short, and on one line."""
    if isinstance(value, str):
        text = "".join(ch if ch.isprintable() else "\N{REPLACEMENT CHARACTER}" for ch in value)
    else:
        text = json.dumps(value, default=repr)
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…"
