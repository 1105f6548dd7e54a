"""A training run in YAML: each key checked, each mistake answered in a sentence."""

import pytest

from engine.config import TrainConfig
from engine.errors import UsageError


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
    ("text", "words"),
    [
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
