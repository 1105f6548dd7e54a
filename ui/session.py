"""What one visitor is looking at: the only file that touches ``st.session_state``, cookies and the address.

The choices also stand in the address, so that a reload, a new tab or a colleague with the link sees the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Any, Literal

import streamlit as st

from engine import RULES, Rule, UsageError, rule_from_dict
from ui.view import View

KEY = "loupe"


@dataclass
class Session:
    """The few values a visitor carries from page to page."""

    dataset: str | None = None
    result: str | None = None
    model: str | None = (
        None  # of the result (name@version); alone, whose result is to be opened where there is one
    )
    rule_kind: str = ""  # "" = the model's own rule
    rule_value: float = 0.0
    answers: str = ""  # which known answers count: the "column" or those "given"; empty: what there is
    own_lines: bool = False  # whether each group has a line of its own
    row: int | None = None
    view: View = field(default_factory=View)
    page: str = ""  # the page drawn last
    drawn: set[str] = field(default_factory=set)  # keys of the widgets that were given a value on it
    upload: int = 0  # number of the upload widget: a new number is an empty one
    bundle: int = 0  # the same for bundles of models
    watched: str | None = None  # the job whose result opens when it is done
    asked: tuple[str, int] | None = None  # the result and row an explanation was asked for
    asking: str | None = None  # the job that works it out
    edit_asked: tuple[str, int, float] | None = None  # the result, row and threshold an edit was asked for
    editing: str | None = None  # the job that looks for it
    looked: tuple[str, tuple[int, ...]] | None = None  # the result and rows somebody was sent to look around
    looking: str | None = None  # the job that does
    stranger: str = field(
        default_factory=lambda: token_urlsafe(24)
    )  # owner of the jobs of a browser without cookie
    problem: str | None = None  # what went wrong in a callback, to be shown once
    news: str | None = None  # what went well in a callback, to be shown once
    saved: str | None = None  # which labels were saved or undone, to be shown once
    teach: bool = False  # whether a detector that learns from labels is wanted next
    tables: int = 0  # how often a selection of rows was labelled: each time a table without one

    def rule(self, default: Rule) -> Rule:
        """The chosen threshold rule, or the model's own."""
        if self.rule_kind not in RULES:
            return default
        try:
            return rule_from_dict({"kind": self.rule_kind, "value": self.rule_value})
        except UsageError:
            return default

    def set_rule(self, kind: str, value: float) -> None:
        self.rule_kind, self.rule_value = kind, value

    def open_dataset(self, dataset: str) -> None:
        """Turn to another data set; results of the one before are left behind."""
        if dataset != self.dataset:
            self.dataset, self.result, self.model, self.row, self.view = dataset, None, None, None, View()

    def open_result(self, result: str) -> None:
        """Turn to a result, judged at first by its model's own rule; its data set follows."""
        if result != self.result:
            self.result, self.model, self.row, self.rule_kind, self.view = result, None, None, "", View()
            self.own_lines = False

    def take_problem(self) -> str | None:
        problem, self.problem = self.problem, None
        return problem

    def take_saved(self) -> str | None:
        saved, self.saved = self.saved, None
        return saved

    def take_news(self) -> str | None:
        news, self.news = self.news, None
        return news


def session() -> Session:
    """The visitor's session; a new one begins with what the address says."""
    if KEY not in st.session_state:
        st.session_state[KEY] = _from_address()
    found: Session = st.session_state[KEY]
    return found


def remember() -> None:
    """Write the session into the address; navigation between pages clears it, so every run does."""
    current = session()
    address: dict[str, str] = {}
    if current.dataset:
        address["data"] = current.dataset
    if current.model:
        address["model"] = current.model
    if current.result:
        address["result"] = current.result
    if current.rule_kind:
        address |= {"rule": current.rule_kind, "at": repr(float(current.rule_value))}
    if current.own_lines:
        address["lines"] = "own"
    if current.row is not None:
        address["row"] = str(current.row)
    address |= current.view.as_address()
    if dict(st.query_params) != address:
        st.query_params.from_dict(address)


def owner() -> str:
    """Whose jobs these are: the browser's cookie, or this session's own where cookies are refused."""
    token = st.context.cookies.get("loupe_owner")
    return token if isinstance(token, str) and token else session().stranger


def theme() -> Literal["light", "dark"]:
    """'light' or 'dark', as the visitor sees the page."""
    kind = getattr(st.context.theme, "type", None)
    return "dark" if kind == "dark" else "light"


def upload_key() -> str:
    """Key of the upload widget; :func:`uploaded` reads it and hands on an empty one."""
    return f"upload-{session().upload}"


def bundle_key() -> str:
    """Key of the widget that takes bundles of models."""
    return f"bundle-{session().bundle}"


def uploaded() -> Any:
    """The file just uploaded, or None."""
    return st.session_state.get(upload_key())


def widget(key: str) -> Any:
    """The value of a keyed widget, inside its callback."""
    return st.session_state.get(key)


def turn_to(page: str) -> None:
    """Note which page is drawn: a widget of the page before and one of this page may have one key."""
    if session().page != page:
        session().page, session().drawn = page, set()


def set_widget(key: str, value: Any) -> None:
    """Give a keyed widget a value before it is drawn."""
    current = session()
    # Writing what it has would undo what the person does meanwhile. On a new page it has nothing yet, though the value
    # of the page before may still stand under its key.
    if key not in current.drawn or st.session_state.get(key) != value:
        st.session_state[key] = value
        current.drawn.add(key)


def _from_address() -> Session:
    seen = st.query_params
    current = Session(
        dataset=seen.get("data"),
        result=seen.get("result"),
        model=seen.get("model"),
        rule_kind=seen.get("rule", ""),
        own_lines=seen.get("lines") == "own",
        view=View.from_address(seen),
    )
    try:
        current.rule_value = float(seen.get("at", 0.0))
        current.row = int(seen["row"]) if "row" in seen else None
    except ValueError:
        current.rule_kind = ""
    return current
