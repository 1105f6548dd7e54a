"""A training run in YAML: each key checked, each mistake answered in a sentence."""

import re
from dataclasses import dataclass, fields

import pytest

from engine.config import TrainConfig
from engine.config_template import CONFIG_FOLDER, configurations, template, write_configurations
from engine.detectors import CATALOGUE, IsolationForest
from engine.errors import UsageError
from engine.hyperparameters import checked, declared, hyperparameter


def loaded(tmp_path, text):
    path = tmp_path / "run.yaml"
    path.write_text(text, "utf-8")
    return TrainConfig.load(path)


def test_what_is_left_out_has_its_default(tmp_path):
    assert loaded(tmp_path, "detector: neighbours\nwindow:\n") == TrainConfig(detector="neighbours")


def test_a_full_file_is_read(tmp_path):
    config = loaded(
        tmp_path,
        "detector: one_class_svm\nname: pump\nlabel: Größe\ntime: t\nentity: machine\nignore: [a, b]\n"
        "scaling: robust\nwindow: 24\nfirst: 500\nhyperparameters:\n  nu: 0.2\n",
    )
    assert (config.name, config.label, config.ignore, config.window) == ("pump", "Größe", ["a", "b"], 24)
    assert (config.first, config.hyperparameters) == (500, {"nu": 0.2})


def test_columns_to_ignore_may_stand_in_one_line(tmp_path):
    assert loaded(tmp_path, "ignore: a, b ,c").ignore == ["a", "b", "c"]


def test_a_bare_number_is_a_name_where_a_name_is_meant(tmp_path):
    config = loaded(tmp_path, "name: 2024\nlabel: 3\nignore: [1, 2]\n")
    assert (config.name, config.label, config.ignore) == ("2024", "3", ["1", "2"])


@pytest.mark.parametrize(
    "text",
    [
        "threshold_percentile: 98",
        "hyperparameters: {threshold_percentile: 98}",
        "hyperparameters: {contamination: 0.02}",
        "threshold_percentile: 98\nhyperparameters: {contamination: 0.02}",
        "threshold_percentile: 98\nhyperparameters: {threshold_percentile: 98.0}",
    ],
)
def test_a_percentile_is_another_way_to_say_the_share_of_anomalies(tmp_path, text):
    assert loaded(tmp_path, text).hyperparameters == {"contamination": 0.02}


def test_options_taken_later_win_over_the_file(tmp_path):
    config = loaded(tmp_path, "scaling: robust\nhyperparameters: {contamination: 0.1, nu: 0.2}")
    config.tune({"threshold_percentile": "95", "scaling": "none"})
    assert (config.hyperparameters, config.scaling) == ({"contamination": 0.05, "nu": 0.2}, "none")


def test_scaling_may_stand_among_the_hyperparameters_and_the_detector_be_called_model_type(tmp_path):
    config = loaded(
        tmp_path, "model_type: one_class_svm\nhyperparameters:\n  scaling: minmax\n  nu: 0.2\n  gamma:\n"
    )
    assert config == TrainConfig(detector="one_class_svm", scaling="minmax", hyperparameters={"nu": 0.2})


def test_what_was_chosen_can_be_told_from_what_was_left_out(tmp_path):
    config = loaded(tmp_path, "label: is_fraud\nhyperparameters: {nu: 0.2}")
    assert config.given() == {
        "detector": "isolation_forest",
        "label": "is_fraud",
        "scaling": "standard",
        "hyperparameters": {"nu": 0.2},
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("n_estimators: 10", "'n_estimators' is a hyperparameter; indent it under 'hyperparameters:'"),
        ("threshold_percentil: 95", "did you mean 'threshold_percentile'"),
        (
            "threshold_percentile: high",
            "threshold_percentile must be a number between 50 and 99.99, got 'high'",
        ),
        (
            "threshold_percentile: 0.95",
            "threshold_percentile must be a number between 50 and 99.99, got '0.95'",
        ),
        (
            "threshold_percentile: 95\nhyperparameters: {contamination: 0.1}",
            "threshold_percentile 95 flags a share of 0.05, and contamination says 0.1; leave one of them out",
        ),
        (
            "threshold_percentile: 95\nhyperparameters: {contamination: some}",
            "threshold_percentile 95 flags a share of 0.05, and contamination says some",
        ),
        (
            "threshold_percentile: 95\nhyperparameters: {threshold_percentile: 98}",
            "threshold_percentile is said twice, as '98' and as '95'",
        ),
        (
            "scaling: robust\nhyperparameters: {scaling: none}",
            "scaling is said twice, as 'robust' and as 'none'",
        ),
        ("detector: neighbours\nmodel_type: one_class_svm", "detector is said twice, as 'neighbours'"),
        ("hyperparameters: {scaling: [a]}", "scaling must be one value, got"),
        ("detektor: x", "'detektor' is not a key of a configuration; did you mean 'detector'"),
        ("- a\n- b", "must hold 'key: value' lines"),
        ("", "must hold 'key: value' lines"),
        ("a: [1", "is not valid YAML"),
        ("hyperparameters: [1]", "hyperparameters must be 'key: value' lines"),
        ("window: wide", "window must be a whole number of readings, got 'wide'"),
        ("window: 2.5", "window must be a whole number of readings, got '2.5'"),
        ("window: true", "window must be a whole number of readings, got 'True'"),
        ("first: some", "first must be a whole number of rows, got 'some'"),
        ("detector: [a]", "detector must be one value, got"),
        ("label: {a: 1}", "label must be one value, got"),
        ("ignore: {a: 1}", "ignore must be a list of columns, got"),
        ("!!python/object/apply:os.system ['true']", "is not valid YAML"),
    ],
)
def test_a_mistake_is_answered_in_a_sentence(tmp_path, text, words):
    with pytest.raises(UsageError, match="(?s)" + words):
        loaded(tmp_path, text)


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"the configuration '.*none\.yaml' cannot be read"):
        TrainConfig.load(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="is not valid YAML"):
        TrainConfig.load(tmp_path / "bytes.yaml")


# ---- the template, and the files of configs/


def uncommented(text):
    """A template in which every choice left open is made."""
    return re.sub(r"^( *)#(?=[a-z_]+: )", r"\1", text, flags=re.M)


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_template_is_a_training_with_every_default(tmp_path, name):
    config = loaded(tmp_path, template(name))
    kind = CATALOGUE[name]
    assert checked(kind, config.hyperparameters) == checked(kind, {})
    assert set(config.hyperparameters) == {n for n, knob in declared(kind).items() if not knob.advanced}
    assert TrainConfig(detector=name, hyperparameters=config.hyperparameters) == config


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_template_holds_every_key_and_explains_every_hyperparameter(tmp_path, name):
    config = loaded(tmp_path, uncommented(template(name)))
    kind = CATALOGUE[name]
    apart = {"window"} if kind.sequential else set()
    apart |= set() if kind.learns_from_labels else {"learn_from_label", "labels"}
    apart |= set() if kind.names_classes else {"classes", "encoder"}
    assert set(config.given()) == {field.name for field in fields(TrainConfig)} - apart
    assert checked(CATALOGUE[name], config.hyperparameters) == checked(CATALOGUE[name], {})
    assert (
        list(config.hyperparameters)[-1]
        == [n for n, k in declared(CATALOGUE[name]).items() if k.advanced][-1]
    )
    words = " ".join(re.findall(r"^ *# (.*)$", template(name), flags=re.M))
    assert all(knob.help in words for knob in declared(CATALOGUE[name]).values())


def test_a_list_of_numbers_is_a_list_in_a_template(tmp_path, monkeypatch):
    @dataclass(kw_only=True, eq=False, repr=False)
    class Layered(IsolationForest):
        layers: tuple[int, ...] = hyperparameter((64, 32, 16), "Widths.", low=1, high=1024)

    monkeypatch.setitem(CATALOGUE, Layered.name, Layered)
    assert "  layers: [64, 32, 16]\n" in template(Layered.name)
    config = loaded(tmp_path, template(Layered.name))
    assert checked(Layered, config.hyperparameters)["layers"] == (64, 32, 16)


def test_every_line_of_a_template_is_short_enough_to_read():
    assert max(len(line) for name in CATALOGUE for line in template(name).splitlines()) <= 110


@pytest.mark.parametrize("name", configurations())
def test_a_written_configuration_equals_the_shipped_one_byte_for_byte(name):
    assert configurations()[name].encode() == (CONFIG_FOLDER / name).read_bytes()


def test_every_detector_has_a_configuration_that_loads():
    configs = {path.name: TrainConfig.load(path) for path in sorted(CONFIG_FOLDER.glob("*.yaml"))}
    of_catalogue = [config for config in configs.values() if config.detector in CATALOGUE]
    assert sorted(config.detector for config in of_catalogue) == sorted(CATALOGUE)
    for config in of_catalogue:
        assert checked(CATALOGUE[config.detector], config.hyperparameters)
    assert configs["knn_lof.yaml"].hyperparameters["mode"] == "lof"


def test_writing_the_configurations_leaves_the_finished_files_and_nothing_else(tmp_path):
    paths = write_configurations(tmp_path / "new")
    assert sorted(paths) == sorted((tmp_path / "new").iterdir())
    assert [path.name for path in paths] == list(configurations())
