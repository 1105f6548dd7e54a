"""The sample tables as files whose bytes depend on nothing but this code.

Numbers are written with a fixed number of decimals, lines end the same way on every system, and
the workbook carries fixed dates inside and in its zip entries.
"""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import openpyxl
import pandas as pd
from openpyxl.xml.functions import tostring

from engine.data.synthetic.access import access_events, codes
from engine.data.synthetic.bearing import bearing_vibration
from engine.data.synthetic.machine import machine_sensor
from engine.data.synthetic.orders import shop_orders
from engine.data.synthetic.transactions import card_transactions

EXPORTED = dt.datetime(2024, 12, 2, 8, 0)  # the workbook's birthday, inside and out
UNIX = 3  # zipfile notes the system that wrote an entry; all shall say the same


def write_samples(folder: Path) -> list[Path]:
    """Write every sample file into the folder, made if absent, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_write(folder / name, content()) for name, content in CONTENTS.items()]


def card_file() -> bytes:
    decimals = {"amount": 2, "seconds_since_last": 0, "distance_from_home_km": 1, "amount_vs_usual": 2}
    return _csv(card_transactions(), decimals).encode()


def bearing_file() -> bytes:
    table = bearing_vibration()
    features = {column: 4 for column in table.columns if column.startswith("b")}
    return _csv(table, features | {"shaft_rpm": 1, "load_kn": 2}).encode()


def machine_file() -> bytes:
    decimals = {"temperature_c": 2, "pressure_bar": 3, "current_a": 2, "vibration_mm_s": 3}
    return _csv(machine_sensor(), decimals).encode()


def orders_file() -> bytes:
    """The orders with what a reader has to notice: preamble, code page, semicolons, commas, totals."""
    orders = shop_orders()
    totals = {column: f"{orders[column].sum():.2f}" for column in ("shipping (€)", "total (€)")}
    totals |= {"order_no": "Total", "quantity": f"{orders['quantity'].sum()}"}
    money = ("unit price (€)", "shipping (€)", "total (€)")
    text = _as_text(orders, dict.fromkeys(money, 2) | {"discount (%)": 1}, date_format="%d.%m.%Y")
    text = pd.concat([text, pd.DataFrame([totals])], ignore_index=True)
    numbers = [*money, "discount (%)"]
    text[numbers] = text[numbers].apply(lambda column: column.str.replace(".", ",", regex=False))
    preamble = (
        "Rösterei Grünwald – web shop orders, first quarter 2024\r\nExported 02.04.2024, amounts in €\r\n"
    )
    return (preamble + text.to_csv(sep=";", index=False, lineterminator="\r\n")).encode("cp1252")


def access_file() -> bytes:
    """The workbook: About, Events (two title rows above the header) and Codes."""
    book = openpyxl.Workbook()
    book.properties.creator = "Loupe sample data"
    book.properties.created = EXPORTED
    about = book.active
    about.title = "About"
    for line in (
        "Access log of the head office, September to November 2024",
        "Sheet Events: one row per badge or login event; the table starts below two title rows.",
        "Sheet Codes: what each resource code stands for.",
        "Doors have no session: session_minutes and megabytes_out are empty there.",
        "The data are made up.",
    ):
        about.append([line])
    events = book.create_sheet("Events")
    events.append(["Access log, head office"])
    events.append([f"Exported {EXPORTED:%d %B %Y}, all times local"])
    _fill(events, access_events())
    events.freeze_panes = "A4"
    _fill(book.create_sheet("Codes"), codes())
    return _xlsx(book)


CONTENTS: Mapping[str, Callable[[], bytes]] = MappingProxyType(
    {
        "card_transactions.csv": card_file,
        "bearing_vibration.csv": bearing_file,
        "machine_sensor.csv": machine_file,
        "access_events.xlsx": access_file,
        "shop_orders_eu.csv": orders_file,
    }
)


def _csv(table: pd.DataFrame, decimals: Mapping[str, int]) -> str:
    return str(_as_text(table, decimals).to_csv(index=False, lineterminator="\n"))


def _as_text(
    table: pd.DataFrame, decimals: Mapping[str, int], date_format: str = "%Y-%m-%d %H:%M:%S"
) -> pd.DataFrame:
    """The table with numbers and dates spelt out; missing cells stay missing."""
    text = table.copy()
    for column, places in decimals.items():
        text[column] = [None if pd.isna(value) else f"{value:.{places}f}" for value in table[column]]
    for column in table.select_dtypes("datetime").columns:
        text[column] = table[column].dt.strftime(date_format)
    return text


def _fill(sheet: openpyxl.worksheet.worksheet.Worksheet, table: pd.DataFrame) -> None:
    """Append header and rows; dates become date cells, missing values empty ones."""
    sheet.append(list(table.columns))
    for row in table.astype(object).itertuples(index=False):
        sheet.append([None if pd.isna(value) else _cell(value) for value in row])


def _cell(value: object) -> object:
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value


def _xlsx(book: openpyxl.Workbook) -> bytes:
    """The workbook's bytes, with the moment of saving replaced by a fixed one throughout."""
    saved, fixed = io.BytesIO(), io.BytesIO()
    book.save(saved)
    book.properties.modified = EXPORTED  # saving has just set it to now
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(fixed, "w") as target:
        for name in source.namelist():
            entry = zipfile.ZipInfo(name, EXPORTED.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = UNIX
            properties = name == "docProps/core.xml"
            target.writestr(entry, tostring(book.properties.to_tree()) if properties else source.read(name))
    return fixed.getvalue()


def _write(path: Path, content: bytes) -> Path:
    """Write beside the file, then rename: it is never half there."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    return partial.replace(path)
