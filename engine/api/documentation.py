"""The page of documentation: every route with its parameters, answers and a curl line, as plain HTML.

It is made from the OpenAPI description and asks nothing of other servers, so it works offline and under a strict
content security policy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1f2937}"
    "h2{margin-top:2.5rem;border-top:1px solid #d1d5db;padding-top:1rem;font-size:1.1rem}"
    "pre{background:#f3f5f9;padding:.7rem;overflow-x:auto}code{font-family:ui-monospace,monospace}"
    "table{border-collapse:collapse}td,th{text-align:left;vertical-align:top;padding:.2rem 1rem .2rem 0}"
)
PUBLIC = "/health"
BASE = "http://127.0.0.1:8600"

Schema = Mapping[str, Any]
Line = tuple[str, ...]  # the cells of a row of a table


def page(api: Schema) -> str:
    """The HTML of an OpenAPI description."""
    title, root = escape(api["info"]["title"]), api["servers"][0]["url"]
    routes = "".join(
        _route(root + path, method, facts, api)
        for path, methods in api["paths"].items()
        for method, facts in methods.items()
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body><h1>{title}</h1><p>{escape(api['info']['description'])}</p>"
        f"{routes}</body></html>"
    )


def _route(path: str, method: str, facts: Schema, api: Schema) -> str:
    kind, body = _body(facts)
    parameters: list[Line] = [
        (each["name"], each["in"], each.get("description", "")) for each in facts.get("parameters", [])
    ]
    parameters += [(name, "body", text) for name, text in _fields(body, api)]
    codes = sorted(facts["responses"].items())
    fields = [field for code, answer in codes if code < "300" for field in _fields(_json(answer), api)]
    example = {name: about["examples"][0] for name, about in _named(body, api).items() if "examples" in about}
    return (
        f"<h2><code>{method.upper()} {escape(path)}</code></h2><p>{escape(facts.get('description', ''))}</p>"
        + _table(("parameter", "in", ""), parameters)
        + _table(("answer holds", ""), fields)
        + _table(("answer", ""), [(code, answer["description"]) for code, answer in codes])
        + f"<pre><code>{escape(_curl(path, method, kind, example))}</code></pre>"
    )


def _table(head: Line, lines: list[Line]) -> str:
    if not lines:
        return ""
    rows = [f"<tr>{''.join(f'<th>{cell}</th>' for cell in head)}</tr>"]
    rows += [f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in line)}</tr>" for line in lines]
    return f"<table>{''.join(rows)}</table>"


def _body(facts: Schema) -> tuple[str, Schema]:
    """The media type of a route's body and its schema; empty when it takes none."""
    content = facts.get("requestBody", {}).get("content", {})
    return next(((kind, about["schema"]) for kind, about in content.items()), ("", {}))


def _json(answer: Schema) -> Schema:
    found: Schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
    return found.get("items", found)


def _fields(body: Schema, api: Schema) -> list[Line]:
    return [(name, about.get("description", "")) for name, about in _named(body, api).items()]


def _named(body: Schema, api: Schema) -> dict[str, Any]:
    """The properties of an object; one that may be left out is described as the object or null."""
    reference = next((each["$ref"] for each in (body, *body.get("anyOf", [])) if "$ref" in each), None)
    if reference:
        body = api["components"]["schemas"][reference.rpartition("/")[2]]
    return dict(body.get("properties", {}))


def _curl(path: str, method: str, kind: str, example: Mapping[str, Any]) -> str:
    """A line for the shell that calls the route."""
    parts = ["curl", *([] if method == "get" else ["-X", method.upper()])]
    parts.append(BASE + path.replace("{id}", "ID").replace("{name}", "NAME"))
    if not path.endswith(PUBLIC):
        parts.append('-H "Authorization: Bearer $TOKEN"')
    if kind == "multipart/form-data":
        parts.append("-F file=@data.csv")
    elif kind:
        parts.append(f"-H 'Content-Type: application/json' -d '{json.dumps(example)}'")
    return " ".join(parts)
