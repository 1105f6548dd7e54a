"""A report to send: what it says is chosen here, a job writes it when it is asked for."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from engine import REPORT_SECTIONS, Card, Dataset, Judgement, ReportChoices, Result, Rule, report_name
from ui import cache_series, server
from ui.session import owner, session

Events = tuple[int, int, float] | None  # the choices that make events; None where rows are no series
FORMATS = {".html": ("Web page", "article"), ".xlsx": ("Excel workbook", "table")}


def report(found: Result, card: Card, data: Dataset, answer: Judgement, rule: Rule) -> None:
    """Title, author, note and sections of a report, and a button for each format."""
    events = None if cache_series.series_of(found) is None else session().view.choices
    with st.expander("A report to send", icon=":material/description:"):
        st.caption(
            "One file that opens without a network and prints on A4: what was done and found, with charts, reasons, "
            "limits, and how to get the same again. As of now: at the threshold in use."
        )
        choices = _choices(data.name, series=events is not None)
        if choices is None:
            st.info("A report needs a section at least.", icon=":material/info:")
            return
        stamp = server.workspace().results.stamp(found.id)
        line = f"{answer.threshold!r} {rule} {answer.own is not None}"
        content = f"{data.sha256} {found.model} {stamp} {line} {events} {choices}"
        who = owner()  # the download runs outside the page and could not ask
        with st.container(horizontal=True):
            for suffix, (title, icon) in FORMATS.items():
                name = report_name(data.name, card.id, content, suffix)
                st.download_button(
                    title,
                    data=partial(_made, found, data, answer, rule, events, choices, name, who),
                    file_name=name,
                    on_click="ignore",
                    icon=f":material/{icon}:",
                    key=f"report-{suffix}",
                    type="primary" if suffix == ".html" else "secondary",
                )


def _choices(name: str, *, series: bool) -> ReportChoices | None:
    """What is wanted of the report; None without any section."""
    title = st.text_input(
        "Title",
        key="report-title",
        persist_state="session",
        max_chars=200,
        placeholder=f"What is unusual in {name}",
    )
    author = st.text_input("Author", key="report-author", persist_state="session", max_chars=200)
    note = st.text_area("Note", key="report-note", persist_state="session", max_chars=5_000, height=80)
    offered = [key for key in REPORT_SECTIONS if series or key != "events"]
    sections = st.pills(
        "Sections",
        offered,
        selection_mode="multi",
        default=offered,
        format_func=lambda key: REPORT_SECTIONS[key],
        key=f"report-sections-{series}",
        persist_state="session",
    )
    if not sections:
        return None
    return ReportChoices(title=title, author=author, note=note, sections=tuple(sections))


def _made(
    found: Result,
    data: Dataset,
    answer: Judgement,
    rule: Rule,
    events: Events,
    choices: ReportChoices,
    name: str,
    who: str,
) -> bytes:
    """The file, written by a job process: it reads the data, and draws every chart."""
    spec = {
        "result": found.id,
        "threshold": answer.threshold,
        "rule": rule.as_dict(),
        "events": events,
        "own_lines": answer.own is not None,
        "choices": choices.as_dict(),
        "name": name,
    }
    path = Path(server.answer("report", data.id, spec, owner=who, title="Writing a report")["path"])
    content = path.read_bytes()
    path.unlink(missing_ok=True)
    return content
