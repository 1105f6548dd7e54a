"""A report: everything in one file, nothing in it runs, whatever a file has for names and cells."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import openpyxl
import pandas as pd
import pytest

from engine import Roles, UsageError, Workspace
from engine.charts.chart import filled
from engine.cli import main
from engine.reporting.choices import REPORT_SECTIONS, ReportChoices
from engine.reporting.content import Code, Column, Facts, Figure, Report, Section, Table, Text
from engine.reporting.page import page
from engine.reporting.sections import report
from engine.reporting.sheets import sheets
from engine.reporting.subject import Subject
from engine.reporting.visible import visible
from engine.scoring.thresholds import Percentile
from engine.tasks import run_train

HALF = "lone \ud800 half"
HOSTILE = [
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "]]>--><svg onload=alert(1)>",
    "=HYPERLINK(\"http://example.com\")",
    "+1+1|cmd",
    "@SUM(A1)",
    "javascript:alert(1)",
    "{{7*7}}{0}%s",
    "gnp.\u202egpj",
    "\u2066isolate",
    "zero\u200bwidth\ufeff",
    "bell\x07nul\x00",
    HALF,
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "a\nb\tc",
    "url(http://example.com/x.png)",
]  # fmt: skip
ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "header", "section", "nav", "h1", "h2", "h3", "p", "a"),
    *("ol", "li", "dl", "dt", "dd", "div", "table", "caption", "thead", "tbody", "tr", "th", "td", "pre", "code"),
    *("figure", "figcaption", "img"),
}  # fmt: skip
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "scope", "src", "alt"),
    *("width", "height"),
}


class Reader(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, content: bytes):
        super().__init__()
        self.tags, self.attributes, self.text = set(), [], []
        self.feed(content.decode())

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text.append(data)

    @property
    def prose(self) -> str:
        return " ".join("".join(self.text).split())


def nothing_can_run(content: bytes) -> Reader:
    """Read a page, after making sure that it holds only plain tags, and refers to nothing outside itself."""
    found = Reader(content)
    assert found.tags <= ALLOWED
    assert {name for name, _ in found.attributes} <= ATTRIBUTES
    for name, value in found.attributes:
        if name in ("src", "href"):
            assert value.startswith(("data:image/svg+xml;base64,", "#"))
    return found


@pytest.fixture(scope="module")
def space(tmp_path_factory, table, series):
    """A workspace with a judged table and a judged series, both with known answers."""
    folder = tmp_path_factory.mktemp("reports")
    found = Workspace(folder / "w", folder / "m")
    for name, planted, more in (("parts", table, {}), ("beat", series, {"window": 20})):
        planted.frame.to_csv(folder / f"{name}.csv", index=False)
        data = found.datasets.add(folder / f"{name}.csv", f"{name}.csv")
        found.datasets.set_roles(data, planted.roles)
        spec = {
            "dataset": data.id,
            "workspace": str(found.root),
            "models": str(found.models_root),
            "name": name,
        }
        choices = {"detector": "isolation_forest", "hyperparameters": {"n_estimators": 10}}
        run_train({**spec, **choices, **more}, quiet(folder))
    return found


def quiet(folder):
    """A job nobody watches."""
    said = {name: lambda *_, **__: None for name in ("progress", "log", "record")}
    return SimpleNamespace(directory=folder, **said)


def subject_of(space, name) -> Subject:
    data = next(data for data in space.datasets.all() if data.name == f"{name}.csv")
    result = space.results.load(space.results.of_dataset(data.id)[0])
    reference = np.asarray(space.models.card(space.models.resolve(name))["reference"])
    return Subject.of(space, result, Percentile(95.0), Percentile(95.0).threshold(reference, reference))


@pytest.fixture(scope="module")
def parts(space):
    """The report of the table, and its page."""
    said = report(
        subject_of(space, "parts"), ReportChoices(title="Parts of May", author="Ada", note="Look.\nTwice.")
    )
    return said, page(said)


@pytest.fixture(scope="module")
def beat(space):
    """The report of the series, and its page."""
    said = report(subject_of(space, "beat"), ReportChoices())
    return said, page(said)


def test_page_of_a_table_says_everything_but_events(parts):
    said, content = parts
    assert [section.key for section in said.sections] == [key for key in REPORT_SECTIONS if key != "events"]
    prose = nothing_can_run(content).prose
    for words in (
        "Parts of May",
        "By Ada",
        "Look. Twice.",
        "Precision",
        "ROC-AUC",
        "Isolation Forest",
        "SHA-256",
    ):
        assert words in prose
    assert "python -m engine report parts.csv --model parts@1" in prose


def test_most_unusual_row_stands_with_its_reasons(parts, space):
    subject, prose = subject_of(space, "parts"), nothing_can_run(parts[1]).prose
    worst = int(subject.result.order[0])
    assert f"The most unusual of all is row {worst + 1}" in prose
    assert subject.result.sentence(worst) in prose.replace("\u00a0", " ")


def test_page_of_a_series_has_its_events_with_pictures(beat, space):
    said, content = beat
    events = next(section for section in said.sections if section.key == "events")
    assert sum(isinstance(block, Figure) for block in events.blocks) >= 3
    assert f"{len(subject_of(space, 'beat').events)} events in all" in nothing_can_run(content).prose


def test_page_asks_nobody_and_allows_no_script(parts):
    content = parts[1].decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', content)[1]
    assert policy.replace("&#x27;", "'").startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "<script" not in content
    assert not re.search(r"@import|url\(", content)


def test_chosen_sections_alone_are_written(space):
    said = report(subject_of(space, "parts"), ReportChoices(sections=("limits", "summary")))
    assert [section.key for section in said.sections] == ["summary", "limits"]


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"sections": ("summary", "charts")}, "got 'charts'"),
        ({"sections": ()}, "choose one at least"),
        ({"title": "x" * 201}, "may have 200 characters, got 201"),
    ],
)
def test_choices_that_make_no_sense_are_refused_in_words(choices, words):
    with pytest.raises(UsageError, match=words):
        ReportChoices(**choices)


def test_without_known_answers_the_report_says_that_nothing_was_measured(space):
    subject = subject_of(space, "parts")
    columns = {
        name: "ignore" if role == "label" else role for name, role in subject.dataset.roles.columns.items()
    }
    unlabelled = replace(subject, dataset=replace(subject.dataset, roles=Roles(columns)))
    said = report(unlabelled, ReportChoices(sections=("evaluation",)))
    assert "There are no known answers" in said.sections[0].blocks[0].text


def test_workbook_says_the_same_with_tables_and_charts(parts):
    said, _ = parts
    book = openpyxl.load_workbook(io.BytesIO(sheets(said)))
    tables = [block for section in said.sections for block in section.blocks if isinstance(block, Table)]
    figures = [block for section in said.sections for block in section.blocks if isinstance(block, Figure)]
    assert book.sheetnames == ["Report", *(table.title[:31] for table in tables), "Charts"]
    assert len(book["Charts"]._images) == len(figures)
    lines = {str(cell) for row in book["Report"].values for cell in row}
    texts = [
        b.text
        for section in said.sections
        for b in section.blocks
        if isinstance(b, Text) and b.tone != "heading"
    ]
    assert {"Parts of May", "Ada", "Look.\nTwice.", *texts} <= lines
    severities = [row[1] for row in book["The worst rows"].iter_rows(min_row=2, values_only=True)]
    assert severities == sorted(severities, reverse=True)


def hostile(seed) -> Report:
    """A report whose every text is as unkind as a seed makes it."""
    draw = np.random.default_rng(seed)

    def word(*left_out) -> str:
        known = [text for text in HOSTILE if text not in left_out]
        return "".join(draw.choice(np.array(known, dtype=object), 2))

    def chart():
        spec = {
            "mark": "bar",
            "data": {"name": "bars"},
            "encoding": {"y": {"field": "name", "type": "nominal"}},
        }
        return filled({**spec, "title": word()}, word(), {"bars": [{"name": word()}]})

    table = Table(
        title="Table",
        columns=[
            Column(title=word(), values=[word(), word(), None]),
            Column(title=word(), values=[1, 2.5, 3]),
        ],
        below=word(),
        sheet=lambda: pd.DataFrame(
            {word(HALF): [word(HALF)], "number": [-2.0]}
        ),  # a table holds whole characters
    )
    blocks = [Text(word(), "caution"), Facts({word(): word()}, word()), table, Code(word(), word())]
    return Report(
        title=word(),
        subtitle=word(),
        author=word(),
        note=word(),
        made=datetime(2026, 5, 6, tzinfo=UTC),
        figures={word(): word()},
        sections=[
            Section(key="data", title=word(), blocks=[*blocks, Figure(title=word(), chart=chart())]),
            Section(key="rows", title=word(), blocks=blocks[:2]),
        ],
    )


@pytest.mark.parametrize("seed", range(4))
def test_hostile_names_and_cells_stay_text(seed):
    said = hostile(seed)
    prose = nothing_can_run(page(said)).prose
    assert " ".join(visible(said.title).split()) in prose
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x00-\x08]", page(said).decode())


def test_hostile_file_is_judged_and_reported_without_harm(tmp_path):
    rng, names = np.random.default_rng(1), ["=1+1", "<script>alert(1)</script>", "gnp.\u202egpj", "'\"><b>"]
    frame = pd.DataFrame(rng.normal(size=(80, 4)), columns=names)
    frame["words"] = rng.choice([text for text in HOSTILE if text != HALF and "\x00" not in text], 80)
    frame.to_csv(tmp_path / "evil.csv", index=False)
    space = Workspace(tmp_path / "w", tmp_path / "m")
    data = space.datasets.add(tmp_path / "evil.csv", "<img src=x onerror=alert(1)>.csv")
    space.datasets.set_roles(data, Roles(dict.fromkeys(data.columns, "feature")))
    spec = {
        "dataset": data.id,
        "workspace": str(space.root),
        "models": str(space.models_root),
        "name": "evil",
    }
    choices = {"detector": "isolation_forest", "hyperparameters": {"n_estimators": 10}}
    found = space.results.load(run_train({**spec, **choices}, quiet(tmp_path))["result"])
    subject = Subject.of(space, found, Percentile(90.0), float(np.quantile(found.values, 0.9)))
    said = report(
        subject, ReportChoices(sections=("summary", "data", "rows", "limits", "model", "reproduce"))
    )
    prose = nothing_can_run(page(said)).prose
    assert "<script>alert(1)</script>" in prose
    assert "<img src=x onerror=alert(1)>.csv" in prose
    book = openpyxl.load_workbook(io.BytesIO(sheets(said)))
    assert not [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


@pytest.mark.parametrize("seed", range(2))
def test_no_cell_of_the_workbook_is_a_formula(seed):
    book = openpyxl.load_workbook(io.BytesIO(sheets(hostile(seed))))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert len(cells) > 20
    assert not [cell.value for cell in cells if cell.data_type == "f"]
    assert all(cell.quotePrefix for cell in cells if str(cell.value).startswith(("=", "+1", "@")))


# ---- the command


@pytest.fixture
def command(space, monkeypatch, capsys, tmp_path):
    """Run ``report`` on the table: exit code, the file, and what was said on stdout and beside it."""
    subject_of(space, "parts").dataset.frame().to_csv(tmp_path / "parts.csv", index=False)
    monkeypatch.chdir(tmp_path)

    def run(*arguments, output="out.html"):
        code = main(["report", *arguments, "--models", str(space.models_root), "--output", output])
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return code, tmp_path / output, told.out, told.err

    return run


def test_command_writes_the_page_with_answers_from_the_named_label(command):
    code, file, told, _ = command("parts.csv", "--model", "parts", "--label", "faulty", "--percentile", "97")
    assert code == 0
    prose = nothing_can_run(file.read_bytes()).prose.replace("\u00a0", " ")
    assert "more unusual than 97 % of the rows the model learned from" in prose
    assert "known anomalies" in prose
    flagged = told.split()[1]
    assert f"{flagged} of 300 rows" in prose


def test_command_refuses_another_format_before_it_reads_anything(command):
    code, file, _, said = command("parts.csv", "--model", "parts", output="out.pdf")
    assert code == 2
    assert "must end in .html or .xlsx, got 'out.pdf'" in said
    assert not file.exists()
