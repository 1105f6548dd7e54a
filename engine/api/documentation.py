"""The page of documentation: every route with its parameters, answers and a curl line, as plain HTML.

It is made from the OpenAPI description and asks nothing of other servers, so it works offline and under a strict
content security policy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
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


def page(schema: Mapping[str, Any]) -> str:
    """The HTML of an OpenAPI description."""
    root = schema["servers"][0]["url"]
    routes = "".join(
        _route(root, path, method, facts, schema)
        for path, methods in schema["paths"].items()
        for method, facts in methods.items()
    )
    title = escape(schema["info"]["title"])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body><h1>{title}</h1><p>{escape(schema['info']['description'])}</p>"
        f"{routes}</body></html>"
    )


def _route(root: str, path: str, method: str, facts: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    parameters = [
        (parameter["name"], parameter["in"], parameter.get("description", ""))
        for parameter in facts.get("parameters", [])
    ] + [(name, "body", described) for name, described in _body_fields(facts, schema)]
    answers = [(code, answer["description"]) for code, answer in sorted(facts["responses"].items())]
    return (
        f"<h2><code>{method.upper()} {escape(root + path)}</code></h2><p>{escape(facts.get('description', ''))}</p>"
        + _table(("parameter", "in", ""), parameters)
        + _table(("answer", ""), answers)
        + f"<pre><code>{escape(_curl(root + path, method, facts, schema))}</code></pre>"
    )


def _table(head: tuple[str, ...], rows: list[Any]) -> str:
    if not rows:
        return ""
    lines = [f"<tr>{''.join(f'<th>{cell}</th>' for cell in head)}</tr>"]
    lines += [f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows]
    return f"<table>{''.join(lines)}</table>"


def _content(facts: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
    """The media type of a route's body and its schema."""
    content = facts.get("requestBody", {}).get("content", {})
    return next(((kind, body["schema"]) for kind, body in content.items()), None)


def _properties(facts: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    found = _content(facts)
    if found is None:
        return {}
    # A body that may be left out is described as the object or null.
    choices = [found[1], *found[1].get("anyOf", [])]
    named = next((choice["$ref"] for choice in choices if "$ref" in choice), None)
    body = schema["components"]["schemas"][named.rpartition("/")[2]] if named else found[1]
    return dict(body.get("properties", {}))


def _body_fields(facts: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, about in _properties(facts, schema).items():
        yield name, about.get("description", "")


def _curl(path: str, method: str, facts: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """A line for the shell that calls the route."""
    names = {"{id}": "ID", "{name}": "NAME"}
    for name, stands_for in names.items():
        path = path.replace(name, stands_for)
    parts = ["curl", *([] if method == "get" else ["-X", method.upper()]), f"{BASE}{path}"]
    if not path.endswith(PUBLIC):
        parts.append('-H "Authorization: Bearer $TOKEN"')
    found = _content(facts)
    if found is not None and found[0] == "multipart/form-data":
        parts.append("-F file=@data.csv")
    elif found is not None:
        example = {k: v["examples"][0] for k, v in _properties(facts, schema).items() if "examples" in v}
        parts.append(f"-H 'Content-Type: application/json' -d '{json.dumps(example)}'")
    return " ".join(parts)
