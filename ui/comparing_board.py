"""The leaderboard, who is better and how surely, the curves over each other, and who agrees with whom."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from engine import AgreementMeasure, Dataset, Leaderboard, Standing, charts, surely
from ui import comparing_job, own_lines
from ui.panels import chart, plain
from ui.session import theme

FEW = 10  # known anomalies, or events: with fewer, resampling cannot tell much
MEASURES: dict[AgreementMeasure, str] = {
    "spearman": "Order of all rows",
    "kendall": "Pairs of rows",
    "top": "Top rows",
}
MEANING: dict[AgreementMeasure, str] = {
    "spearman": "Spearman's rank correlation: 1 is the same order, 0 none in common.",
    "kendall": "Kendall's tau: pairs of rows in the same order less those in the other, as a share of all.",
    "top": "Share of the top {} rows that are in both tops.",
}
UNMEASURED = (
    "Without known answers nobody can say which model is better. What can be said: who ranks rows like the others "
    "(agreement is not quality: models may agree and all be wrong), what each costs, and where they differ."
)


def show(data: Dataset, results: tuple[str, ...]) -> Leaderboard | None:
    """Everything about the models as wholes; the leaderboard it was drawn from, None while a job is at it."""
    board = comparing_job.board_of(data, results, own_lines=own_lines.of_several(results))
    if board is None:
        return None
    table(board, data, "compared")
    own_lines.told_of_several(board)
    if board.curves:
        _verdicts(board, data)
        _curves(board)
    _agreement(board)
    return board


def table(board: Leaderboard, data: Dataset, key: str) -> None:
    """The leaderboard; ``key`` tells the tables of different pages apart."""
    measured, best = bool(board.curves), board.standings[0].entry.name
    rows = [_line(standing, board) for standing in board.standings]
    frame = pd.DataFrame(rows).dropna(axis=1, how="all")
    st.dataframe(frame, key=f"board-{key}", hide_index=True, placeholder="–", column_config=_columns(board))
    unit = "readings" if data.roles.kind == "series" else "rows"
    said = f"Every figure is of the {board.rows:,} {unit} that all of them judge"
    if measured:
        st.caption(f"{said}; {board.anomalies:,} of these are known anomalies.")
        if board.standings[0].entry.sort == "baseline" and board.models:
            st.info(
                f"No model here does better than {best}, which needs no training.", icon=":material/balance:"
            )
        return
    why = f" ({board.why_unmeasured})" if data.roles.label else ""
    st.caption(plain(f"{said}. {UNMEASURED}{why}"))


def _line(standing: Standing, board: Leaderboard) -> dict[str, Any]:
    entry, found = standing.entry, standing.found
    name = f"{entry.name} (baseline)" if entry.sort == "baseline" else entry.name
    line: dict[str, Any] = {"Model": name}
    if found is not None:
        line |= {
            "VUS-PR": found.vus_pr,
            "Average precision": found.average_precision,
            "95 % interval": f"{found.low:.3f} – {found.high:.3f}",
            "ROC-AUC": found.roc_auc,
            "Precision": found.precision,
            "Recall": found.recall,
        }
    size = None if entry.size is None else entry.size / 1e6
    return line | {
        "Flagged": standing.flagged,
        "Agreement": standing.agreement,
        f"Top {board.top:,} shared": standing.overlap,
        "Trained in": entry.seconds,
        "Size": size,
        "Detector": entry.detector,
    }


def _columns(board: Leaderboard) -> dict[str, Any]:
    def number(format: str, help: str) -> Any:
        return st.column_config.NumberColumn(format=format, help=help, width=76)

    def bar(help: str) -> Any:
        return st.column_config.ProgressColumn(
            min_value=0.0, max_value=1.0, format="%.3f", help=help, width=110
        )

    own = "at the model's own first threshold"
    if any(entry.own is not None for entry in board.models):
        own += ", or at the lines of its groups"
    return {
        "Model": st.column_config.TextColumn(pinned=True),
        "VUS-PR": bar("Average precision where being up to 50 readings early or late is forgiven."),
        "Average precision": bar(
            "Precision averaged over all recalls. Guessing gives the share of anomalies."
        ),
        "95 % interval": st.column_config.TextColumn(
            width=105, help="Where average precision lies in the middle 95 % of resamples of these rows."
        ),
        "ROC-AUC": number("%.3f", "Chance that an anomaly scores above a normal row. 0.5 is guessing."),
        "Precision": number("%.3f", f"Share of the flagged that are anomalies, {own}."),
        "Recall": number("%.3f", f"Share of the anomalies that are flagged, {own}."),
        "Flagged": number("localized", f"Rows flagged {own}."),
        "Agreement": number(
            "%.2f", "Mean rank correlation with the other models: how alike they order all rows. Not quality."
        ),
        f"Top {board.top:,} shared": number(
            "%.2f",
            f"Share of its {board.top:,} most unusual rows that the consensus of the other models has there, too.",
        ),
        "Trained in": number("%.1f s", "Seconds its training took, on the machine that trained it."),
        "Size": number("%.2f MB", "What the model takes on disk."),
    }


def _verdicts(board: Leaderboard, data: Dataset) -> None:
    """How surely one is better than another on rows like these."""
    bootstrap = board.bootstrap
    if bootstrap is None or not board.verdicts:
        return
    st.subheader("Who is better, and how surely", anchor=False)
    average = board.average_precision
    best = max(average, key=lambda name: average[name])
    lines = [(a, b, share) for a, b, share in board.verdicts if best in (a, b)]
    st.markdown(
        "\n".join(f"- **{plain(a)}** is better than {plain(b)}: **{surely(s)}**" for a, b, s in lines)
    )
    of = "labelled events" if data.roles.kind == "series" else "known anomalies"
    few = (
        f" There are only {bootstrap.anomalous_units:,} {of}: read these as hints."
        if bootstrap.anomalous_units < FEW
        else ""
    )
    volumes = (
        " The table stands in the order of VUS-PR, which is measured once: on resampled blocks of readings there is no "
        "time to be early or late in."
        if board.standings[0].found is not None and board.standings[0].found.vus_pr is not None
        else ""
    )
    sample = f", of {bootstrap.rows:,} rows that stand for all" if bootstrap.rows < bootstrap.of_rows else ""
    st.caption(
        f"By average precision, both measured on the same {len(next(iter(bootstrap.roc_auc.values()))):,} resamples"
        f"{sample}: the share in which the first is ahead (paired bootstrap). It says how sure the order is on rows "
        f"like these, not how large the difference is.{few}{volumes}"
    )
    if len(board.entries) > 2:
        with st.expander("Every two of them"):
            st.dataframe(
                [{"Better": a, "Than": b, "In resamples": surely(s)} for a, b, s in board.verdicts],
                hide_index=True,
            )


def _curves(board: Leaderboard) -> None:
    styles = {entry.name: entry.sort for entry in board.entries}
    roc = {name: (c.false_positive_rate, c.recall) for name, c in _in_order(board).items()}
    precision = {name: (c.recall, c.precision) for name, c in _in_order(board).items()}
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Precision and recall**")
        chart(charts.overlaid_pr(precision, styles, board.average_precision, theme=theme()), "compare-pr")
    with right:
        st.markdown("**ROC**")
        chart(charts.overlaid_roc(roc, styles, theme=theme()), "compare-roc")


def _in_order(board: Leaderboard) -> dict[str, Any]:
    return {entry.name: board.curves[entry.name] for entry in board.entries}


@st.fragment
def _agreement(board: Leaderboard) -> None:
    """Who agrees with whom: about all rows, and about the top."""
    if len(board.entries) < 2:
        return
    st.subheader("Who agrees with whom", anchor=False)
    left, right = st.columns(2, gap="large")
    with left:
        measure = st.segmented_control(
            "Agreement",
            list(MEASURES),
            default="spearman",
            required=True,
            format_func=lambda name: MEASURES[name],
            key="agreement-measure",
            label_visibility="collapsed",
        )
        names = [entry.name for entry in board.entries]
        drawn = charts.agreement_map(names, board.agreement(measure), MEASURES[measure], theme=theme())
        chart(drawn, "compare-map")
        st.caption(MEANING[measure].format(f"{board.top:,}"))
    with right:
        if board.overlaps:
            st.markdown("**How much of the top the others share**")
            styles = dict.fromkeys(board.overlaps, "model")
            chart(charts.overlap_curves(board.overlaps, styles, theme=theme()), "compare-tops")
