"""What a training says at its end: the summary of the model, and a check of how many rows it flags."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from engine.manifest import MANIFEST
from engine.scoring.rules import rule_from_dict

if TYPE_CHECKING:
    from engine.model import Card
    from engine.runs import Metrics

LOWEST_SHARE, HIGHEST_SHARE = 0.01, 0.10  # of the training rows flagged: what is usual
WIDTH = 100

Verdict = Literal["fine", "too sensitive", "not sensitive enough"]


def verdict(share_flagged: float) -> Verdict:
    """What the share of the training rows that is flagged says of the threshold."""
    if share_flagged > HIGHEST_SHARE:
        return "too sensitive"
    return "not sensitive enough" if share_flagged < LOWEST_SHARE else "fine"


def training_summary(card: Card, folder: Path, run: Path, metrics: Metrics, seconds: float) -> str:
    """The facts of a new model, one a line. ``seconds``: of the whole training, reading the file included."""
    size = sum(part["size"] for part in card.parts.values())
    left_out = f" ({len(card.left_out)} columns left out)" if card.left_out else ""
    facts = {
        "Model": f"{card.id}, {card.title}",
        "Folder": _near(folder),
        "Files": f"{', '.join(files_of(card))} ({size / 1e6:,.1f} MB)",
        "Run": _near(run),
        "Threshold": f"{card.threshold:.6g}{_by(card)}",
        "Features": f"{len(card.features)}{left_out}: {_some(card.features)}",
        "Rows": f"{card.rows:,}, of which {card.judged:,} could be judged",
    }
    label = next((column for column, role in card.roles["columns"].items() if role == "label"), None)
    if label is not None and metrics["roc_auc"] is not None:
        learned = (
            f"of which {card.labelled:,} anomalies were learned from"
            if card.labelled and card.classes is None
            else "never learned from"
        )
        facts["Answers"] = (
            f"by '{label}', {learned}: ROC-AUC {metrics['roc_auc']:.3f}, "
            f"average precision {metrics['average_precision']:.3f}"
        )
    if card.classes is not None:
        told = card.classes
        facts["Classes"] = (
            f"{', '.join(told['names'])}; learned from {card.labelled:,} rows, some of them held out: "
            f"accuracy {told['accuracy']:.3f}, macro-F1 {told['macro_f1']:.3f}"
        )
    facts["Seconds"] = f"{seconds:.1f}"
    return _headed("Training Summary", "\n".join(_fact(name, text) for name, text in facts.items()))


def _by(card: Card) -> str:
    """The rule that drew the threshold, where it was chosen."""
    return "" if card.rule["kind"] == "contamination" else f" ({rule_from_dict(card.rule).text})"


def validation_check(card: Card, share_flagged: float) -> str:
    """How many of the training rows the model flags, whether that is usual, and what to do where it is not."""
    flagged = round(share_flagged * card.judged)
    found = f"{flagged:,} of {card.judged:,} training rows are flagged ({100 * share_flagged:.3g} %)"
    usual = f"{100 * LOWEST_SHARE:g} to {100 * HIGHEST_SHARE:g} %"
    if card.rule["kind"] not in ("contamination", "percentile"):
        by = f"{found}. That is where the rule {rule_from_dict(card.rule).text} draws the line."
        return _headed("Validation Check", _wrapped(by, "  ", "  "))
    said: dict[Verdict, str] = {
        "fine": f"{found}. Good: {usual} is usual.",
        "too sensitive": (
            f"{found}. That is more than the usual {usual}: the model is too sensitive, unless so many are expected. "
            "Raise the percentile (--set\u00a0threshold_percentile=95), or train on cleaner data: rows known to be "
            "normal."
        ),
        "not sensitive enough": (
            f"{found}. That is less than the usual {usual}: the model may not be sensitive enough. Lower the "
            "percentile (--set\u00a0threshold_percentile=95), or give the detector more to tell rows apart by: more "
            "columns, or more room to learn."
        ),
    }
    return _headed("Validation Check", _wrapped(said[verdict(share_flagged)], "  ", "  "))


def comparison_text(card: Card) -> str:
    """The model beside plain baselines on injected anomalies; empty where that was not measured."""
    found = card.comparison
    if found is None:
        return ""
    width = max(map(len, found.figures))
    lines = [f"  {'':<{width}}  VUS-PR  average precision  ROC-AUC"]
    lines += [
        f"  {name:<{width}}  {told.vus_pr:>6.3f}  {told.average_precision:>17.3f}  {told.roc_auc:>7.3f}"
        for name, told in found.rows()
    ]
    said = ". ".join(filter(None, (found.warning, found.origin)))
    return _headed("Injected Anomalies", "\n".join([*lines, _wrapped(f"{said}.", "  ", "  ")]) + "\n")


def next_steps(scoring: str) -> str:
    """What to do with the model now."""
    return _headed("Next", f"  {scoring}\n  or open it beside your data on the screen: make run")


def files_of(card: Card) -> list[str]:
    """What lies in the model's folder."""
    return [MANIFEST, *card.parts]


def _near(path: Path) -> str:
    """A path as it is best read from here."""
    here = Path.cwd()
    return os.path.relpath(path, here) if path.is_relative_to(here) else str(path)


def _headed(title: str, text: str) -> str:
    return f"\n{title}\n{text}"


def _fact(name: str, text: str) -> str:
    return _wrapped(text, f"  {name:<10} ", " " * 13)


def _wrapped(text: str, first: str, then: str) -> str:
    """Text in lines; a no-break space holds words together and comes out as a plain one."""
    wrapper = textwrap.TextWrapper(WIDTH, first, then, break_long_words=False, break_on_hyphens=False)
    return wrapper.fill(text).replace("\u00a0", " ")


def _some(names: list[str], most: int = 12) -> str:
    more = f" … and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(name.replace(" ", "\u00a0") for name in names[:most]) + more
