"""Arrays survive as bytes exactly; bytes that are not arrays are refused before they cost memory."""

import json
import random
import struct

import numpy as np
import pytest

from engine.arrays import DTYPES, pack, unpack
from engine.errors import StoreError


def forged(header: object, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def entry(**changes: object) -> dict[str, object]:
    return {"dtype": "F64", "shape": [1], "data_offsets": [0, 8], **changes}


@pytest.mark.parametrize("dtype", DTYPES.values())
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 4), (4, 5)])
def test_arrays_come_back_exactly(dtype, shape):
    array = (np.random.default_rng(0).random(shape) * 3).astype(dtype)

    back = unpack(pack({"tree.0/größe": array}))["tree.0/größe"]

    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert back.tobytes() == array.tobytes()


def test_any_layout_is_packed():
    array = np.arange(12.0).reshape(3, 4)
    back = unpack(pack({"turned": array.T, "thinned": array[:, ::2], "swapped": array.astype(">f8")}))

    assert np.array_equal(back["turned"], array.T)
    assert np.array_equal(back["thinned"], array[:, ::2])
    assert np.array_equal(back["swapped"], array)


def test_no_arrays_are_fine_and_special_numbers_too():
    assert unpack(pack({})) == {}
    assert np.isnan(unpack(pack({"x": np.array([np.nan, np.inf])}))["x"][0])


def test_what_was_unpacked_is_only_read():
    with pytest.raises(ValueError, match="read-only"):
        unpack(pack({"x": np.zeros(3)}))["x"][0] = 1


@pytest.mark.parametrize(
    "array", [np.array(["a"]), np.array([object()]), np.zeros(2, complex), np.zeros(2, "M8[s]")]
)
def test_only_plain_numbers_are_packed(array):
    with pytest.raises(StoreError, match=r"must hold plain numbers"):
        pack({"x": array})


def test_too_many_arrays_are_not_packed():
    with pytest.raises(StoreError, match=r"1,001 arrays, and at most 1,000"):
        pack({str(n): np.zeros(1) for n in range(1001)})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"1234567",
        b"\x80\x04.",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 3) + b"{}",
        forged(b"{" + b" " * 300_000 + b"}"),
        forged(b"[" * 100_000),
        forged([]),
        forged({"x": []}),
        forged({"x": entry(dtype="U64")}, bytes(8)),
        forged({"x": entry(dtype=["F64"])}, bytes(8)),
        forged({"x": entry(shape=[-1])}, bytes(8)),
        forged({"x": entry(shape=[True])}, bytes(8)),
        forged({"x": entry(shape=[1] * 9)}, bytes(8)),
        forged({"x": entry(shape=[0, 2**62], data_offsets=[0, 0])}),
        forged({"x": entry(shape=[2**37])}, bytes(8)),
        forged({"x": entry(shape=[2])}, bytes(8)),
        forged({"x": entry(data_offsets=[0, 16])}, bytes(8)),
        forged({"x": entry(data_offsets=[8, 0])}, bytes(8)),
        forged({"x": entry(), "y": entry()}, bytes(8)),
        forged({"x": entry()}, bytes(16)),
        forged({"x": entry(dtype="BOOL", data_offsets=[0, 1])}, b"\x02"),
        forged({"__metadata__": {"a": "b"}}),
        forged({"x" * 300: entry()}, bytes(8)),
        forged(b'{"x": 1, "x": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}}', bytes(8)),
    ],
    ids=lambda data: repr(data[8:40]),
)
def test_other_bytes_are_refused(data):
    with pytest.raises(StoreError, match=r"these stored arrays are damaged"):
        unpack(data)


def test_damaged_bytes_are_refused_or_are_arrays():
    whole, rng = pack({"x": np.arange(20.0), "y": np.array([True, False])}), random.Random(0)
    for _ in range(1000):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            arrays = unpack(bytes(data[: rng.choice([len(data), rng.randrange(len(data))])]))
        except StoreError:
            continue
        assert all(array.dtype.name in DTYPES.values() for array in arrays.values())
