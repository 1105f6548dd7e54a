"""How long before a bearing fails does each detector warn?

    python examples/bearing_lead_time.py [bearing_lead_time.html [DETECTOR ...]]

Every detector of tables, or each that is named, learns from the first 500 snapshots of
`sample_data/bearing_vibration.csv`, three and a half days in which all bearings are sound, and then judges the whole
life. An alarm is six readings in a row, an hour, above the 99.5th percentile of the baseline. The lead time runs from
the first alarm after the fault's true onset to the end; alarms before the onset are false ones. Prints a table and
writes the chart.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run from anywhere, without an installation

from engine import CATALOGUE, SAMPLES, Roles, judge, read_table, seconds_of, train
from engine.charts import html_page, lead_time_chart
from engine.data.synthetic.bearing import ONSET_TIME
from engine.scoring.alarms import SUSTAINED, lead_time, sustained
from engine.scoring.thresholds import Percentile

BASELINE = 500
LEVEL = 99.5
SAMPLE = next(sample for sample in SAMPLES if sample.file == "bearing_vibration.csv")


def main(page: Path, names: list[str]) -> None:
    frame = read_table(SAMPLE.path).frame
    # Each row sums up a snapshot already, so it stands alone; rolling features of features would dilute it.
    roles = Roles(SAMPLE.roles, kind="table")
    times = seconds_of(frame["timestamp"])
    onset, failure = ONSET_TIME.timestamp(), float(times[-1])

    print(f"| {'detector':<20} | lead time (h) | false alarms | flagged before onset |")
    print(f"|{'-' * 22}|--------------:|-------------:|---------------------:|")
    severities, alarms = {}, {}
    tabular = {name: kind for name, kind in CATALOGUE.items() if not kind.sequential}
    for name in names or tabular:
        detector = tabular[name]
        model = train(frame, roles, name, first=BASELINE)
        scores = model.score(frame)
        flags = judge(scores.values, model.card, Percentile(LEVEL)).flags
        found = lead_time(times, flags, onset=onset, failure=failure)
        severities[detector.title] = sustained(scores.severity)
        alarms[detector.title] = found.alarm
        early = int(flags[BASELINE:][times[BASELINE:] < onset].sum())
        lead = "none" if found.lead is None else f"{found.lead / 3600:.1f}"
        print(f"| {detector.title:<20} | {lead:>13} | {found.false_alarms:>12} | {early:>20} |")

    chart = lead_time_chart(
        times,
        severities,
        alarms,
        onset=onset,
        failure=failure,
        level=LEVEL,
        title=f"lowest severity of {SUSTAINED} readings",
        theme="light",
    )
    page.write_text(html_page(chart), encoding="utf-8")
    print(f"\n{chart.alt}\nchart: {page}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "bearing_lead_time.html"), sys.argv[2:])
