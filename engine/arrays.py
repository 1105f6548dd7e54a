"""Named arrays as bytes: all that a trained detector is, in a format that cannot run code.

The bytes are safetensors: a short JSON header, then plain numbers. What is read may come from
anywhere, so the header is checked before anything is allocated for what it promises.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import StoreError

DTYPES = {
    "BOOL": "bool",
    "I8": "int8",
    "I16": "int16",
    "I32": "int32",
    "I64": "int64",
    "U8": "uint8",
    "F16": "float16",
    "F32": "float32",
    "F64": "float64",
}
"""The kinds of numbers a model may hold, by safetensors' names and by numpy's."""

MAX_HEADER_BYTES = 256 * 1024  # a header of 100,000 arrays takes safetensors long to parse
MAX_ARRAYS = 1000
MAX_DIMENSIONS = 8
MAX_ELEMENTS = 2**40  # also of an array with an empty side, whose other sides cost nothing to write
MAX_NAME_CHARACTERS = 200

_LENGTH_BYTES = 8  # the header's length stands first, as a little-endian number


def pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Arrays by name as bytes that :func:`unpack` gives back exactly: same names, types, shapes, numbers."""
    from safetensors.numpy import save

    plain = {name: _plain(name, array) for name, array in arrays.items()}
    data: bytes = save(plain)
    _checked_header(data)
    return data


def unpack(data: bytes) -> dict[str, NDArray[Any]]:
    """The arrays that :func:`pack` was given, read-only; a StoreError for anything else."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    _checked_header(data)
    try:
        arrays: dict[str, NDArray[Any]] = load(data)
    except (SafetensorError, ValueError, KeyError, OverflowError) as problem:
        raise _damaged(str(problem)) from None
    for name, array in arrays.items():
        if array.dtype == np.bool_ and array.size and int(array.view(np.uint8).max()) > 1:
            raise _damaged(f"'{name}' holds a byte that is neither true nor false")
        array.flags.writeable = False
    return arrays


def _plain(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """The array as safetensors can take it: contiguous, in this machine's byte order."""
    if array.dtype.name not in DTYPES.values():
        raise StoreError(f"a stored array must hold plain numbers, found {array.dtype} in '{name}'")
    # Not ascontiguousarray, which makes a single number an array of one.
    return np.asarray(array, dtype=array.dtype.newbyteorder("="), order="C")


def _checked_header(data: bytes) -> None:
    """Raise a StoreError unless the header promises few arrays of known kinds and sane sizes."""
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    if len(data) < _LENGTH_BYTES or length > len(data) - _LENGTH_BYTES:
        raise _damaged("its end is missing")
    if length > MAX_HEADER_BYTES:
        raise _damaged(f"its header has {length:,} bytes, and at most {MAX_HEADER_BYTES:,} are read")
    try:
        header = json.loads(data[_LENGTH_BYTES : _LENGTH_BYTES + length], object_pairs_hook=_distinct)
    except (ValueError, RecursionError):
        raise _damaged("its header is not readable JSON") from None
    if not isinstance(header, dict):
        raise _damaged("its header is not a list of arrays")
    if len(header) > MAX_ARRAYS:
        raise _damaged(f"it holds {len(header):,} arrays, and at most {MAX_ARRAYS:,} are read")
    for name, array in header.items():
        _check_array(name, array)


def _check_array(name: str, array: Any) -> None:
    if len(name) > MAX_NAME_CHARACTERS or name == "__metadata__":
        raise _damaged(f"an array cannot be called '{name[:MAX_NAME_CHARACTERS]}'")
    if not isinstance(array, dict) or not isinstance(array.get("dtype"), str) or array["dtype"] not in DTYPES:
        raise _damaged(f"'{name}' does not hold numbers of a known kind")
    shape = array.get("shape")
    if not isinstance(shape, list) or not all(type(side) is int and side >= 0 for side in shape):
        raise _damaged(f"'{name}' has no shape")
    if len(shape) > MAX_DIMENSIONS or math.prod(max(side, 1) for side in shape) > MAX_ELEMENTS:
        raise _damaged(f"'{name}' would be too large")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; two readers may disagree on which of two equal names counts, so none may occur."""
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name occurs twice")
    return names


def _damaged(reason: str) -> StoreError:
    return StoreError(
        f"these stored arrays are damaged: {reason}; restore the file from a backup or train again"
    )
