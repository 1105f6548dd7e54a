"""What `score`, `check` and `detectors` do. Heavy libraries are imported by the command that needs them."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.console import converted, json_text, note, pairs, progress, read, rule_of, store_of
from engine.result_files import check_suffix

if TYPE_CHECKING:
    import pandas as pd

    from engine.analysis import Judgement
    from engine.data.prepared import Prepared
    from engine.model import Model, Scores
    from engine.store import ModelRef, ModelStore


def score(options: argparse.Namespace) -> None:
    """Judge every row of a file and write the answer."""
    check_suffix(options.output)
    asked, mapping = rule_of(options), pairs(options.map, "--map")
    store = store_of(options)
    ref = store.resolve(options.model)
    frame, _ = read(options.data, options.read, warm=_needed(store, ref))
    from engine.analysis import drift_of, judge
    from engine.group_lines import judged_by_group
    from engine.labelled import answers_of, blocks_of, on_the_other_half
    from engine.model import Model
    from engine.report import write_result
    from engine.scoring.labelled_lines import told

    model = Model.load(store, ref)
    prepared = model.encode(frame, mapping)
    scores = model.judge(prepared, progress=progress)
    drift = drift_of(model, prepared, scores)
    if drift.verdict != "fits":
        note(f"{drift.verdict}: {drift.sentence} {drift.advice}")
    rule = asked or model.card.default_rule
    labels = answers_of(options.label, frame, model.card) if rule.needs_labels else None
    seen = told(rule, scores.values, labels, blocks_of(frame, model.card, labels))
    if options.per_entity:
        judgement = judged_by_group(model, frame, scores.values, rule, mapping)
    else:
        judgement = judge(scores.values, model.card, rule, seen)
    table = _with_reasons(frame, model, prepared, scores, judgement)
    settings = {
        "data": options.data.name,
        "model": model.card.id,
        "detector": model.card.title,
        "drift": f"{drift.verdict}: {drift.sentence}",
        "rule": f"{rule.title} {rule.value:g}".strip(),
        "threshold": repr(judgement.threshold),
        "flagged rows": str(judgement.flagged),
        "judged rows": str(judgement.judged),
        "rows": str(judgement.rows),
    }
    if judgement.own is not None:
        settings["lines"] = judgement.own.sentence
    write_result(options.output, table, settings, raw=options.raw)
    for text in scores.notes:
        note(text)
    share = f"{100 * judgement.share:.2g} %"
    print(f"flagged {judgement.flagged:,} of {judgement.judged:,} rows ({share}) -> {options.output}")
    print(f"{rule.title}: expect {1_000 * judgement.expected:.3g} flags in 1,000 rows of ordinary data")
    if judgement.own is not None:
        print(judgement.own.sentence)
    elif judgement.remark:
        print(judgement.remark)
    if labels is not None and seen is not None:
        print(on_the_other_half(scores.values, labels, seen, judgement.threshold))
    if drift.verdict == "fits":
        print(f"fits: {drift.sentence}")
    if judgement.judged < judgement.rows:
        print(f"{judgement.rows - judgement.judged:,} rows could not be judged; 'reasons' says why")


def _needed(store: ModelStore, ref: ModelRef) -> Iterator[str]:
    """What scoring with a model imports."""
    from engine.detectors import detector_class

    yield from ("engine.report", "engine.analysis")
    yield from detector_class(store.card(ref)["detector"]).imports


def _classes(model: Model, prepared: Prepared, scores: Scores) -> dict[str, Any] | None:
    """Columns with the class of each row and how likely it is; None of a model that names none."""
    if model.card.classes is None:
        return None
    from engine.classifying import classified

    return classified(model, prepared, progress=progress).kept(scores).columns()


def _with_reasons(
    frame: pd.DataFrame, model: Model, prepared: Prepared, scores: Scores, judgement: Judgement
) -> pd.DataFrame:
    """The table with scores, flags and, for the most unusual flagged rows, reasons."""
    import numpy as np

    from engine.analysis import MOST_EXPLAINED
    from engine.report import result_table
    from engine.scoring.reasons import MOST_REASONS, explain

    worst = np.flatnonzero(judgement.flags)
    worst = worst[np.argsort(-scores.values[worst], kind="stable")][:MOST_EXPLAINED]
    progress(0.9, "Explaining")
    if judgement.flagged > MOST_EXPLAINED:
        note(
            f"reasons are given for the {MOST_EXPLAINED:,} most unusual of {judgement.flagged:,} flagged rows"
        )
    return result_table(
        frame,
        scores=scores.values,
        severity=scores.severity,
        flags=judgement.flags,
        judged=scores.judged,
        reasons=explain(model, prepared, worst, most=MOST_REASONS).sentences() if len(worst) else {},
        obstacles=scores.obstacles,
        classes=_classes(model, prepared, scores),
    )


def check(options: argparse.Namespace) -> None:
    """Say what reading a file finds."""
    with tempfile.TemporaryDirectory() as folder:
        about = converted(options.data, Path(folder) / "table.parquet", options.read)
    if options.json:
        keys = (
            "rows",
            "columns",
            "names",
            "types",
            "delimiter",
            "encoding",
            "header_row",
            "sheet",
            "findings",
        )
        shown = {key: about[key] for key in keys}
        print(json_text(shown | {"types": [about["types"][name] for name in about["names"]]}))
        return
    print(f"{options.data.name}: {about['rows']:,} rows, {about['columns']} columns")
    types = about["types"]
    width = max((len(name) for name in about["names"]), default=0)
    for name in about["names"]:
        print(f"  {name:<{min(width, 40)}}  {types[name]}")
    for finding in about["findings"]:
        print(f"- {finding['text']}")


def detectors(options: argparse.Namespace) -> None:
    """List the detectors with their hyperparameters."""
    from engine.detectors import CATALOGUE
    from engine.hyperparameters import declared

    if options.json:
        print(
            json_text(
                {
                    name: {
                        "title": kind.title,
                        "summary": kind.summary,
                        "works_when": kind.works_when,
                        "struggles_when": kind.struggles_when,
                        "reference": kind.reference,
                        "hyperparameters": {
                            knob.name: {**asdict(knob), "kind": knob.kind.__name__}
                            for knob in declared(kind).values()
                        },
                    }
                    for name, kind in CATALOGUE.items()
                }
            )
        )
        return
    for name, kind in CATALOGUE.items():
        print(f"{name}: {kind.title}. {kind.summary}")
        for knob in declared(kind).values():
            print(f"    {knob.name} = {knob.text(knob.default)}    {knob.help}")
