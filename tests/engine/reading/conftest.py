"""Small files written for one test each."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from engine.data.reading import Reading, ReadingOptions, read_table
from engine.errors import ReadingError


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Reading]:
    """Write the content to a file and read it: read('a,b\\n1,2\\n', delimiter=',')."""

    def reading(content: bytes | str, name: str = "data.csv", **choices: Any) -> Reading:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path, ReadingOptions(**choices))

    return reading


@pytest.fixture
def refusal(read: Callable[..., Reading]) -> Callable[..., str]:
    """The sentence with which a content is refused."""

    def sentence(content: bytes | str, name: str = "data.csv", **choices: Any) -> str:
        with pytest.raises(ReadingError) as caught:
            read(content, name, **choices)
        return str(caught.value)

    return sentence


@pytest.fixture
def workbook() -> Callable[..., bytes]:
    """An XLSX file with these rows: workbook([['a'], [1]]); ``change`` may edit it before it is saved."""

    def saved(rows: list[list[Any]], change: Callable[[Any, Any], Any] | None = None) -> bytes:
        book = openpyxl.Workbook()
        sheet = book.active
        for row in rows:
            sheet.append(row)
        if change:
            change(book, sheet)
        buffer = io.BytesIO()
        book.save(buffer)
        return buffer.getvalue()

    return saved


@pytest.fixture
def archive() -> Callable[..., bytes]:
    """A zip file with these parts."""

    def packed(parts: dict[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as file:
            for name, content in parts.items():
                file.writestr(name, content)
        return buffer.getvalue()

    return packed
