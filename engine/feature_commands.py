"""What each command of ``features`` does: raw recordings to a table that the other commands take."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from engine.console import note, pairs, progress, read
from engine.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from engine.data.vibration import Cut, Settings

SUFFIXES = (".csv", ".parquet")
LISTED_RATE = 20_000.0  # Hz, to have numbers to show where no rate is given


def vibration(options: argparse.Namespace) -> None:
    """Turn vibration signals into a table of features, or list the features."""
    if options.list:
        _list(_settings(options, options.rate or LISTED_RATE))
        return
    for value, name in ((options.data, "the folder or file"), (options.output, "--output FILE")):
        if value is None:
            raise UsageError(f"{name} is missing; see `features vibration --help`")
    if options.output.suffix.lower() not in SUFFIXES:
        raise UsageError(f"a table of features must end in .csv or .parquet, got '{options.output.name}'")
    if not options.data.exists():
        raise UsageError(f"there is no file or folder '{options.data}'")
    from engine.data.vibration import declared, holds_snapshots
    from engine.report import write_result

    if holds_snapshots(options.data):
        table, settings = _of_snapshots(options), _settings(options, options.rate)
    else:
        table, settings = _of_one_table(options)
    channels = _channels(table, settings)
    _note_gaps(table, channels)
    told = {"data": options.data.name, "sampling rate (Hz)": f"{settings.rate:g}"}
    write_result(options.output, table, told)
    shown = ", ".join(channels[:8]) + (", …" if len(channels) > 8 else "")
    print(
        f"{len(table):,} rows, {len(declared(settings))} features of each of {len(channels)} channels ({shown}) "
        f"sampled at {settings.rate:g} Hz -> {options.output}"
    )
    if options.baseline:
        print(
            "learn from the baseline: python -m engine train "
            f"{options.output} --kind table --first {int(table['baseline'].sum())}"
        )


def _of_snapshots(options: argparse.Namespace) -> pd.DataFrame:
    from engine.data.vibration import snapshot_table

    if options.rate is None:
        raise UsageError("snapshots do not say how fast they were sampled; give --rate HZ")
    if options.time:
        raise UsageError("--time names a column of one long table; the time of a snapshot is in its name")
    return snapshot_table(
        options.data,
        _settings(options, options.rate),
        channels=options.channels,
        cut=_cut(options),
        baseline=options.baseline,
        progress=progress,
    )


def _of_one_table(options: argparse.Namespace) -> tuple[pd.DataFrame, Settings]:
    from engine.data.vibration import sampling_rate, signal_table

    frame, about = read(options.data, options.read, warm=("scipy.fft",))
    time = options.time or next((name for name, kind in about["types"].items() if kind == "datetime"), None)
    cut = _cut(options)
    if cut is None:
        raise UsageError("one long table is cut into windows; say how many samples each has: --window N")
    settings = _settings(options, options.rate or sampling_rate(frame, time))
    table = signal_table(
        frame,
        settings,
        cut,
        channels=options.channels,
        time=time,
        baseline=options.baseline,
        progress=progress,
    )
    return table, settings


def _settings(options: argparse.Namespace, rate: float) -> Settings:
    """The choices the options make."""
    from engine.data.vibration import Bearing, Settings, fault_frequencies

    faults: dict[str, float] = {}
    if (options.bearing is None) != (options.rpm is None):
        raise UsageError("--bearing and --rpm belong together: geometry and speed give the fault frequencies")
    if options.bearing is not None:
        balls, ball, pitch, angle = _numbers(options.bearing, "--bearing", "BALLS,BALL_D,PITCH_D,ANGLE", 4)
        bearing = Bearing(n_balls=round(balls), ball_diameter=ball, pitch_diameter=pitch, contact_angle=angle)
        faults |= fault_frequencies(bearing, options.rpm)
    for name, text in pairs(options.fault, "--fault").items():
        faults[name] = _numbers(text, f"--fault {name}", "HZ", 1)[0]
    bands = [_numbers(text, "--band", "LOW,HIGH", 2) for text in options.band]
    ringing = (
        _numbers(options.envelope_band, "--envelope-band", "LOW,HIGH", 2) if options.envelope_band else None
    )
    return Settings(
        rate=rate,
        bands=tuple((low, high) for low, high in bands) or None,
        faults=faults,
        envelope_band=(ringing[0], ringing[1]) if ringing else None,
        tolerance=options.tolerance / 100,
    )


def _numbers(text: str, option: str, form: str, n: int) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != n:
        raise UsageError(f"{option} needs {form}, got '{text}'")
    return numbers


def _cut(options: argparse.Namespace) -> Cut | None:
    from engine.data.vibration import Cut

    if options.window is None:
        if options.hop is not None:
            raise UsageError("--hop says how far apart windows begin, so it needs --window N")
        return None
    return Cut(window=options.window, hop=options.hop)


def _channels(table: pd.DataFrame, settings: Settings) -> list[str]:
    """The channels whose features a table holds."""
    from engine.data.vibration import declared

    last = f"_{declared(settings)[-1].name}"
    return [str(column).removesuffix(last) for column in table.columns if str(column).endswith(last)]


def _note_gaps(table: pd.DataFrame, channels: list[str]) -> None:
    for channel in channels:
        missing = int(table[f"{channel}_mean"].isna().sum())
        if missing:
            note(
                f"'{channel}' has no features in {missing:,} of {len(table):,} rows: "
                "samples are missing or beyond 1e15 there"
            )


def _list(settings: Settings) -> None:
    """Every feature with its unit, formula and meaning."""
    from engine.data.vibration import declared

    measures = declared(settings)
    width = max(len(measure.name) for measure in measures)
    long = max(len(measure.formula) for measure in measures)
    print(f"features of a channel sampled at {settings.rate:g} Hz; u is the unit of the signal, 1 is none")
    for measure in measures:
        print(f"  {measure.name:<{width}}  {measure.unit:<5}  {measure.formula:<{long}}  {measure.meaning}")
    if not settings.faults:
        print(
            "and, with --bearing and --rpm or --fault NAME=HZ, NAME_1x to NAME_3x in the envelope's spectrum"
        )
