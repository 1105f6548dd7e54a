"""How well flags and scores meet labels, in numbers with words beside them: of rows, of ranks, of events."""

from __future__ import annotations

import streamlit as st

from engine import FEWEST as FEW
from engine import (
    Affiliation,
    Card,
    Checked,
    CheckedSeries,
    EventMetrics,
    Half,
    Judgement,
    Result,
    SeriesColumns,
    SeriesFiles,
)
from ui import cache_checked, cache_series, events
from ui.session import session

WINDOW, LONGEST = 100, 500  # readings of tolerance, where the model judges by none, and at most
TOO_FEW = "too few"
INFLATED = (
    "One flagged reading makes all readings of its labelled event count as found. Long events are then found by "
    "chance: scores drawn at random get high values, often above those of real detectors (Kim et al., 2022, Towards a "
    "rigorous evaluation of time-series anomaly detection). It is here only to be compared with what others published."
)


def of_rows(checked: Checked, threshold: float, *, series: bool) -> None:
    """Shares of the rows at a threshold; of a table also how well scores rank them."""
    counts, points = checked.confusion(threshold), checked.curve
    few = TOO_FEW if checked.few else ""
    rows = "readings" if series else "rows"
    if series:
        st.markdown("**Reading by reading**, at this threshold")
    with st.container(horizontal=True):
        st.metric(
            "Precision",
            few or _share(counts.precision),
            help=f"Of the flagged {rows}, how many are anomalies.",
        )
        st.metric("Recall", few or _share(counts.recall), help="Of the anomalies, how many are flagged.")
        st.metric("F1", few or f"{counts.f1:.3f}", help="Harmonic mean of precision and recall.")
        st.metric(
            "MCC",
            few or f"{counts.mcc:.3f}",
            help="Matthews correlation of flags and labels: 1 is perfect, 0 is chance. All four outcomes count.",
        )
        st.metric(
            "Base rate",
            f"{100 * points.base_rate:.2f} %",
            help=f"The share of anomalies among the labelled {rows}: the precision of flags drawn by lot.",
        )
        if not series:
            _ranks(checked)
    labelled = points.positives + points.negatives
    text = f"{labelled:,} judged {rows} have a label; {100 * points.positives / labelled:.2f} % of them are anomalies."
    left, anomalies = checked.unjudged
    if left:
        text += f" {left:,} labelled {rows}, {anomalies:,} of them anomalies, could not be judged and are not counted."
    st.caption(text)
    if checked.few:
        st.info(checked.few, icon=":material/info:")


def of_series(
    found: Result,
    card: Card,
    columns: SeriesColumns,
    label: str,
    answer: Judgement,
    half: Half = "both",
) -> None:
    """How the events of the page of results meet the labelled ones, and what no threshold changes."""
    checked = cache_checked.checked_series(found, columns, label, min(card.window or WINDOW, LONGEST), half)
    files = cache_series.series_result(found, columns).files
    detected = cache_series.events(found, columns, answer, session().view.choices)
    metrics, near = checked.at(answer.threshold, detected)
    st.markdown(in_a_sentence(metrics, files))
    few = TOO_FEW if metrics.events < FEW else ""
    _of_events(metrics, near, files, few)
    if checked.left_out or metrics.events < FEW:
        st.caption(_cautions(checked, metrics))
    st.markdown("**Whatever the threshold**")
    with st.container(horizontal=True):
        _volumes(checked, few)
        _ranks(cache_checked.checked(found, label, half))
    with st.expander("Point-adjusted F1 (inflated)", icon=":material/warning:"):
        st.metric("Point-adjusted F1, inflated", f"{metrics.inflated_point_adjusted_f1:.3f}")
        st.caption(INFLATED)


def in_a_sentence(metrics: EventMetrics, files: SeriesFiles) -> str:
    """How the events above the threshold meet the labelled ones, in words."""
    missed = metrics.events - metrics.found
    are = f"labelled event{_s(metrics.events)} {_are(metrics.events)}"
    said = f"**{metrics.found:,} of {metrics.events:,}** {are} found"
    said += f", **{missed:,}** missed" if missed else ""
    delay = metrics.median_delay_seconds if files.clock else metrics.delay
    if delay is not None:
        late = f"**{_delay(metrics, files)}** after they begin" if delay else "as soon as they begin"
        said += f"; those found are usually flagged {late}"
    if not metrics.detections:
        return f"{said}. Nothing is flagged."
    false = metrics.false_alarms
    said += f". Of **{metrics.detections:,}** flagged events **{false:,}** {'touches' if false == 1 else 'touch'} "
    said += "no labelled one"
    rate = metrics.false_alarms_per_day
    return f"{said}." if rate is None else f"{said}: **{rate:.3g}** false alarms a day."


def _of_events(metrics: EventMetrics, near: Affiliation, files: SeriesFiles, few: str) -> None:
    with st.container(horizontal=True):
        st.metric(
            "Events found",
            f"{metrics.found:,} of {metrics.events:,}",
            help="Labelled events that overlap a flagged event, as the page of results lists them. The others are "
            "missed.",
        )
        st.metric(
            "Event recall",
            few or _share(metrics.recall),
            help="The share of the labelled events that is found.",
        )
        st.metric(
            "Event precision",
            few or _share(metrics.precision),
            help="The share of the flagged events that overlap a labelled one. The others are false alarms.",
        )
        st.metric(
            "Event F1", few or f"{metrics.f1:.3f}", help="Harmonic mean of event precision and event recall."
        )
        st.metric(
            "Detection delay",
            _delay(metrics, files) if metrics.found else "none found",
            help="Median time from the begin of a labelled event to its first flagged reading, of the events found.",
        )
        rate = metrics.false_alarms_per_day
        st.metric(
            "False alarms a day",
            "no clock" if rate is None else f"{rate:.3g}",
            help=f"{metrics.false_alarms:,} flagged events that overlap no labelled one, in the time of the normal "
            "readings that were judged" + _days(metrics) + ".",
        )
        st.metric(
            "Affiliation precision",
            "nothing near" if near.precision is None else f"{near.precision:.3f}",
            help="How near flagged readings are to the nearest labelled event: 1 lies in it, 0.5 is what flags at "
            "random get (Huet et al., 2022).",
        )
        st.metric(
            "Affiliation recall",
            few or f"{near.recall:.3f}",
            help="How near labelled events are to the nearest flagged reading: 1 is covered all along. Flags at random "
            "often get much, so read it beside the precision (Huet et al., 2022).",
        )


def _volumes(checked: CheckedSeries, few: str) -> None:
    tolerance = f"averaged over tolerances up to {checked.window:,} readings before and after an event"
    st.metric(
        "VUS-PR",
        few or f"{checked.volumes.pr:.4f}",
        help=f"Average precision where being a little early or late is forgiven, {tolerance} (Paparrizos et al., "
        "2022). Guessing gives somewhat more than the share of anomalies.",
    )
    st.metric(
        "VUS-ROC",
        few or f"{checked.volumes.roc:.4f}",
        help=f"ROC-AUC where being a little early or late is forgiven, {tolerance}. 0.5 is guessing, about.",
    )


def _ranks(checked: Checked) -> None:
    found, few = checked.bands, TOO_FEW if checked.few else ""
    st.metric(
        "ROC-AUC",
        few or f"{checked.roc_auc:.4f}",
        help="Chance that an anomaly scores above a normal row, whatever the threshold. 0.5 is guessing."
        + ("" if found is None else _between(found.roc_auc)),
    )
    st.metric(
        "Average precision",
        few or f"{checked.average_precision:.4f}",
        help="Precision averaged over all recalls. Guessing gives the base rate."
        + ("" if found is None else _between(found.average_precision)),
    )


def _between(interval: tuple[float, float]) -> str:
    low, high = interval
    return f" From {low:.3f} to {high:.3f} in 95 % of resamples."


def _cautions(checked: CheckedSeries, metrics: EventMetrics) -> str:
    said = []
    if checked.left_out:
        said.append(
            f"{checked.left_out:,} labelled event{_s(checked.left_out)} without a judged reading "
            f"{_are(checked.left_out)} not counted."
        )
    if metrics.events < FEW:
        said.append(
            f"There {_are(metrics.events)} only {metrics.events:,} labelled event{_s(metrics.events)}: "
            f"with fewer than {FEW}, a share says next to nothing."
        )
    return " ".join(said)


def _delay(metrics: EventMetrics, files: SeriesFiles) -> str:
    """The median delay in units of time, or in readings where there is no clock."""
    if files.clock:
        return events.duration(files, metrics.median_delay_seconds or 0.0)
    readings = metrics.delay or 0.0
    return f"{readings:,.3g} reading{'' if readings == 1 else 's'}"


def _days(metrics: EventMetrics) -> str:
    return "" if metrics.normal_days is None else f": {metrics.normal_days:,.3g} days"


def _share(value: float | None) -> str:
    return "nothing flagged" if value is None else f"{100 * value:.1f} %"


def _s(n: int) -> str:
    return "" if n == 1 else "s"


def _are(n: int) -> str:
    return "is" if n == 1 else "are"
