"""Compiled charts, kept where Python keeps compiled code: a process that finds them there does without Altair.

Altair takes half a second to import and as long again to compile the charts of a page. What it makes depends on the
sources of this folder and on its version alone, so that is how it is found again; of anything else it is made anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from functools import cache, wraps
from hashlib import sha256
from importlib.metadata import version
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from engine.files import write_atomically

Spec = dict[str, Any]


def kept(build: Callable[..., Spec]) -> Callable[..., Spec]:
    """A function that compiles a chart, so that no process does it twice, and the next one not at all.

    Its arguments are few and known beforehand: what belongs to a file or a model has no place in a specification.
    """

    @cache
    @wraps(build)
    def found(*choices: str | bool) -> Spec:
        key = f"{build.__module__}.{build.__name__}{choices}"
        spec = _read().get(key)
        return _compiled(key, build, choices) if spec is None else spec

    return found


def _compiled(key: str, build: Callable[..., Spec], choices: tuple[str | bool, ...]) -> Spec:
    spec, place = build(*choices), _place()
    with suppress(
        OSError
    ):  # where the program may not write beside itself, every process compiles for itself
        place.parent.mkdir(exist_ok=True)
        write_atomically(place, json.dumps(_read() | {key: spec}).encode())
        for older in place.parent.glob("charts-*.json"):
            if older != place:
                older.unlink(missing_ok=True)
    return spec


def _read() -> dict[str, Spec]:
    """Every specification that was kept, by what compiles it."""
    with suppress(OSError, ValueError):
        found = json.loads(_place().read_bytes())
        return found if isinstance(found, dict) else {}
    return {}


@cache
def _place() -> Path:
    """The file of this state of the sources."""
    digest = sha256(version("altair").encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return Path(cache_from_source(__file__)).with_name(f"charts-{digest.hexdigest()[:16]}.json")
