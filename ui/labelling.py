"""Labels given on a page: the buttons and their keys, what goes with a label, the way back, what was saved."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import streamlit as st

from engine import (
    VERDICT_WORDS,
    Dataset,
    Label,
    Labels,
    Result,
    Verdict,
    give_labels,
    last_act,
)
from ui import cache, server
from ui.panels import attempt, plain
from ui.session import owner, session, widget

SAYINGS: tuple[tuple[Verdict, str, str], ...] = (
    ("anomaly", "Anomaly", "A"),
    ("normal", "Normal", "N"),
    ("unsure", "Not sure", "U"),
)
MOST_CLASSES = 5  # classes with a button, and a key, of their own
WHO = "label-who"
COLOURS = {"anomaly": "red", "normal": "green", "unsure": "gray"}

Then = Callable[[], None]


def bar(
    found: Result,
    data: Dataset,
    rows: Sequence[int],
    *,
    place: str,
    keys: bool = True,
    then: Then | None = None,
) -> None:
    """Buttons that label some rows; ``keys`` says whether single keys do the same, ``then`` what comes next.

    ``place`` tells one bar of a page from another.
    """
    labels = cache.given_labels(data)
    rest = _rest(labels, rows, place)

    def said(verdict: Verdict, class_name: str = "") -> None:
        _save(found, data, rows, verdict, class_name, rest, then)

    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"labelling-{place}"):
        st.markdown(f"Row {rows[0] + 1:,} is" if len(rows) == 1 else f"The {len(rows):,} rows are")
        for verdict, title, key in SAYINGS:
            st.button(
                title,
                key=f"label-{place}-{verdict}",
                shortcut=key if keys else None,
                on_click=said,
                args=(verdict,),
            )
        for number, name in enumerate(labels.classes[:MOST_CLASSES], start=1):
            st.button(
                plain(name),
                key=f"label-{place}-class-{number}",
                shortcut=str(number) if keys else None,
                on_click=said,
                args=("anomaly", name),
                help="An anomaly of this class.",
            )
        with st.popover("Class, tag, note", type="tertiary", icon=":material/edit_note:"):
            _fields(labels, rows, rest)
            if keys:  # of several bars on a page one asks for the name
                st.text_input(
                    "Your name", key=WHO, max_chars=80, persist_state="session", placeholder=analyst()
                )
        if any(row in labels.events for row in rows):
            st.button(
                "No label", key=f"label-{place}-cleared", on_click=said, args=("cleared",), type="tertiary"
            )
        undo(data, place, keys=keys)


def standing(data: Dataset, row: int) -> None:
    """What is said of a row so far, and what was just saved."""
    labels = cache.given_labels(data)
    event = labels.events.get(row)
    if event is not None and event.label is not None:
        when = datetime.fromtimestamp(event.at, UTC).strftime("%Y-%m-%d %H:%M")
        rest = "; ".join(filter(None, (event.label.tag and f"tag {event.label.tag}", event.label.note)))
        where = " in another upload of this data" if row in labels.carried else ""
        badge = f":{COLOURS[event.label.verdict]}-badge[{plain(event.label.words)}]"
        said = f"{plain(rest)} · " if rest else ""
        st.markdown(f"{badge} {said}{plain(event.who)}, {when} UTC{where}")
    saved()


def saved() -> None:
    """What was just saved or undone: shown only after the ledger has it."""
    if news := session().take_saved():
        st.caption(f":material/check: {plain(news)}")


def undo(data: Dataset, place: str, *, keys: bool = True) -> None:
    """The way back: the visitor's last labels of this data are withdrawn."""
    last = last_act(cache.given_labels(data).own, analyst())
    what = _words(last[0].label.words if last[0].label else "", [e.row or 0 for e in last]) if last else ""
    st.button(
        "Undo",
        key=f"undo-{place}",
        icon=":material/undo:",
        type="tertiary",
        shortcut="Z" if keys else None,
        disabled=not last,
        on_click=_undo,
        args=(last[0].act if last else "", what),
        help=f"Takes back: {what}" if last else None,
    )


def analyst() -> str:
    """Who labels: the name given on the page, else a mark that tells browsers apart and gives no cookie away."""
    name = str(widget(WHO) or "").strip()
    return name or f"visitor {hashlib.sha256(owner().encode()).hexdigest()[:6]}"


def words_of(data: Dataset, rows: Sequence[int]) -> list[str]:
    """The labels of some rows in words, empty where there is none."""
    labels = cache.given_labels(data)
    return [label.words if (label := labels.of(row)) else "" for row in rows]


def _fields(labels: Labels, rows: Sequence[int], rest: dict[str, str]) -> None:
    """What goes with the next label of these rows."""
    now = labels.of(rows[0]) if len(rows) == 1 else None
    class_name, tag = (now.class_name, now.tag) if now else ("", "")
    for field, known, value, label in (
        ("class_name", labels.classes, class_name, "Class of the anomaly"),
        ("tag", labels.tags, tag, "Tag"),
    ):
        options = [*dict.fromkeys([*([value] if value else []), *known])]
        st.selectbox(
            label,
            options,
            index=0 if value else None,
            key=rest[field],
            accept_new_options=True,
            placeholder="choose, or write a new one",
        )
    st.text_area("Note", now.note if now else "", key=rest["note"], max_chars=2_000, height=80)
    st.caption("They are saved with the label: choose one of the buttons next.")


def _rest(labels: Labels, rows: Sequence[int], place: str) -> dict[str, str]:
    """The keys of the fields beside a label: other rows, and a label that was given, have fields of their own."""
    mark = (
        f"{place}-{rows[0] if len(rows) == 1 else len(rows)}-{labels.own[-1].sequence if labels.own else 0}"
    )
    return {field: f"label-{field}-{mark}" for field in ("class_name", "tag", "note")}


def _save(
    found: Result,
    data: Dataset,
    rows: Sequence[int],
    verdict: Verdict,
    class_name: str,
    rest: dict[str, str],
    then: Then | None,
) -> None:
    """Write labels down; only then does the page say so."""

    def save() -> None:
        given = {field: str(widget(key) or "") for field, key in rest.items()}
        if verdict != "anomaly":
            given["class_name"] = ""
        if class_name:
            given["class_name"] = class_name
        label = Label(verdict=verdict, **given) if verdict != "cleared" else Label(verdict="cleared")
        now = cache.given_labels(data)
        new = {row: label for row in rows if now.of(row) != label}  # a double click says nothing new
        if new:
            give_labels(server.labels(), data, new, act=uuid.uuid4().hex, who=analyst(), model=found.model)
        session().saved = f"Saved: {_words(label.words, list(rows))}."
        if then is not None:
            then()

    attempt(save)


def _undo(act: str, what: str) -> None:
    def take_back() -> None:
        server.labels().withdraw(act, who=analyst())
        session().saved = f"Undone: {what}."

    attempt(take_back)


def _words(what: str, rows: Sequence[int]) -> str:
    which = f"row {rows[0] + 1:,}" if len(rows) == 1 else f"{len(rows):,} rows"
    return f"{which}: {what or VERDICT_WORDS['cleared']}"
