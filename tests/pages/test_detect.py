"""Train a detector, or judge with a model trained before."""

from dataclasses import dataclass

import pytest

from engine import CATALOGUE, declared
from engine.detectors import IsolationForest
from engine.hyperparameters import hyperparameter
from tests.pages.conftest import button, charts, metrics, sound, texts, titles, turn_to, wait_for
from tests.pages.prepared import brought, pumps, rhythm, sample
from ui import server


@pytest.fixture
def pump_data(space, tmp_path):
    return brought(space, pumps(), "pumps.csv", tmp_path)


def go_to_results(at):
    """Wait for the end of the job and take the way to its result."""
    wait_for(at, lambda at: [found for found in at.button if found.label == "See the results"])
    sound(button(at, "See the results").click().run())
    assert at.title[0].value == "Results"


def test_without_data_the_page_leads_to_data(open_page):
    at = open_page("detect")
    assert titles(at) == ["No data yet"]
    sound(button(at, "Bring data").click().run())
    assert at.title[0].value == "Find what does not belong"


@pytest.mark.parametrize("name", [name for name, kind in CATALOGUE.items() if not kind.sequential])
def test_every_detector_offers_the_hyperparameters_it_declares(open_page, pump_data, name):
    at = open_page("detect", data=pump_data.id)
    sound(at.segmented_control(key="detector").set_value(name).run())
    knobs = declared(CATALOGUE[name])
    shown = [*at.number_input, *at.selectbox, *at.toggle, *at.text_input, *at.multiselect]
    assert {found.key for found in shown} >= {f"{name}-{knob}" for knob in knobs}
    assert CATALOGUE[name].summary in texts(at)


def test_a_list_of_numbers_is_asked_for_as_a_text_and_a_wrong_one_is_refused_in_words(
    open_page, pump_data, monkeypatch
):
    @dataclass(kw_only=True, eq=False, repr=False)
    class Layered(IsolationForest):
        layers: tuple[int, ...] = hyperparameter((64, 32, 16), "Widths.", low=1, high=1024)

    monkeypatch.setitem(CATALOGUE, Layered.name, Layered)
    at = open_page("detect", data=pump_data.id)
    field = at.text_input(key="isolation_forest-layers")
    assert field.value == "64, 32, 16"
    field.set_value("64, wide")
    sound(button(at, "Train").click().run())
    assert "1 to 8 whole numbers" in at.error[0].value
    assert "'wide'" in at.error[0].value
    assert not at.progress


def test_training_runs_as_a_job_and_leads_to_its_result(open_page, pump_data, space):
    at = open_page("detect", data=pump_data.id)
    at.number_input(key="isolation_forest-n_estimators").set_value(20)
    sound(button(at, "Train").click().run())
    go_to_results(at)
    assert metrics(at)["Flagged"] == "20"  # 5 % of 400
    assert space.models.card("pumps")["hyperparameters"]["n_estimators"] == 20


def test_a_training_that_cannot_be_done_says_why(open_page, space, tmp_path):
    frame = pumps()[["pump_no", "site"]].assign(site="Oslo")
    data = brought(space, frame, "same.csv", tmp_path, site="feature", pump_no="id")
    at = open_page("detect", data=data.id)
    sound(button(at, "Train").click().run())
    wait_for(at, lambda at: at.error)
    assert "failed" in at.error[0].value
    assert "incident" not in at.error[0].value


def test_a_name_no_model_can_have_is_refused_in_words(open_page, pump_data):
    at = open_page("detect", data=pump_data.id)
    at.text_input(key=f"name-{pump_data.id}").set_value("../../etc")
    sound(button(at, "Train").click().run())
    assert "name" in at.error[0].value
    assert not at.progress


def test_a_trained_model_judges_other_data_with_the_same_columns(open_page, addresses, space, tmp_path):
    data = brought(space, pumps(200), "more.csv", tmp_path)
    at = open_page("detect", data=data.id)
    sound(at.button(key="score-pumps@1").click().run())
    go_to_results(at)
    found = space.results.load(at.session_state["loupe"].result)
    assert (found.model, found.dataset) == ("pumps@1", data.id)


def test_a_model_of_another_schema_says_what_is_missing_and_a_mapping_makes_it_fit(
    open_page, addresses, space, tmp_path
):
    data = brought(space, pumps(200).rename(columns={"flow": "Flow"}), "renamed.csv", tmp_path)
    at = open_page("detect", data=data.id)
    assert at.button(key="score-pumps@1").disabled
    assert "column 'flow' (perhaps 'Flow'?) missing" in texts(at)
    assert "'current'" in texts(at)  # the model of the two sensors misses all of its columns
    assert at.selectbox(key="map-pumps@1-flow").value == "Flow"
    form = next(
        b for b in at.button if b.label == "Judge with these columns" and "map-pumps@1" in b.proto.form_id
    )
    sound(form.click().run())
    go_to_results(at)
    assert "'flow' is read from 'Flow'" in texts(at)


def test_the_result_of_a_training_belongs_to_its_own_data(open_page, addresses, pump_data, space, tmp_path):
    """Turning to other data while a job runs must not put its result beside the wrong table."""
    at = open_page("detect", data=pump_data.id)
    sound(button(at, "Train").click().run())
    other = brought(space, pumps(100), "other.csv", tmp_path)
    at.session_state["loupe"].open_dataset(other.id)
    turn_to(at, "detect")
    wait_for(at, lambda at: not at.progress)
    current = sound(at.run()).session_state["loupe"]
    assert current.result is None or space.results.load(current.result).dataset == current.dataset


def test_a_model_of_this_very_file_is_ready_at_a_click(open_page, addresses, space, tmp_path):
    data = sample(space, "card_transactions.csv")
    at = open_page("detect", data=data.id)
    (ready,) = (found for found in at.button if found.key and found.key.startswith("ready-"))
    assert ready.label == "Judge"
    assert "has learned from this very file" in texts(at)
    sound(ready.click().run())
    go_to_results(at)
    assert space.results.load(at.session_state["loupe"].result).dataset == data.id


def test_data_that_its_model_has_judged_already_is_not_offered_it_again(open_page, addresses):
    at = open_page("detect", data=addresses["pumps"]["data"])
    assert not [found for found in at.button if found.key and found.key.startswith("ready-")]


def test_the_model_everybody_is_to_use_comes_first_and_says_so(
    open_page, addresses, space, tmp_path, monkeypatch
):
    monkeypatch.setenv("LOUPE_ACTIVE_MODEL", "unlabelled@1")
    data = brought(space, pumps(90), "some.csv", tmp_path)
    at = open_page("detect", data=data.id)
    assert "is the model to use here" in texts(at)
    offers = [found.key for found in at.button if found.key and found.key.startswith("score-")]
    assert offers[0] == "score-unlabelled@1"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("nobody", "The model set for everybody cannot be used: there is no model 'nobody'"),
        ("rhythm", "The model set for everybody, 'rhythm@1', does not fit: columns"),
        ("rhythm@x", "a model's version must be a number"),
    ],
)
def test_a_model_to_use_that_cannot_be_used_is_said_plainly(
    wanted, said, open_page, addresses, space, tmp_path, monkeypatch
):
    monkeypatch.setenv("LOUPE_ACTIVE_MODEL", wanted)
    at = open_page("detect", data=brought(space, pumps(90), "some.csv", tmp_path).id)
    assert said in at.info[0].value.replace("\\", "")
    assert not at.button(key="score-pumps@1").disabled


def test_data_that_moved_is_said_beside_the_model_before_it_judges(open_page, addresses, space, tmp_path):
    frame = pumps(90)
    data = brought(space, frame.assign(heat=frame["heat"] + 40), "hot.csv", tmp_path)
    at = open_page("detect", data=data.id)
    assert "At a glance, moved away from training: 'heat'." in texts(at)


# ---- a detector that learns in epochs

LONG = 10_000  # epochs; the training is stopped long before


@pytest.fixture
def many(space, tmp_path):
    return brought(space, pumps(600), "many.csv", tmp_path, pump_no="id")


def begin_learning(open_page, data, epochs):
    """Start a training that learns in epochs; the page and the job's number."""
    at = open_page("detect", data=data.id)
    sound(at.segmented_control(key="detector").set_value("autoencoder").run())
    at.number_input(key="autoencoder-epochs").set_value(epochs)
    at.number_input(key="autoencoder-early_stopping_patience").set_value(epochs)
    sound(button(at, "Train").click().run())
    return at, at.session_state["loupe"].watched


def test_the_page_recommends_by_the_shape_of_the_data_and_begins_with_the_fast_one(
    open_page, pump_data, many
):
    for data, title in ((pump_data, "Isolation Forest"), (many, "AutoEncoder")):
        at = open_page("detect", data=data.id)
        assert at.segmented_control(key="detector").value == next(iter(CATALOGUE))
        assert f"Recommended for this data is {title}: " in texts(at)
        assert ("badge[recommended]" in texts(at)) == (title == "Isolation Forest")
    sound(at.segmented_control(key="detector").set_value("autoencoder").run())
    assert "badge[recommended]" in texts(at)


def test_the_curves_of_a_training_are_seen_while_it_learns_and_after_it_has(open_page, pump_data):
    at, _ = begin_learning(open_page, pump_data, 3)
    wait_for(at, lambda at: [found for found in at.button if found.label == "See the results"])
    assert charts(at) == 1
    go_to_results(at)


def test_a_training_that_was_cancelled_goes_on_where_it_was(open_page, many, space):
    at, first = begin_learning(open_page, many, LONG)
    wait_for(at, lambda at: charts(at) == 1 and len(server.jobs().records(first)) >= 3)
    assert any("of 10000" in found.text for found in at.progress)
    sound(at.button(key=f"stop-{first}").click().run())
    wait_for(at, lambda at: "was cancelled" in texts(at))
    done = len(server.jobs().records(first))
    assert f"what it learned up to epoch {done} is kept for two weeks" in texts(at)
    assert charts(at) == 1
    reloaded = open_page("detect", data=many.id)
    reloaded.session_state["loupe"].stranger = at.session_state["loupe"].stranger
    assert f"up to epoch {done}" in texts(sound(reloaded.run()))  # also after a reload
    sound(button(at, f"Train again from epoch {done}").click().run())
    second = at.session_state["loupe"].watched
    assert second != first
    wait_for(at, lambda at: len(server.jobs().records(second)) > done)
    assert server.jobs().records(second)[:done] == server.jobs().records(first)
    server.jobs().cancel(second)


def test_a_training_that_kept_nothing_can_be_asked_for_again(open_page, pump_data):
    at = open_page("detect", data=pump_data.id)
    at.number_input(key="isolation_forest-n_estimators").set_value(2_000)
    sound(button(at, "Train").click().run())
    server.jobs().cancel(at.session_state["loupe"].watched)
    wait_for(at, lambda at: "was cancelled; nothing was kept" in texts(at))
    assert button(at, "Train again")


def test_a_training_the_server_left_behind_offers_to_go_on(open_page, many):
    at, first = begin_learning(open_page, many, LONG)
    wait_for(at, lambda at: len(server.jobs().records(first)) >= 2)
    server.close()  # and with the next look another begins
    at.session_state["loupe"].watched = None
    wait_for(at, lambda at: "the server stopped while this ran" in texts(at))
    assert f"Train again from epoch {len(server.jobs().records(first))}" in [b.label for b in at.button]


def test_a_series_begins_with_nearest_windows_which_are_not_offered_for_a_table(
    open_page, space, pump_data, tmp_path
):
    series = brought(space, rhythm(), "rhythm.csv", tmp_path)
    at = open_page("detect", data=series.id)
    assert at.segmented_control(key="detector").value == "nearest_windows"
    assert "Recommended for this data is Nearest Windows: " in texts(at)
    assert {found.key for found in at.text_input} >= {"nearest_windows-lengths"}
    assert "window" not in {found.key for found in at.number_input}
    sound(at.segmented_control(key="detector").set_value("isolation_forest").run())
    assert "window" in {found.key for found in at.number_input}
    at = open_page("detect", data=pump_data.id)
    assert "Nearest Windows" not in str(at.segmented_control(key="detector").options)


def test_a_series_may_be_left_to_the_program(open_page, space, tmp_path):
    data = brought(space, rhythm(), "rhythm.csv", tmp_path)
    at = open_page("detect", data=data.id)
    sound(at.segmented_control(key="detector").set_value("auto").run())
    assert "No label is looked at" in texts(at)
    sound(button(at, "Train").click().run())
    go_to_results(at)
    card = space.models.card("rhythm")
    assert CATALOGUE[card["detector"]].sequential
    assert "was chosen" in card["notes"][0]


def test_a_table_is_not_left_to_the_program(open_page, pump_data):
    at = open_page("detect", data=pump_data.id)
    assert "auto" not in at.segmented_control(key="detector").options


def test_a_detector_that_learns_from_labels_asks_whether_it_may(open_page, space, tmp_path):
    data = brought(space, rhythm(), "rhythm.csv", tmp_path)
    at = open_page("detect", data=data.id)
    asking = next(name for name, kind in CATALOGUE.items() if kind.learns_from_labels)
    sound(at.segmented_control(key="detector").set_value(asking).run())
    assert "'anomaly' is kept aside" in texts(at)
    sound(at.toggle(key="learn-from-label").set_value(True).run())
    assert "kept aside" not in texts(at)
