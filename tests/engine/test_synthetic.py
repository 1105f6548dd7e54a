"""The sample data: same bytes every time, what is planted is there, and nothing looks ahead."""

from __future__ import annotations

import functools
import io
import re
import subprocess
import sys
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pytest

from engine.data.roles import Roles
from engine.data.samples import SAMPLE_FOLDER, SAMPLES
from engine.data.synthetic import (
    card_transactions,
    files,
    machine_sensor,
    orders,
    raw_snapshot,
    raw_snapshots,
    snapshot_features,
)
from engine.data.synthetic.bearing import FAULT_ORDERS, N_POINTS, SAMPLING_HZ, SHAFT_RPM, fault_growth
from engine.data.synthetic.machine import COLUMNS, PLANTED
from engine.data.synthetic.transactions import with_past_aggregates
from engine.errors import UsageError

BY_FILE = {sample.file: sample for sample in SAMPLES}
LARGEST_TOTAL = 6_000_000  # bytes a checkout may spend on samples


@functools.cache
def shipped(file):
    """The committed file as a table, read with everything known about it."""
    path = SAMPLE_FOLDER / file
    if file.endswith(".xlsx"):
        return pd.read_excel(
            path,
            sheet_name=BY_FILE[file].sheet,
            skiprows=2,
            engine="openpyxl",
            dtype={"user_id": str, "event_id": str},
        )
    if file == "shop_orders_eu.csv":
        return pd.read_csv(
            path, sep=";", decimal=",", encoding="cp1252", skiprows=2, skipfooter=1, engine="python"
        )
    time = next(column for column, role in BY_FILE[file].roles.items() if role == "time")
    return pd.read_csv(path, parse_dates=[time])


@pytest.fixture(scope="module")
def cards():
    return shipped("card_transactions.csv")


# -- the files ---------------------------------------------------------------------------------


SLOW = {"bearing_vibration.csv"}  # 8,000 raw snapshots are made and measured


@pytest.mark.parametrize(
    "file", [pytest.param(file, marks=[pytest.mark.slow] * (file in SLOW)) for file in files.CONTENTS]
)
def test_regenerated_file_equals_the_shipped_one_byte_for_byte(file):
    assert files.CONTENTS[file]() == (SAMPLE_FOLDER / file).read_bytes()


def test_write_samples_leaves_the_finished_files_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "CONTENTS", {"a.csv": lambda: b"1\n", "b.csv": lambda: b"2\n"})
    assert files.write_samples(tmp_path / "new") == [tmp_path / "new" / "a.csv", tmp_path / "new" / "b.csv"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["a.csv", "b.csv"]


def test_every_file_is_offered_and_together_they_are_small():
    assert set(BY_FILE) == set(files.CONTENTS)
    assert sum(sample.path.stat().st_size for sample in SAMPLES) < LARGEST_TOTAL


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.file)
def test_roles_cover_the_columns_in_order_and_are_valid(sample):
    assert list(sample.roles) == list(shipped(sample.file).columns)
    assert Roles(sample.roles, kind=sample.kind).kind == sample.kind


def test_listing_the_samples_loads_no_heavy_library():
    code = "import sys, engine.data.samples; print({'pandas', 'numpy', 'openpyxl'} & set(sys.modules))"
    root = SAMPLE_FOLDER.parent
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True).stdout
        == "set()\n"
    )


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.file)
def test_readme_documents_exactly_the_columns_of_the_file(sample):
    section = (
        (SAMPLE_FOLDER / "README.md").read_text("utf-8").split(f"\n## {sample.file}\n")[1].split("\n## ")[0]
    )
    named = re.findall(r"^\| `(.+?)` \|", section, flags=re.MULTILINE)
    bearings = ("b1", "b2", "b3", "b4")
    documented = {name.replace("*", b) for name in named for b in (bearings if "*" in name else ("",))}
    assert documented == set(sample.roles)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.file)
def test_readme_counts_the_rows_of_the_file(sample):
    lines = (SAMPLE_FOLDER / "README.md").read_text("utf-8").splitlines()
    overview = next(line for line in lines if line.startswith(f"| [{sample.file}]"))
    assert f" {len(shipped(sample.file)):,} " in overview


def test_workbook_carries_no_moment_of_saving():
    with zipfile.ZipFile(SAMPLE_FOLDER / "access_events.xlsx") as book:
        assert {entry.date_time for entry in book.infolist()} == {files.EXPORTED.timetuple()[:6]}
        assert set(re.findall(r"\d{4}-\d\d-\d\d", book.read("docProps/core.xml").decode())) == {"2024-12-02"}


# -- card payments -----------------------------------------------------------------------------


def test_one_payment_in_a_hundred_is_fraud_of_three_kinds(cards):
    fraud = cards[cards["is_fraud"] == 1]
    abroad = fraud["channel"] != "online"
    testing = ~abroad & (fraud["amount"] < 5)
    slow = ~abroad & ~testing
    assert 0.008 < cards["is_fraud"].mean() < 0.013
    assert min(abroad.sum(), testing.sum(), slow.sum()) > 40
    assert (fraud.loc[abroad, "timestamp"].dt.hour < 6).all()
    assert fraud.loc[abroad, "distance_from_home_km"].median() > 1_000
    assert fraud.loc[testing, "seconds_since_last"].median() < 120
    assert fraud.loc[slow, "amount_vs_usual"].median() > 3
    honest = cards[cards["is_fraud"] == 0]
    assert set(fraud["merchant_category"].dropna()) <= set(
        honest["merchant_category"]
    )  # no shop gives it away


def test_history_equals_a_naive_count_of_strictly_earlier_rows(cards):
    some = cards["customer_id"].unique()[:12]
    victims = cards.loc[cards["is_fraud"] == 1, "customer_id"].unique()[:3]
    part = cards[cards["customer_id"].isin([*some, *victims])]
    for row in part.itertuples():
        earlier = part[(part["customer_id"] == row.customer_id) & (part["timestamp"] < row.timestamp)]
        age = (row.timestamp - earlier["timestamp"]).dt.total_seconds()
        assert row.transactions_last_24h == (age <= 86_400).sum()
        np.testing.assert_equal(row.seconds_since_last, age.min())  # nan equals nan
        usual = earlier["amount"].median() if len(earlier) >= 5 else np.nan
        assert row.amount_vs_usual == pytest.approx(row.amount / usual, abs=0.00501, nan_ok=True)


def test_history_does_not_change_when_the_future_is_cut_off(cards):
    columns = ["seconds_since_last", "transactions_last_24h", "amount_vs_usual"]
    bare = cards.drop(columns=columns)
    from_prefix = with_past_aggregates(bare.head(4_000))
    pd.testing.assert_frame_equal(from_prefix[columns], cards.head(4_000)[columns], check_dtype=False)


def test_another_seed_tells_another_story_of_the_same_shape():
    one, other = (card_transactions(seed=seed, n_customers=30, n_days=30) for seed in (1, 2))
    assert list(one.columns) == list(other.columns)
    assert not one["amount"].head(50).equals(other["amount"].head(50))


# -- bearings ----------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULT_ORDERS)
def test_fault_frequency_stands_out_in_the_envelope_of_the_raw_signal(fault):
    n_points = 2 * SAMPLING_HZ
    signal = raw_snapshot(np.random.default_rng(5), fault=fault, fault_size=2.0, n_points=n_points)
    spectrum = np.abs(np.fft.rfft(np.abs(signal) - np.abs(signal).mean()))
    hertz = np.fft.rfftfreq(n_points, 1 / SAMPLING_HZ)
    expected = FAULT_ORDERS[fault] * SHAFT_RPM / 60
    near = np.abs(hertz - expected) < 0.03 * expected
    multiple = np.maximum(np.round(hertz / expected), 1) * expected
    elsewhere = (hertz > 100) & (hertz < 350) & (np.abs(hertz - multiple) > 45)  # beyond the sidebands
    assert spectrum[near].max() > 1.5 * spectrum[elsewhere].max()


def test_raw_snapshot_has_its_length_and_follows_its_generator():
    one, same, other = (raw_snapshot(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.shape == (N_POINTS,)
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_raw_snapshots_are_written_as_a_rig_records_them(tmp_path):
    paths = raw_snapshots(tmp_path / "run", count=3, every=144)
    assert [path.name for path in paths] == [
        "2024.02.24.07.40.00",
        "2024.02.25.07.40.00",
        "2024.02.26.07.40.00",
    ]
    first, last = (np.loadtxt(path) for path in (paths[0], paths[-1]))
    assert first.shape == last.shape == (N_POINTS, 4)
    assert last[:, 2].std() > 3 * last[:, 0].std(), "bearing 3 is about to fail"
    (again,) = raw_snapshots(tmp_path / "again", count=1)
    assert again.read_bytes() == paths[-1].read_bytes(), "a file depends on its moment alone"


def test_no_more_raw_snapshots_are_written_than_the_life_has(tmp_path):
    with pytest.raises(UsageError, match="the life has 2,000 snapshots, which is too few for 21"):
        raw_snapshots(tmp_path, count=21, every=100)


def test_blows_raise_kurtosis_before_they_raise_the_level():
    sound, early = (
        snapshot_features(raw_snapshot(np.random.default_rng(8), fault_size=size)) for size in (0.0, 0.5)
    )
    assert early["kurtosis"] / sound["kurtosis"] > early["rms_g"] / sound["rms_g"] > 1


def test_band_levels_add_up_to_the_overall_level():
    features = snapshot_features(raw_snapshot(np.random.default_rng(3), fault_size=1.0))
    bands = sum(value**2 for name, value in features.items() if name.startswith("band"))
    assert bands**0.5 == pytest.approx(features["rms_g"], rel=1e-3)


def test_only_the_third_bearing_fails_and_the_label_comes_after_the_first_symptom():
    table = shipped("bearing_vibration.csv")
    failing = table["failing"] == 1
    early, late = table.head(800), table[failing]
    assert failing.sum() == 288
    assert late["b3_rms_g"].median() > 4 * early["b3_rms_g"].median()
    assert late["b1_rms_g"].median() < 1.1 * early["b1_rms_g"].median()
    day_before_label = table[~failing].tail(144)
    assert (day_before_label["b3_kurtosis"] > early["b3_kurtosis"].quantile(0.99)).mean() > 0.9


def test_the_fault_starts_late_rests_and_runs_away():
    size = fault_growth(2_000)
    assert (size[:1_160] == 0).all()
    assert size[1_700] < size[1_640]
    assert size.argmax() == 1_999


# -- the compressor ----------------------------------------------------------------------------


def test_every_planted_stretch_is_labelled_with_its_type_and_nothing_else_is():
    table = shipped("machine_sensor.csv")
    minute = (table["timestamp"] - table["timestamp"].iloc[0]) // pd.Timedelta(minutes=1)
    expected = pd.Series("none", index=table.index)
    for trouble in PLANTED:
        expected[(minute >= trouble.start) & (minute < trouble.start + trouble.length)] = trouble.kind
    assert table["anomaly_type"].tolist() == expected.tolist()
    assert ((table["anomaly_type"] != "none") == (table["anomaly"] == 1)).all()
    assert set(table["anomaly_type"]) == {"none", "spike", "noise", "drift", "trend", "frequency"}
    assert 0.05 < table["anomaly"].mean() < 0.10


def test_compressor_log_has_gaps_and_missing_cells():
    table = shipped("machine_sensor.csv")
    assert (table["timestamp"].diff() > pd.Timedelta(minutes=1)).sum() == 3
    assert 0.002 < table[list(COLUMNS)].isna().to_numpy().mean() < 0.006


def test_a_changed_rhythm_stays_within_the_ordinary_range():
    table = machine_sensor()
    sound = table.loc[table["anomaly_type"] == "none", "pressure_bar"]
    retimed = table.loc[table["anomaly_type"] == "frequency", "pressure_bar"]
    assert sound.min() <= retimed.min() <= retimed.max() <= sound.max()


# -- access log and orders ---------------------------------------------------------------------


def test_access_log_has_its_sheets_types_and_classes():
    book = openpyxl.load_workbook(
        io.BytesIO((SAMPLE_FOLDER / "access_events.xlsx").read_bytes()), read_only=True
    )
    assert book.sheetnames == ["About", "Events", "Codes"]
    first = next(book["Events"].iter_rows(min_row=4, max_row=4, values_only=True))
    assert [type(value).__name__ for value in first[:2] + first[5:8]] == [
        "str",
        "datetime",
        "bool",
        "bool",
        "bool",
    ]
    book.close()
    table = shipped("access_events.xlsx")
    assert table["user_id"].str.fullmatch(r"0\d{4}").all()
    assert (table["event_class"] != "normal").mean() == pytest.approx(0.025, abs=0.003)
    assert set(table["event_class"]) == {"normal", "brute_force", "exfiltration", "misuse"}


def test_orders_are_written_in_the_dialect_the_readme_describes():
    text = (SAMPLE_FOLDER / "shop_orders_eu.csv").read_bytes().decode("cp1252")
    lines = text.split("\r\n")
    assert lines[0].startswith("Rösterei")
    assert lines[2].split(";")[6] == "unit price (€)"
    assert re.search(r";\d+,\d\d;", lines[3])
    assert lines[-2].startswith("Total;")


def test_only_the_two_wrong_totals_do_not_follow_from_their_row():
    table = orders.shop_orders().dropna(subset="discount (%)")
    goods = table["quantity"] * table["unit price (€)"] * (1 - table["discount (%)"] / 100)
    wrong = (goods + table["shipping (€)"] - table["total (€)"]).abs() > 0.011
    assert set(table.index[wrong]) == {row for row, slip in orders.SLIPS.items() if slip == "total wrong"}
