"""Damaged files end in a table or in a sentence, never in anything else."""

import contextlib
import io
import random
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.data.reading import read_table
from engine.errors import ReadingError

N_MUTATIONS = 40
CSV = "time;id;value\n" + "".join(f'0{i % 9 + 1}.02.2024;"0{i}";{i},5\n' for i in range(60))
JSON = "[" + ",".join(f'{{"a": {i}, "b": {{"c": "x{i}"}}}}' for i in range(60)) + "]"


def parquet_file():
    buffer = io.BytesIO()
    pq.write_table(pa.table({"a": list(range(200)), "b": [f"x{i}" for i in range(200)]}), buffer)
    return buffer.getvalue()


def mutated(content, chance):
    """A few bytes changed, a piece cut out, doubled or overwritten."""
    data = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        place, length = chance.randrange(len(data)), chance.randint(1, 40)
        match chance.randrange(4):
            case 0:
                data[place] = chance.randrange(256)
            case 1:
                del data[place : place + length]
            case 2:
                data[place:place] = data[place : place + length]
            case 3:
                data[place : place + length] = chance.randbytes(length)
        if not data:
            break
    return bytes(data)


@pytest.mark.parametrize("kind", ["csv", "json", "parquet", "xlsx"])
def test_damaged_file_ends_in_a_table_or_a_sentence(tmp_path, workbook, kind):
    rows = [["a", "b"], *([i, f"x{i}"] for i in range(60))]
    contents = {"csv": CSV.encode(), "json": JSON.encode(), "parquet": parquet_file(), "xlsx": workbook(rows)}
    chance = random.Random(7)
    path = tmp_path / f"data.{kind}"
    slowest = 0.0
    for _ in range(N_MUTATIONS):
        path.write_bytes(mutated(contents[kind], chance))
        start = time.perf_counter()
        with contextlib.suppress(ReadingError):
            assert len(read_table(path).frame) > 0
        slowest = max(slowest, time.perf_counter() - start)
    assert slowest < 5
