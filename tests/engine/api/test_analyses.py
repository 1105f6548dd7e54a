"""From a data set to its anomalies over HTTP: which model judges, what is reused, and every state on the way."""

import json
from dataclasses import replace

import pytest

from engine.analysis import explain_worst, train
from engine.data.roles import Roles
from engine.group_lines import judged_by_group
from engine.scoring.thresholds import AlertBudget, Percentile
from tests.engine.api.conftest import DATASETS
from tests.engine.test_group_lines import machines

STRANGE = b"colour,taste\nred,1\nblue,2\ngreen,3\n"


@pytest.fixture(scope="session")
def analyzed(real, csv, table, model_of):
    """A caller, a data set judged by the caller's own model, and the answer to ``analyze``."""
    model = model_of("isolation_forest", table)
    replace(model, card=replace(model.card, name="pumps")).save(real.space.models)
    ann = real.caller("ann")
    dataset = ann.brought(csv)
    started = ann.post(f"{DATASETS}/{dataset}/analyze")
    assert started.status_code == 202, started.text
    assert ann.ended(dataset)["status"] == "analyzed"
    return ann, dataset, started.json()


def test_an_analysis_ends_with_a_count(analyzed, table, model_of):
    ann, dataset, started = analyzed
    status = ann.status(dataset)
    model = model_of("isolation_forest", table)
    expected = int((model.score(table.frame).values > model.card.threshold).sum())
    assert (started["reused"], started["model"], started["status"]) == (False, "pumps@1", "queued")
    assert status["anomaly_count"] == expected
    assert (status["progress"], status["model"], status["session_id"]) == (
        100,
        "pumps@1",
        started["session_id"],
    )
    assert status["threshold"] == pytest.approx(model.card.threshold)


def test_the_same_analysis_is_not_run_twice(real, analyzed):
    ann, dataset, started = analyzed
    before = len(real.manager.jobs())
    again = ann.post(f"{DATASETS}/{dataset}/analyze", json={"model": "pumps"}).json()
    assert again == {**started, "reused": True, "status": "analyzed"}
    assert len(real.manager.jobs()) == before


def test_a_mapping_that_changes_nothing_is_the_same_analysis(analyzed):
    ann, dataset, started = analyzed
    mapping = {"flow_rate": "flow_rate", "no such column": "pressure"}
    again = ann.post(f"{DATASETS}/{dataset}/analyze", json={"model": "pumps", "mapping": mapping}).json()
    assert (again["reused"], again["session_id"]) == (True, started["session_id"])


def test_another_token_with_the_same_file_has_a_session_of_its_own_and_nothing_is_run(real, analyzed, csv):
    ann, dataset, started = analyzed
    eve = real.caller("eve")
    assert eve.brought(csv) == dataset
    assert eve.status(dataset)["status"] == "uploaded"
    before = len(real.manager.jobs())
    again = eve.post(f"{DATASETS}/{dataset}/analyze").json()
    assert (again["reused"], again["status"]) == (True, "analyzed")
    assert again["session_id"] != started["session_id"]
    assert eve.status(dataset)["anomaly_count"] == ann.status(dataset)["anomaly_count"]
    assert len(real.manager.jobs()) == before


def test_anomalies_come_worst_first_with_their_reasons(analyzed, table):
    ann, dataset, _ = analyzed
    page = ann.get(f"{DATASETS}/{dataset}/anomalies").json()
    scores = [each["score"] for each in page["anomalies"]]
    assert scores == sorted(scores, reverse=True)
    assert page["total"] == len(scores) == ann.status(dataset)["anomaly_count"]
    worst = page["anomalies"][0]
    assert table.labels[worst["row"]] == 1
    assert worst["values"]["flow_rate"] == pytest.approx(table.frame["flow_rate"][worst["row"]])
    assert worst["reasons"][0].keys() == {"column", "share", "how", "value", "usual", "text"}
    assert worst["severity"] > 99


def test_missing_cells_and_dates_can_be_carried_in_json(analyzed, table):
    ann, dataset, _ = analyzed
    rows = ann.get(f"{DATASETS}/{dataset}/anomalies", params={"percentile": 0, "limit": 500}).json()[
        "anomalies"
    ]
    cells = {row["row"]: row["values"] for row in rows}
    assert len(cells) == 299  # the least strange row of training is not above the lowest score
    gap = next(int(row) for row in table.frame.index[table.frame["product"].isna()] if int(row) in cells)
    assert cells[gap]["product"] is None
    assert cells[gap]["made"] == table.frame["made"][gap].isoformat()
    assert cells[gap]["night_shift"] in (True, False)


def test_anomalies_come_in_pages(analyzed):
    ann, dataset, _ = analyzed
    whole = ann.get(f"{DATASETS}/{dataset}/anomalies").json()
    first = ann.get(f"{DATASETS}/{dataset}/anomalies", params={"limit": 4}).json()
    second = ann.get(f"{DATASETS}/{dataset}/anomalies", params={"limit": 4, "offset": first["next"]}).json()
    assert first["anomalies"] + second["anomalies"] == whole["anomalies"][:8]
    assert whole["next"] is None
    assert ann.get(f"{DATASETS}/{dataset}/anomalies", params={"offset": 10**9}).json()["anomalies"] == []


def test_the_line_can_be_drawn_elsewhere_without_another_analysis(real, analyzed):
    ann, dataset, _ = analyzed
    before = len(real.manager.jobs())
    counts = [
        ann.get(f"{DATASETS}/{dataset}/anomalies", params={"percentile": p}).json()["total"]
        for p in (50, 90, 99, 100)
    ]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == 0
    line = ann.get(f"{DATASETS}/{dataset}/anomalies", params={"percentile": 90}).json()["threshold"]
    assert ann.get(f"{DATASETS}/{dataset}/anomalies", params={"threshold": line}).json()["total"] == counts[1]
    assert len(real.manager.jobs()) == before


def test_a_rule_draws_the_line_before_and_after_an_analysis(real, analyzed):
    ann, dataset, _ = analyzed
    started = ann.post(f"{DATASETS}/{dataset}/analyze", json={"rule": "budget=7"}).json()
    status = ann.status(dataset)
    assert (started["reused"], status["anomaly_count"]) == (True, 7)
    totals = {
        rule: ann.get(f"{DATASETS}/{dataset}/anomalies", params={"rule": rule}).json()["total"]
        for rule in ("budget=12", "percentile=90", "fdr", "mad=3")
    }
    assert (totals["budget=12"], totals["percentile=90"], totals["fdr"]) == (12, 30, 0)
    cost = ann.get(f"{DATASETS}/{dataset}/anomalies", params={"rule": "cost=5"})
    assert cost.status_code == 422 or cost.json()["total"] > 0
    ann.post(f"{DATASETS}/{dataset}/analyze")


def test_a_rule_that_needs_answers_takes_them_from_the_column_the_token_named(real, analyzed, csv, table):
    _, dataset, _ = analyzed
    bea = real.caller("bea of the answers")
    url = f"{DATASETS}/{dataset}/anomalies"
    assert bea.upload(csv, roles='{"label": "faulty"}').json()["id"] == dataset
    bea.post(f"{DATASETS}/{dataset}/analyze")
    faults = bea.get(url, params={"rule": "best_f1"}).json()
    assert bea.upload(csv, roles='{"label": "night_shift"}').json()["id"] == dataset
    shifts = bea.get(url, params={"rule": "best_f1"}).json()
    assert faults["total"] <= 2 * table.labels.sum() < shifts["total"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"rule": "magic"}, "there is no threshold rule 'magic'"),
        ({"rule": "fdr=2"}, "Share of flags that may be false must be"),
        ({"rule": "evt"}, "an extreme-value tail needs 50 scores"),
        ({"rule": "best_f1"}, "the rule 'best_f1' needs known answers"),
        ({"rule": "mad", "percentile": 9}, "percentile and rule both draw the line"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_before_anything_runs(real, analyzed, body, words):
    ann, dataset, _ = analyzed
    answer = ann.post(f"{DATASETS}/{dataset}/analyze", json=body)
    assert (answer.status_code, answer.json()["error"][: len(words)]) == (422, words)


def test_another_percentile_is_another_session_of_the_same_result(real, analyzed):
    ann, dataset, _ = analyzed
    started = ann.post(f"{DATASETS}/{dataset}/analyze", json={"percentile": 90}).json()
    status = ann.status(dataset)
    assert (started["reused"], status["session_id"]) == (True, started["session_id"])
    assert status["anomaly_count"] == 30
    ann.post(f"{DATASETS}/{dataset}/analyze")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"percentile": 1e300}, "'percentile' must be at most 100"),
        ({"percentile": "nan"}, "'percentile' must be"),
        ({"percentile": "high"}, "'percentile' must be a number, got high"),
        ({"threshold": "inf"}, "'threshold' must be a finite number, got inf"),
        ({"limit": 0}, "'limit' must be at least 1, got 0"),
        ({"limit": 501}, "'limit' must be at most 500, got 501"),
        ({"offset": -1}, "'offset' must be at least 0, got -1"),
        ({"offset": 10**400}, "'offset' must be at most 1000000000000, got 1000"),
        ({"percentile": 1, "threshold": 1}, "percentile and threshold both draw the line"),
    ],
)
def test_a_line_that_cannot_be_is_refused_in_words(analyzed, query, words):
    ann, dataset, _ = analyzed
    answer = ann.get(f"{DATASETS}/{dataset}/anomalies", params=query)
    assert (answer.status_code, answer.json()["error"][: len(words)]) == (422, words)


# ---- which model judges


def test_the_best_fitting_model_is_the_one_that_uses_most_columns(real, analyzed, table):
    from engine import analysis
    from engine.data.roles import Roles

    ann, dataset, _ = analyzed
    few = table.frame[["flow_rate", "pressure"]]
    analysis.train(few, Roles(dict.fromkeys(few.columns, "feature")), name="few").save(real.space.models)
    assert ann.post(f"{DATASETS}/{dataset}/analyze").json()["model"] == "pumps@1"


def test_the_active_model_of_the_settings_goes_first_if_it_fits(api, ann, csv, keep, monkeypatch):
    keep(api, name="pumps")
    keep(api, name="others")
    dataset = ann.brought(csv)
    monkeypatch.setenv("LOUPE_ACTIVE_MODEL", "pumps@1")
    assert ann.post(f"{DATASETS}/{dataset}/analyze").json()["model"] == "pumps@1"
    monkeypatch.setenv("LOUPE_ACTIVE_MODEL", "card-payments")  # fits other columns
    assert ann.post(f"{DATASETS}/{dataset}/analyze").json()["model"] == "others@1"
    monkeypatch.setenv("LOUPE_ACTIVE_MODEL", "no such model")
    assert ann.post(f"{DATASETS}/{dataset}/analyze").json()["model"] == "others@1"


@pytest.mark.slow
def test_a_detector_or_hyperparameters_narrow_the_choice(api, ann, csv, keep):
    keep(api, "isolation_forest", "forest")
    keep(api, "neighbours", "near")
    url = f"{DATASETS}/{ann.brought(csv)}/analyze"
    assert ann.post(url, json={"detector": "isolation_forest"}).json()["model"] == "forest@1"
    assert ann.post(url, json={"detector": "neighbours"}).json()["model"] == "near@1"
    none = ann.post(url, json={"detector": "isolation_forest", "hyperparameters": {"n_estimators": 7}})
    assert none.status_code == 409
    assert none.json()["error"] == "no such model is stored"


def test_without_a_fitting_model_the_answer_says_what_is_missing(api, ann, keep):
    keep(api)
    answer = ann.post(f"{DATASETS}/{ann.brought(STRANGE)}/analyze")
    assert answer.status_code == 409
    assert "no stored model fits this data set; the nearest is '" in answer.json()["error"]
    assert "train a model" in answer.json()["hint"]
    assert not api.manager.jobs()


def test_a_named_model_that_does_not_fit_says_so_and_a_mapping_helps(api, ann, csv, keep):
    keep(api)
    renamed = csv.replace(b"flow_rate", b"Durchfluss", 1)
    url = f"{DATASETS}/{ann.brought(renamed)}/analyze"
    refused = ann.post(url, json={"model": "pumps"})
    assert refused.status_code == 409
    assert "'flow_rate'" in refused.json()["error"]
    mapped = ann.post(url, json={"model": "pumps", "mapping": {"flow_rate": "Durchfluss"}})
    assert (mapped.status_code, mapped.json()["model"]) == (202, "pumps@1")


def test_a_model_is_trained_unasked_only_where_the_settings_allow_it(api, ann, monkeypatch):
    dataset = ann.brought(STRANGE, "colours.csv")
    monkeypatch.setenv("LOUPE_FALLBACK_TRAIN", "true")
    started = ann.post(f"{DATASETS}/{dataset}/analyze", json={"hyperparameters": {}}).json()
    assert (started["reused"], started["model"]) == (False, None)
    (job,) = api.manager.jobs()
    spec = api.manager.spec(job.id)
    assert (job.kind, spec["name"], spec["detector"]) == ("train", "colours", "isolation_forest")
    assert ann.post(f"{DATASETS}/{dataset}/analyze").json()["reused"] is True
    assert len(api.manager.jobs()) == 1


@pytest.mark.slow
def test_a_model_trained_instead_judges_at_once(real, analyzed, table, monkeypatch):
    ann, _, _ = analyzed
    monkeypatch.setenv("LOUPE_FALLBACK_TRAIN", "true")
    own = table.frame[["vibration", "temperature"]].rename(columns=str.upper)
    dataset = ann.brought(own.to_csv(index=False).encode(), "shaken.csv")
    ann.post(f"{DATASETS}/{dataset}/analyze", json={"percentile": 90})
    status = ann.ended(dataset)
    assert (status["status"], status["model"], status["anomaly_count"]) == ("analyzed", "shaken@1", 30)
    assert ann.get(f"{DATASETS}/{dataset}/anomalies").json()["total"] == 30
    again = ann.post(f"{DATASETS}/{dataset}/analyze", json={"percentile": 90}).json()
    assert (again["reused"], again["session_id"]) == (True, status["session_id"])


# ---- states on the way


def test_a_data_set_goes_through_its_states(api, ann, csv, keep):
    keep(api)
    dataset = ann.brought(csv)
    assert ann.status(dataset)["status"] == "uploaded"
    assert ann.get(f"{DATASETS}/{dataset}/anomalies").status_code == 409
    started = ann.post(f"{DATASETS}/{dataset}/analyze").json()
    now = ann.until(dataset, lambda status: status["progress"] > 0)
    assert (now["status"], now["progress"], now["message"]) == ("running", 25, "lingering")
    assert now["eta_seconds"] >= 0
    unfinished = ann.get(f"{DATASETS}/{dataset}/anomalies")
    assert (unfinished.status_code, "running" in unfinished.json()["error"]) == (409, True)
    running = ann.post(f"{DATASETS}/{dataset}/analyze").json()
    assert (running["reused"], running["session_id"]) == (True, started["session_id"])
    other_line = ann.post(f"{DATASETS}/{dataset}/analyze", json={"percentile": 50}).json()
    assert (other_line["reused"], len(api.manager.jobs())) == (True, 1)


def test_flags_are_there_before_their_reasons(api, ann, csv, keep, table, model_of):
    keep(api)
    dataset, model = ann.brought(csv), model_of("isolation_forest", table)
    started = ann.post(f"{DATASETS}/{dataset}/analyze").json()
    scores = model.score(table.frame)
    flagged = int((scores.values > model.card.threshold).sum())
    api.space.results.save("pumps@1", dataset, scores, None, table.frame)
    early = ann.status(dataset)
    assert (early["status"], early["anomaly_count"], early["message"]) == (
        "analyzed",
        flagged,
        "the reasons follow",
    )
    page = ann.get(f"{DATASETS}/{dataset}/anomalies").json()
    assert (page["total"], page["reasons_ready"]) == (flagged, False)
    assert [each["reasons"] for each in page["anomalies"]] == [[]] * page["total"]
    again = ann.post(f"{DATASETS}/{dataset}/analyze").json()
    assert (again["reused"], again["session_id"]) == (True, started["session_id"])
    prepared = model.encode(table.frame)
    api.space.results.save("pumps@1", dataset, scores, explain_worst(model, prepared, scores), table.frame)
    assert (ann.status(dataset)["reasons_ready"], ann.status(dataset)["message"]) == (True, "")
    worst = ann.get(f"{DATASETS}/{dataset}/anomalies").json()["anomalies"][0]
    assert worst["reasons"][0]["share"] > 0


def test_an_analysis_that_ends_before_its_reasons_says_so_and_can_be_started_again(
    api, ann, csv, keep, table, model_of
):
    keep(api)
    dataset, model = ann.brought(csv), model_of("isolation_forest", table)
    first = ann.post(f"{DATASETS}/{dataset}/analyze").json()
    api.space.results.save("pumps@1", dataset, model.score(table.frame), None, table.frame)
    (job,) = api.manager.jobs()
    ann.post(f"/api/jobs/{job.id}:cancel")
    ended = ann.until(dataset, lambda status: status["message"] != "the reasons follow")
    assert ended["message"] == "there are no reasons; analyze it again"
    again = ann.post(f"{DATASETS}/{dataset}/analyze").json()
    assert (again["reused"], again["session_id"] != first["session_id"]) == (False, True)


def test_a_cancelled_analysis_says_so_and_can_be_started_again(api, ann, csv, keep):
    keep(api)
    dataset = ann.brought(csv)
    first = ann.post(f"{DATASETS}/{dataset}/analyze").json()
    (job,) = api.manager.jobs()
    assert ann.post(f"/api/jobs/{job.id}:cancel").status_code == 200
    assert ann.ended(dataset)["status"] == "cancelled"
    assert "cancelled" in ann.get(f"{DATASETS}/{dataset}/anomalies").json()["error"]
    again = ann.post(f"{DATASETS}/{dataset}/analyze").json()
    assert again["reused"] is False
    assert again["session_id"] != first["session_id"]


def test_a_failed_analysis_gives_the_reason_and_never_a_traceback(api, ann, csv, keep):
    keep(api)
    dataset = ann.brought(csv)
    (api.space.root / "go").touch()
    ann.post(f"{DATASETS}/{dataset}/analyze")
    status = ann.ended(dataset)
    assert status["status"] == "failed"
    assert "incident" in status["message"]
    assert "a bug in the job" not in json.dumps(status)


def test_an_analysis_the_server_left_is_interrupted(serve, csv, keep):
    first = serve()
    keep(first)
    ann = first.caller("ann")
    dataset = ann.brought(csv)
    ann.post(f"{DATASETS}/{dataset}/analyze")
    ann.until(dataset, lambda status: status["status"] == "running")
    first.close()
    ann.api = serve()
    assert ann.status(dataset)["status"] == "interrupted"


@pytest.mark.slow
def test_a_full_queue_says_when_to_try_again(serve, csv, keep):
    api = serve(max_running=1, max_queued=1, max_queued_per_owner=1)
    keep(api)
    ann, ben = api.caller("ann"), api.caller("ben")
    ids = [ann.brought(csv + b"," * csv.split(b"\n")[0].count(b",") + b"\n" * n) for n in (1, 2, 3)]
    assert len(set(ids)) == 3
    ann.post(f"{DATASETS}/{ids[0]}/analyze")
    ann.until(ids[0], lambda status: status["status"] == "running")
    assert ann.post(f"{DATASETS}/{ids[1]}/analyze").json()["status"] == "queued"
    assert ann.status(ids[1])["queue_position"] == 1
    full = ann.post(f"{DATASETS}/{ids[2]}/analyze")
    assert (full.status_code, full.headers["retry-after"]) == (429, "5")
    assert full.json()["error"].startswith("1 job is waiting already")
    assert ann.status(ids[2])["status"] == "uploaded"
    assert ben.post(f"{DATASETS}/{ben.brought(csv)}/analyze").status_code == 429


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (
            {"content": b"{", "headers": {"Content-Type": "application/json"}},
            400,
            "the body is not valid JSON",
        ),
        ({"content": b"[" * 200_000, "headers": {"Content-Type": "application/json"}}, 400, ""),
        (
            {"content": b"model=pumps", "headers": {"Content-Type": "text/plain"}},
            415,
            "the body must be JSON",
        ),
        ({"json": []}, 422, "'the body' must be a JSON object"),
        ({"json": {"modle": "x"}}, 422, "'modle' is not known here"),
        ({"json": {"percentile": 101}}, 422, "'percentile' must be at most 100"),
        (
            {"json": {"percentile": "x", "mapping": {"a": 1}}},
            422,
            "'percentile' must be a number, got x; 'mapping.a'",
        ),
        ({"json": {"model": "x" * 201}}, 422, "'model' must be at most 200 characters long"),
        ({"json": {"model": "nobody"}}, 422, "there is no model 'nobody'"),
        ({"json": {"model": "../../etc"}}, 422, ""),
        ({"json": {"model": "pumps@99"}}, 422, "model 'pumps' has no version 99"),
        ({"json": {"detector": "crystal ball"}}, 422, ""),
        (
            {"json": {"detector": "isolation_forest", "hyperparameters": {"n_trees": 3}}},
            422,
            "'n_trees' is not",
        ),
        (
            {"content": b'{"percentile": NaN}', "headers": {"Content-Type": "application/json"}},
            422,
            "'percentile'",
        ),
    ],
)
def test_a_body_that_cannot_be_is_refused_in_words(analyzed, body, status, words):
    ann, dataset, _ = analyzed
    answer = ann.post(f"{DATASETS}/{dataset}/analyze", **body)
    assert (answer.status_code, answer.json()["error"][: len(words)]) == (status, words)
    assert answer.json()["hint"]


def test_each_entity_may_have_a_line_of_its_own(real):
    frame = machines()
    roles = Roles({"machine": "entity", "x": "feature", "y": "feature", "z": "feature"})
    model = train(frame, roles, "neighbours", name="machines")
    model.save(real.space.models)
    ann = real.caller("ann of the machines")
    dataset = ann.brought(frame.to_csv(index=False).encode(), "machines.csv")
    asked = {"model": "machines", "percentile": 95, "per_entity": True}
    assert ann.post(f"{DATASETS}/{dataset}/analyze", json=asked).status_code == 202
    expected = judged_by_group(model, frame, model.score(frame).values, Percentile(95.0))
    assert ann.ended(dataset)["anomaly_count"] == expected.flagged
    page = ann.get(f"{DATASETS}/{dataset}/anomalies", params={"limit": 500}).json()
    assert sorted(each["row"] for each in page["anomalies"]) == expected.flags.nonzero()[0].tolist()
    assert page["lines"] == expected.own.sentence
    one = ann.get(f"{DATASETS}/{dataset}/anomalies", params={"per_entity": False}).json()
    assert (one["total"], one["lines"]) == (60, None)
    frame.loc[frame["machine"] == "calm", "x"] += 40
    dataset = ann.brought(frame.to_csv(index=False).encode(), "broken.csv")
    asked = {"model": "machines", "rule": "fdr=0.2", "per_entity": True}
    assert ann.post(f"{DATASETS}/{dataset}/analyze", json=asked).status_code == 202
    told = ann.ended(dataset)["threshold"]
    assert told == ann.get(f"{DATASETS}/{dataset}/anomalies").json()["threshold"]
    wrong = ann.get(f"{DATASETS}/{dataset}/anomalies", params={"rule": "budget=5"})
    assert (wrong.status_code, "draws one line for all rows" in wrong.json()["error"]) == (422, True)
    budgeted = replace(model.card, name="budgeted", rule=AlertBudget(5).as_dict())
    replace(model, card=budgeted).save(real.space.models)
    own = {"model": "budgeted", "per_entity": True}
    refused = ann.post(f"{DATASETS}/{dataset}/analyze", json=own)
    assert (refused.status_code, "draws one line for all rows" in refused.text) == (422, True)
    assert ann.post(f"{DATASETS}/{dataset}/analyze", json={**own, "rule": "mad"}).status_code == 202
    opened(real, "ann of the machines", dataset, "machines@1", rule="budget=5")
    stuck = ann.status(dataset)
    assert (stuck["status"], "draws one line for all rows" in stuck["message"]) == ("failed", True)
    assert ann.get(f"{DATASETS}/{dataset}/anomalies").status_code == 422


def test_an_analysis_whose_model_came_out_without_groups_has_one_line_and_says_so(real, analyzed, csv):
    whole, dataset, _ = analyzed
    una = real.caller("una of one line")
    assert una.brought(csv) == dataset
    opened(real, "una of one line", dataset, "pumps@1", rule=None)
    said = "model 'pumps@1' keeps no reference scores by group, so one line is drawn for all rows"
    assert (una.status(dataset)["status"], una.status(dataset)["message"]) == ("analyzed", said)
    page = una.get(f"{DATASETS}/{dataset}/anomalies").json()
    assert (page["total"], page["lines"]) == (whole.status(dataset)["anomaly_count"], said)
    asked = una.get(f"{DATASETS}/{dataset}/anomalies", params={"per_entity": True})
    assert (asked.status_code, "keeps no reference scores by group" in asked.json()["error"]) == (422, True)


def opened(real, name, dataset, model, *, rule):
    """A session for lines of their own, over a result that is there, as the end of a training leaves it."""
    (token,) = (each for each in real.services.tokens.all() if each.name == name)
    result = real.space.results.id_of(model, dataset, {})
    given = {"job": None, "model": model, "result": result, "percentile": None, "threshold": None}
    real.services.sessions.open(token.id, dataset, rule=rule, per_entity=True, **given)
