"""The trial of a stranger's model: it is put together and scores rows in a process of its own, before it is kept.

A bundle holds a *probe*: 16 encoded rows and the scores the model gave them where it was made. A model that scores
them otherwise here is not the model that was sent.

As a program this takes its order as JSON on standard input and says on the last line of standard output how it went:
``{"done": true}`` or ``{"error": sentence}``.
"""

from __future__ import annotations

import json
import math
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.arrays import pack, unpack
from engine.data.column_codes import TYPICAL, CodeKind, ColumnCode
from engine.data.features import FeatureRecipe
from engine.data.pace import LONGEST_GAP
from engine.data.reading.types import ColumnType
from engine.data.roles import Roles
from engine.data.windows import LEAST
from engine.detectors import detector_class
from engine.errors import EngineError, StoreError
from engine.hyperparameters import checked
from engine.model import Card, Model
from engine.scoring.rules import rule_from_dict

PROBE = "probe.safetensors"
ROWS = 16
MOST_TEXT = 2_000  # characters of a note, a name, a reason
MOST_ENTRIES = 50_000  # of a list on the card
TYPES = get_args(ColumnType)


# ---- the probe


def probe_of(model: Model) -> bytes:
    """Rows around the typical one (16, n_features) and the scores the model gives them (16,), as bytes.

    For a sequential detector as many readings in a row as its windows want.
    """
    typical = model.recipe.encoder.typical_row
    rows = typical + 2.0 * np.random.default_rng(0).normal(size=(rows_for(model), len(typical)))
    rows[0] = typical
    return pack({"rows": rows, "scores": model.detector.decision_function(rows)})


def rows_for(model: Model) -> int:
    """How many rows a model must be given to judge them all."""
    return ROWS + (model.sequential.window_ if model.recipe.pace else 0)


def check_probe(model: Model, probe: bytes) -> None:
    """Raise a StoreError unless the model gives the probe's rows the scores they had."""
    arrays = unpack(probe)
    rows, expected = arrays.get("rows"), arrays.get("scores")
    count, width = rows_for(model), len(model.recipe.encoder.encoded_names)
    if rows is None or expected is None or rows.shape != (count, width) or expected.shape != (count,):
        raise StoreError(f"its probe does not hold {count} rows of {width} features and their scores")
    if not all(a.dtype == np.float64 and np.isfinite(a).all() for a in (rows, expected)):
        raise StoreError("its probe holds something that is no finite number")
    found = model.detector.decision_function(rows)
    allowed = type(model.detector).probe_tolerance
    off = _relative(found, expected)
    if not off <= allowed:
        made_with = ", ".join(f"{name} {version}" for name, version in model.card.versions.items())
        raise StoreError(
            f"it scores the rows of its own probe differently here, by {off:.1g} where {allowed:.0g} is allowed; "
            f"it was made with {made_with or 'unknown versions'}"
        )


def _relative(found: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    """The largest difference, as a share of the larger number; NaN when a score is no number."""
    size = np.maximum(np.maximum(np.abs(found), np.abs(expected)), np.finfo(np.float64).tiny)
    return float(np.max(np.abs(found - expected) / size))


# ---- the model


def try_model(manifest: Mapping[str, Any], parts: Mapping[str, bytes]) -> None:
    """Put a model together, encode a made-up table with it and score its probe; a StoreError says what is wrong."""
    card = Card.from_dict(manifest)
    check_card(card)
    model = Model.restored(card, parts)
    check_recipe(model.recipe)
    if card.features != model.recipe.encoder.encoded_names:
        raise StoreError("its card and its recipe speak of different features")
    if model.fingerprint is not None and set(model.fingerprint.columns) != set(model.recipe.channels):
        raise StoreError("its fingerprint and its recipe speak of different columns")
    prepared = model.encode(_made_up(card.columns))
    if prepared.encoded.values.shape != (ROWS, len(card.features)):
        raise StoreError("its recipe does not make the features it promises")
    model.judge(prepared)
    check_probe(model, parts.get(PROBE, b""))


def check_card(card: Card) -> None:
    """Raise a StoreError unless every entry of a card is what pages and commands take it for."""
    texts = (
        card.name,
        card.detector,
        card.dataset,
        card.dataset_hash,
        card.job,
        card.origin,
        card.threshold_group,
    )
    tables = (card.columns, card.left_out, card.versions, card.hyperparameters, card.roles, card.rule)
    counts = (card.rows, card.judged, card.labelled, *([] if card.window is None else [card.window]))
    sound = (
        all(_is_text(text) for text in texts)
        and all(isinstance(table, dict) and len(table) <= MOST_ENTRIES for table in tables)
        and all(_are_texts(list(table.items())) for table in (card.columns, card.left_out, card.versions))
        and all(
            isinstance(texts, list) and all(map(_is_text, texts)) for texts in (card.features, card.notes)
        )
        and all(type(count) is int and count >= 0 for count in counts)
        and all(_is_number(number) for number in (card.threshold, card.seconds))
        and set(card.columns.values()) <= set(TYPES)
    )
    if not sound:
        raise StoreError("an entry of its card is not what it should be")
    Roles.from_dict(card.roles)
    rule_from_dict(card.rule)
    whole = checked(detector_class(card.detector), card.hyperparameters)
    if json.loads(json.dumps(whole)) != card.hyperparameters:  # a list of numbers is a tuple in code
        raise StoreError("its card does not name every hyperparameter")


def check_recipe(recipe: FeatureRecipe) -> None:
    """Raise a StoreError unless every column code holds numbers where numbers are used."""
    windows, pace = recipe.windows, recipe.pace
    sound = all(_is_code(code) for code in recipe.encoder.codes) and _are_texts(
        list(recipe.encoder.left_out.items())
    )
    if windows is not None:
        sound = sound and type(windows.length) is int and windows.length >= LEAST
        sound = sound and _is_number(windows.step_seconds)
    if pace is not None:
        sound = sound and all(map(_is_number, (pace.step_seconds, pace.gap_seconds)))
        sound = sound and 0 < pace.step_seconds < pace.gap_seconds
        sound = sound and pace.gap_seconds <= LONGEST_GAP * pace.step_seconds
    if not sound:
        raise StoreError("its recipe is damaged")


def _is_code(code: ColumnCode) -> bool:
    numbers = (code.center, code.scale, code.fill, *code.typical, *code.levels.values())
    whole = (
        _is_text(code.name)
        and code.kind in get_args(CodeKind)
        and all(map(_is_number, numbers))
        and code.scale > 0
        and type(code.n_rows) is int
    )
    if code.kind == "category":
        return whole and all(isinstance(k, str) and 0 < share <= 1 for k, share in code.levels.items())
    return whole and len(code.typical) == len(TYPICAL) and code.typical == sorted(code.typical)


def _made_up(columns: Mapping[str, str]) -> pd.DataFrame:
    """A table with the columns a card asks for."""
    number = np.arange(ROWS)
    cells = {
        "integer": number,
        "number": number / 3,
        "boolean": number % 2 == 0,
        "datetime": pd.Timestamp("2024-05-06") + pd.to_timedelta(number, unit="min"),
        "text": [f"text {n}" for n in number],
    }
    return pd.DataFrame({name: cells[kind] for name, kind in columns.items()}, index=range(ROWS))


def _is_text(text: object) -> bool:
    return isinstance(text, str) and len(text) <= MOST_TEXT


def _are_texts(pairs: list[tuple[Any, Any]]) -> bool:
    return all(_is_text(key) and _is_text(value) for key, value in pairs)


def _is_number(number: object) -> bool:
    return type(number) in (int, float) and math.isfinite(number)  # type: ignore[arg-type]


# ---- the program


def main() -> int:
    """Try the bundle that standard input names; 0 when it may be kept."""
    from engine.bundle import read_bundle
    from engine.data.reading.child import limit

    order = json.load(sys.stdin)
    limit()
    try:
        manifest, parts = read_bundle(Path(order["bundle"]))
        with np.errstate(all="ignore"):  # numbers that cannot be are found by the checks
            try_model(manifest, parts)
        outcome: dict[str, Any] = {"done": True}
    except EngineError as problem:
        outcome = {"error": str(problem)}
    except MemoryError:
        outcome = {"error": "it needs more memory than is allowed"}
    except Exception:  # whatever else a made-up model can set off; the log gets the trace
        traceback.print_exc()
        outcome = {"error": "its parts do not hold together"}
    sys.stdout.write(json.dumps(outcome) + "\n")
    return 0 if "done" in outcome else 3


if __name__ == "__main__":
    sys.exit(main())
