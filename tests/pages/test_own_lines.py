"""Lines of their own for each machine, and known answers given as labels, on the pages and in what is taken away."""

import json
import shlex

import pandas as pd
import pytest

from engine import GIVEN, Label, give_labels
from engine.file_tasks import run_export
from engine.reporting.labels_given import labels_given, labels_of
from engine.reporting.subject import Subject
from engine.scoring.thresholds import Percentile
from tests.engine.test_group_lines import machines
from tests.pages.conftest import metrics, sound, texts, titles, turn_to
from tests.pages.prepared import _Quiet, brought, judged
from ui import server


@pytest.fixture
def machine(space, tmp_path):
    """The address of judged readings of machines, one of them rough by nature; some rows are labelled."""
    data = brought(space, machines(), "machines.csv", tmp_path, machine="entity")
    address = judged(space, data, "machines", detector="neighbours")
    order = space.results.load(address["result"]).order
    said = dict.fromkeys(order[:6].tolist(), Label(verdict="anomaly"))
    said |= dict.fromkeys(order[[6, 7, 8, *range(-20, 0)]].tolist(), Label(verdict="normal"))
    give_labels(server.labels(), data, said, act="before", who="ada")
    return address


def test_the_switch_gives_each_machine_its_own_line_on_every_page(open_page, machine, space):
    at = open_page("results", **machine)
    sound(at.toggle(key="own-lines").set_value(True).run())
    assert at.query_params["lines"] in ("own", ["own"])
    assert "2 groups have lines of their own, by 'machine'" in texts(at)
    table = next(found.value for found in at.dataframe if "Severity" in found.value)
    shares = table["machine"].value_counts()
    assert 20 <= shares["calm"] <= 40
    assert 20 <= shares["rough"] <= 40
    flagged = metrics(at)["Flagged"]
    line = next(found.value for found in at.code if found.language == "bash")
    assert shlex.split(line)[-3:] == ["--rule", "percentile=95", "--per-entity"]

    turn_to(sound(at), "evaluate")
    assert "lies at the common threshold" in texts(at)
    assert f"Flags {flagged} of 1,200 rows here" in texts(at)
    assert "No known answers" not in titles(at), "without a label column the labels given are"
    assert "Labels given in Loupe: 6 anomalies, 23 normal" in texts(at)
    assert "because they looked unusual, not by lot" in texts(at)
    assert metrics(at)["Base rate"] == "20.69 %"
    data = space.datasets.get(machine["data"])
    give_labels(server.labels(), data, {600: Label(verdict="unsure")}, act="m", who="b")
    sound(at.selectbox(key="rule-kind").set_value("budget").run())
    assert at.toggle(key="own-lines").disabled
    assert "1 not sure, which count for neither" in texts(at), "newer labels count at once"


def test_files_and_reports_have_the_same_lines_and_the_labels_given(machine, space):
    found, rule, job = space.results.load(machine["result"]), Percentile(95.0), _Quiet()
    job.directory = space.root
    spec = {"dataset": machine["data"], "result": machine["result"], "rule": "x", "threshold": 0.0}
    places = {"workspace": str(space.root), "models": str(space.models_root), "name": "o.parquet"}
    path = run_export({**places, **spec, "own_lines": rule.as_dict()}, job)["path"]
    given = labels_of(space, machine["data"])
    subject = Subject.of(space, found, rule, 0.0, own_lines=True, given=given)
    assert pd.read_parquet(path)["is_anomaly"].tolist() == subject.judgement.flags.tolist()
    above = subject.level > subject.judgement.threshold
    assert above.tolist() == subject.judgement.flags.tolist(), "what is measured is what is flagged"
    facts, caution = labels_given(subject)
    assert facts.facts["Labels given in Loupe"] == "6 anomalies, 23 normal"
    assert facts.facts["Precision so far"].startswith("67 %: 6 of 9 labelled flags")
    assert "not by lot" in caution.text


def test_where_there_are_both_one_is_chosen_for_every_page(open_page, addresses, space):
    data = space.datasets.get(addresses["pumps"]["data"])
    said = {row: Label(verdict="anomaly" if row > 394 else "normal") for row in range(385, 400)}
    give_labels(server.labels(), data, said, act="a", who="ada")
    at = open_page("evaluate", **addresses["pumps"])
    assert "Labels from 'faulty'" in texts(at)
    sound(at.segmented_control(key="answers-source").set_value("given").run())
    assert "Labels given in Loupe: 5 anomalies, 10 normal; 'faulty' is left aside" in texts(at)
    assert GIVEN not in json.dumps(dict(at.query_params))
