"""The sample files a newcomer can open with one click, each with its story and suggested roles.

Listing them is cheap: this file loads nothing but the standard library. `engine.data.synthetic`
makes the files; `sample_data/README.md` describes every column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # roles.py loads pandas; only the names of its types are needed here
    from engine.data.roles import Kind, Role

SAMPLE_FOLDER = Path(__file__).resolve().parents[2] / "sample_data"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One shipped file: what it is called, what it tells, and what its columns are for.

    `kind` says whether rows stand alone or follow one another in time. `roles` covers every
    column, in the file's order. `sheet` names the sheet of a workbook that holds the table; it is
    None for a text file.
    """

    file: str
    title: str
    story: str
    kind: Kind
    roles: Mapping[str, Role] = field(hash=False)
    sheet: str | None = None

    @property
    def path(self) -> Path:
        """Where the file lies in this checkout."""
        return SAMPLE_FOLDER / self.file


def _bearing_roles() -> dict[str, Role]:
    roles: dict[str, Role] = {"timestamp": "time", "shaft_rpm": "feature", "load_kn": "feature"}
    names = (
        "rms_g",
        "kurtosis",
        "crest_factor",
        "band_0_1khz_g",
        "band_1_3khz_g",
        "band_3_6khz_g",
        "band_6_10khz_g",
    )
    roles |= {f"b{bearing}_{name}": "feature" for bearing in (1, 2, 3, 4) for name in names}
    return roles | {"failing": "label"}


SAMPLES: tuple[Sample, ...] = (
    Sample(
        file="card_transactions.csv",
        title="Card payments",
        story="Two months of payments by 400 card holders, of which one in a hundred is fraud: stolen cards "
        "abroad, cards being tested, and expensive orders that look almost ordinary.",
        kind="table",
        roles=MappingProxyType(
            {
                "transaction_id": "id",
                "timestamp": "time",
                "customer_id": "entity",
                "age_group": "feature",
                "region": "feature",
                "merchant_category": "feature",
                "channel": "feature",
                "amount": "feature",
                "seconds_since_last": "feature",
                "distance_from_home_km": "feature",
                "transactions_last_24h": "feature",
                "amount_vs_usual": "feature",
                "is_fraud": "label",
            }
        ),
    ),
    Sample(
        file="bearing_vibration.csv",
        title="Bearings run to failure",
        story="Two weeks of vibration from four bearings on one shaft, until one outer race gives way.",
        kind="series",
        roles=MappingProxyType(_bearing_roles()),
    ),
    Sample(
        file="machine_sensor.csv",
        title="Air compressor",
        story="A week of four sensors, minute by minute, with spikes, noise, drifts, trends and changes of "
        "rhythm from the third day on.",
        kind="series",
        roles=MappingProxyType(
            {
                "timestamp": "time",
                "temperature_c": "feature",
                "pressure_bar": "feature",
                "current_a": "feature",
                "vibration_mm_s": "feature",
                "anomaly": "label",
                "anomaly_type": "ignore",
            }
        ),
    ),
    Sample(
        file="access_events.xlsx",
        title="Doors and servers",
        story="Three months of a company's access log, in a workbook, with password guessing, data carried "
        "away and colleagues where they have no business.",
        kind="table",
        sheet="Events",
        roles=MappingProxyType(
            {
                "event_id": "id",
                "event_time": "time",
                "user_id": "entity",
                "department": "feature",
                "resource_code": "feature",
                "remote": "feature",
                "privileged": "feature",
                "after_hours": "feature",
                "failed_attempts": "feature",
                "session_minutes": "feature",
                "megabytes_out": "feature",
                "event_class": "label",
            }
        ),
    ),
    Sample(
        file="shop_orders_eu.csv",
        title="Web shop orders",
        story="A quarter of a coffee shop's orders as a European spreadsheet exports them, with eight slips "
        "of the hand and no labels.",
        kind="table",
        roles=MappingProxyType(
            {
                "order_no": "id",
                "order_date": "time",
                "city": "feature",
                "country": "feature",
                "article": "feature",
                "quantity": "feature",
                "unit price (€)": "feature",
                "discount (%)": "feature",
                "shipping (€)": "feature",
                "total (€)": "feature",
            }
        ),
    ),
)
