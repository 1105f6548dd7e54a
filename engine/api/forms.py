"""Requests that bring a file as a form: how the documentation tells of them, and what is refused."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from engine.api.problems import Refusal


def file_form(file: str, **others: str) -> dict[str, Any]:
    """What OpenAPI says of a form with a ``file`` and ``others``, texts: each by what it is to hold."""
    fields = {name: {"type": "string", "description": holds} for name, holds in others.items()}
    fields = {"file": {"type": "string", "format": "binary", "description": file}, **fields}
    schema = {"type": "object", "required": ["file"], "properties": fields}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def check_form(request: Request, example: str) -> None:
    """Refuse a request that is no form; ``example`` is the name of a file such as it should bring."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        hint = f"send multipart/form-data: curl -F file=@{example} …"
        raise Refusal(415, "a file must come as a form", hint)
