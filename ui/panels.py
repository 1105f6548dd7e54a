"""Pieces several pages share: empty states, the job tray, the threshold control, and failures in plain words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

from engine import RULES, Card, Dataset, EngineError, Job, Judgement, Result, Rule, charts, judge
from ui import cache, server
from ui.session import owner, session, set_widget, theme, widget

PAGES = Path(__file__).resolve().parent.parent / "pages"
POLL = "700ms"


def page(name: str) -> str:
    """The address of a page for ``st.switch_page`` and ``st.page_link``."""
    return str(PAGES / f"{name}.py")


@contextmanager
def in_plain_words() -> Iterator[None]:
    """Show what goes wrong as a sentence, and go on with the rest of the page."""
    try:
        yield
    except EngineError as problem:
        st.error(_sentence(problem), icon=":material/error:")


def show_problem() -> None:
    """Show what went wrong in the last callback, once."""
    problem = session().take_problem()
    if problem:
        st.error(problem, icon=":material/error:")


def attempt(action: Callable[[], None]) -> None:
    """Run a callback; what goes wrong is kept as a sentence for :func:`show_problem`."""
    try:
        action()
    except EngineError as problem:
        session().problem = _sentence(problem)


def need_dataset() -> Dataset:
    """The data set at hand; without one, a sentence and the way to one, and the page ends here."""
    current = session()
    if current.dataset:
        try:
            return cache.dataset(current.dataset)
        except EngineError as problem:
            current.dataset = current.result = None
            st.warning(_sentence(problem), icon=":material/info:")
    empty_state("No data yet", "Bring a file or open a sample first.", "data", "Bring data")
    st.stop()


def need_result() -> tuple[Result, Card, Dataset]:
    """The result at hand with its model and data; without one, the way to one, and the page ends here."""
    data = need_dataset()
    current = session()
    if current.result:
        try:
            found = cache.result(current.result)
            return found, cache.card(found.model), cache.dataset(found.dataset)
        except EngineError as problem:
            current.result = None
            st.warning(_sentence(problem), icon=":material/info:")
    empty_state(
        f"{data.name} has not been judged yet",
        "Train a detector on it, or load a trained model.",
        "detect",
        "Detect",
    )
    st.stop()


def empty_state(title: str, text: str, target: str, action: str) -> None:
    """A page with nothing to show says why and leads on."""
    with st.container(border=True, horizontal_alignment="center"):
        st.subheader(title, anchor=False)
        st.write(text)
        if st.button(action, type="primary", icon=":material/arrow_forward:", key=f"empty-{target}"):
            st.switch_page(page(target))


# ---- jobs


def job_tray() -> None:
    """Running and recent jobs, on every page; polls only while something runs."""
    active = any(job.active for job in server.jobs().jobs(owner(), limit=8))

    def tray() -> None:
        found = server.jobs().jobs(owner(), limit=8)
        if not found:
            return
        st.caption("Jobs")
        for job in found[:4]:
            _tray_line(job)
        if active and not any(job.active for job in found):
            st.rerun()  # the page itself should notice that something is done

    st.fragment(tray, run_every=POLL if active else None)()


def _tray_line(job: Job) -> None:
    if job.active:
        st.progress(job.progress, text=f"{job.title}: {_waiting(job)}")
        st.button("Cancel", key=f"cancel-{job.id}", on_click=_cancel, args=(job.id,), type="tertiary")
        return
    icons = {"done": "check_circle", "failed": "error", "cancelled": "cancel", "interrupted": "warning"}
    st.markdown(
        f":material/{icons[job.state]}: {job.title}",
        help=job.error or f"{job.state}, {job.seconds or 0:.1f} s",
    )


def job_details(job: Job) -> None:
    """One job in full: progress, time left, log, and how it ended."""
    if job.active:
        left = f" · about {job.eta_seconds:.0f} s left" if job.eta_seconds and job.progress > 0.05 else ""
        st.progress(job.progress, text=f"{_waiting(job)}{left}")
        st.button(
            "Cancel", key=f"stop-{job.id}", on_click=_cancel, args=(job.id,), icon=":material/stop_circle:"
        )
    elif job.state == "failed":
        st.error(f"{job.title} failed: {job.error}", icon=":material/error:")
    elif job.state == "cancelled":
        st.info(f"{job.title} was cancelled; nothing was kept.", icon=":material/cancel:")
    elif job.state == "interrupted":
        st.warning(
            job.error or "The server stopped while this ran; start it again.", icon=":material/warning:"
        )
    log = server.jobs().log_tail(job.id, 12)
    if log.strip():
        with st.expander("Log"):
            st.code(log, language=None)


def _waiting(job: Job) -> str:
    if job.state == "queued":
        return f"waiting, place {job.queue_position}" if job.queue_position else "waiting"
    return "stopping" if job.stopping else (job.message or "starting")


def _cancel(id: str) -> None:
    attempt(lambda: void(server.jobs().cancel(id)))


def void(_: object) -> None:
    """Drop a value: callbacks return nothing."""


# ---- threshold


def threshold_control(found: Result, card: Card, *, labelled: bool) -> Rule:
    """Choose a threshold rule and its value; every page that shows flags shares this one choice."""
    current = session()
    rule = current.rule(card.default_rule if card.rule["kind"] != "contamination" else _as_percentile(card))
    kinds = [kind for kind, known in RULES.items() if labelled or not known.needs_labels]
    chosen = rule.kind if rule.kind in kinds else "percentile"
    set_widget("rule-kind", chosen)
    st.selectbox(
        "Threshold rule",
        kinds,
        key="rule-kind",
        format_func=lambda kind: RULES[kind].title,
        on_change=_change_kind,
        args=(found.id,),
        help=RULES[chosen].help,
    )
    if rule.kind == "percentile":
        _percentile_knobs(rule)
    elif not rule.needs_labels:
        _value_knob(rule, found)
    return rule


def _as_percentile(card: Card) -> Rule:
    """A model trained with an expected share of 5 % opens at percentile 95, which says the same."""
    return RULES["percentile"](100.0 * (1.0 - card.default_rule.value))


def _percentile_knobs(rule: Rule) -> None:
    set_widget("rule-slider", min(max(rule.value, 50.0), 100.0))
    set_widget("rule-number", rule.value)
    st.slider(
        "Percentile", 50.0, 100.0, step=0.1, key="rule-slider", on_change=_set_from, args=("rule-slider",)
    )
    st.number_input(
        "Percentile, exactly",
        0.0,
        100.0,
        step=0.05,
        format="%.2f",
        key="rule-number",
        on_change=_set_from,
        args=("rule-number",),
    )


def _value_knob(rule: Rule, found: Result) -> None:
    set_widget("rule-value", rule.value if rule.kind != "budget" else int(rule.value))
    if rule.kind == "budget":
        st.number_input(rule.knob, 1, max(1, len(found.ascending)), key="rule-value", on_change=_set_value)
        return
    high = None if rule.high is None else float(rule.high)
    low = None if rule.low == float("-inf") else float(rule.low)
    step = {"contamination": 0.005, "mad": 0.5}.get(rule.kind, 0.01)
    st.number_input(rule.knob, low, high, step=step, format="%.4g", key="rule-value", on_change=_set_value)


def _change_kind(result_id: str) -> None:
    """A new rule starts where it is useful: a fixed score at the line drawn so far."""
    found = cache.result(result_id)
    card = cache.card(found.model)
    before = judge(found.values, card, session().rule(card.default_rule))
    kind = widget("rule-kind")
    start = {
        "percentile": round(before.percentile, 2),
        "contamination": round(before.share_in_training, 4) or 0.01,
        "fixed": before.threshold,
        "mad": 3.5,
        "budget": float(max(1, min(100, before.flagged or 100))),
    }
    session().set_rule(kind, start.get(kind, 0.0))


def _set_from(key: str) -> None:
    session().set_rule("percentile", float(widget(key)))


def _set_value() -> None:
    session().set_rule(widget("rule-kind"), float(widget("rule-value")))


def judged(found: Result, card: Card, rule: Rule, label: str | None) -> Judgement:
    """What the rule flags in a result."""
    labels = cache.labels(found.dataset, label)[0] if label else None
    return judge(found.values, card, rule, labels)


# ---- charts


def chart(drawn: charts.Chart, key: str, height: int | None = None) -> None:
    """Draw a chart under a stable key, with its sentence for who cannot see it."""
    spec = {**drawn.spec, "height": height} if height else drawn.spec
    st.vega_lite_chart(spec, key=f"{key}-{theme()}", width="stretch", alt=drawn.alt)


def plain(text: str) -> str:
    """A text that quotes names or cells of a file, with Markdown's and Streamlit's signs made harmless."""
    return "".join(f"\\{ch}" if ch in r"\`*_[]#~<>$:" else ch for ch in text)


def _sentence(problem: EngineError) -> str:
    text = str(problem)
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?", ")")) else ".")
