"""Take the answer away: the scored table as CSV, Excel or Parquet, and the code that gives the same scores again."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from engine import Card, Dataset, Judgement, Result, Rule, cli_line, python_snippet, result_name
from ui import cache_series, reporting, server
from ui.session import owner, session

Choices = tuple[int, int, float]  # what makes events, as the view of a series has it
FORMATS = {".csv": "CSV", ".xlsx": "Excel", ".parquet": "Parquet"}


def exports(found: Result, card: Card, data: Dataset, answer: Judgement, rule: Rule) -> None:
    """Download buttons, and how to get the same result without the screen."""
    st.subheader("Take it away", anchor=False)
    reporting.report(found, card, data, answer, rule)
    who = owner()  # the download runs outside the page and could not ask
    choices = None if cache_series.series_of(found) is None else session().view.choices
    with st.container(horizontal=True, vertical_alignment="center"):
        for suffix, title in FORMATS.items():
            name = _file_name(found, data, answer, rule, suffix, choices)
            st.download_button(
                title,
                data=partial(_made, found, data, answer, rule, title, name, who, events=choices),
                file_name=name,
                on_click="ignore",
                icon=":material/download:",
                key=f"download-{suffix}",
            )
        if choices is not None:
            _events_button(found, data, answer, rule, who, choices)
        named = "" if found.classes is None else "class, "
        st.caption(f"Every row with its {named}anomaly score, severity, flag and reasons.")
    with st.expander("The same from the command line or a notebook", icon=":material/code:"):
        percentile = rule.value if rule.kind == "percentile" else None
        threshold = None if percentile is not None else answer.threshold
        options, own = data.options.as_dict(), None if answer.own is None else answer.own.rule
        output = _file_name(found, data, answer, rule, ".csv")
        st.code(
            cli_line(
                data=data.name,
                model=card.id,
                output=output,
                percentile=percentile,
                threshold=threshold,
                mapping=found.mapping,
                options=options,
                own_lines=own,
            ),
            language="bash",
            wrap_lines=True,
        )
        st.code(
            python_snippet(
                data=data.name,
                model=card.id,
                percentile=percentile,
                threshold=threshold,
                mapping=found.mapping,
                options=options,
                own_lines=own,
            ),
            language="python",
        )


def _events_button(
    found: Result, data: Dataset, answer: Judgement, rule: Rule, who: str, choices: Choices
) -> None:
    name = _file_name(found, data, answer, rule, ".csv", choices, what="events of ")
    st.download_button(
        "Events (CSV)",
        data=partial(_made, found, data, answer, rule, "CSV", name, who, events=choices, only_events=True),
        file_name=name,
        on_click="ignore",
        icon=":material/download:",
        key="download-events",
    )


def _file_name(
    found: Result,
    data: Dataset,
    answer: Judgement,
    rule: Rule,
    suffix: str,
    choices: Choices | None = None,
    what: str = "",
) -> str:
    stamp = server.workspace().results.stamp(found.id)
    content = f"{data.sha256} {found.model} {stamp} {answer.threshold!r} {choices} {answer.own is not None}"
    percentile = rule.value if rule.kind == "percentile" else None
    return result_name(what + data.name, found.model, content, suffix, percentile=percentile)


def _made(
    found: Result,
    data: Dataset,
    answer: Judgement,
    rule: Rule,
    title: str,
    name: str,
    who: str,
    **events: Any,
) -> bytes:
    """The file, made by a job process so that a large one costs this process nothing but its bytes."""
    spec = {
        "result": found.id,
        "threshold": answer.threshold,
        "rule": f"{rule.title} {rule.value:g}",
        "name": name,
        "own_lines": None if answer.own is None else answer.own.rule.as_dict(),
        **events,
    }
    path = Path(server.answer("export", data.id, spec, owner=who, title=f"Writing {title}")["path"])
    content = path.read_bytes()
    path.unlink(missing_ok=True)
    return content
