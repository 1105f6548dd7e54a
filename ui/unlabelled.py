"""Without labels: how steady a model is, who agrees with it, and which made-up anomalies it flags at this threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from engine import Card, Dataset, Judgement, Result, Unlabelled, alike
from ui import cache, glance, server
from ui.panels import in_plain_words, plain
from ui.session import owner, remember, session
from ui.threshold import expected, judged, remark, threshold_control
from ui.tray import answer

MOST = 8  # other models


@st.fragment
def board(found: Result, card: Card, data: Dataset) -> None:
    """What can be said, and what cannot, at the one threshold."""
    with in_plain_words():
        st.subheader("Without known answers", anchor=False)
        st.caption(
            "None of this says whether the flagged rows are real anomalies: a model can be steady, agreed with, and "
            "wrong. To know, label some rows."
        )
        knobs, facts = st.columns([1, 2.4], gap="large")
        with knobs:
            rule = threshold_control(found, card, None)
            st.caption(plain(rule.sentence))
            now = judged(found, card, rule, None)
            remark(now)
            st.caption(
                f"Flags {now.flagged:,} of {now.judged:,} rows here. To expect of ordinary data: "
                f"{expected(now.expected, glance.readings_a_day(found))}."
            )
        with facts:
            _agreement(found, now)
            _measured(found, card, data, now)
        glance.every_rule(found, card, None, rule)
    remember()


def _agreement(found: Result, now: Judgement) -> None:
    """This model beside every other that judged the same data."""
    st.markdown("**Agreement between detectors** that judged this data")
    others = [id for id in server.workspace().results.of_dataset(found.dataset) if id != found.id][:MOST]
    rows: list[tuple[str, str, str, str]] = []
    for id in others:
        other = cache.result(id)
        compared = alike(np.asarray(found.values), np.asarray(other.values), now.flagged)
        if compared is not None:
            overlap = "nothing flagged" if compared.overlap is None else f"{100 * compared.overlap:.0f} %"
            rows.append(
                (other.model, cache.card(other.model).title, overlap, f"{compared.rank_correlation:.2f}")
            )
    if not rows:
        st.caption("No other model has judged this data yet. Train another detector under Detect.")
        return
    titles = ("Model", "Detector", "Flagged by both", "Rank correlation")
    st.dataframe(dict(zip(titles, zip(*rows, strict=True), strict=True)), hide_index=True, width="stretch")
    st.caption(
        f"Flagged by both: of the {now.flagged:,} rows flagged here, those that the other also has among its "
        f"{now.flagged:,} most unusual. Rank correlation is Spearman's, over all rows: 1 is the same order, 0 is none."
    )


def _measured(found: Result, card: Card, data: Dataset, now: Judgement) -> None:
    """Stability and made-up anomalies, which a job works out when somebody asks."""
    st.markdown("**Stability over seeds, and recall of injected anomalies**")
    asked = session().checking
    if asked is None or asked[0] != found.id:
        st.button(
            "Measure both",
            icon=":material/experiment:",
            on_click=_ask,
            args=(found, card, data),
            help="Learns three times with other seeds, on 20,000 rows at most, and judges rows disturbed on purpose.",
            key="check-unlabelled",
        )
        return
    told = answer(asked[1], _forget)
    if told is not None:
        _in_words(Unlabelled(**told), now)


def _in_words(told: Unlabelled, now: Judgement) -> None:
    share, overlap = told.overlap_at(now.share)
    if overlap is not None:
        st.markdown(
            f"Learned {told.seeds} times with other seeds from {told.rows:,} rows, two of the models flag "
            f"**{100 * overlap:.0f} %** the same rows when each flags {100 * share:g} %; their rank correlation is "
            f"**{told.rank_correlation:.2f}**."
        )
    recalls = told.recalls(now.threshold)
    if not recalls:
        st.caption("This data is too short, or has no numbers, to inject anomalies into it.")
        return
    table: dict[str, Any] = {
        "Rows": list(recalls),
        "Flagged at this threshold": [
            f"{part:,} of {whole:,} ({100 * part / whole:.0f} %)" if whole else "none judged"
            for part, whole in recalls.values()
        ],
    }
    st.dataframe(table, hide_index=True, width="stretch")
    st.caption(
        "Anomalies made up on purpose say little about real ones. Rows nobody disturbed are there to compare."
    )


def _ask(found: Result, card: Card, data: Dataset) -> None:
    spec = {"model": found.model, "mapping": found.mapping}
    job = server.submit("check", data.id, spec, owner=owner(), title=f"Checking {card.id} without labels")
    session().checking = (found.id, job.id)


def _forget() -> None:
    session().checking = None
