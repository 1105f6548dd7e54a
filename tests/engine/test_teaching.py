"""Classes told to a model, the encoder it starts from, and the doors by which a program asks for both."""

import numpy as np
import pandas as pd
import pytest

from engine import Model, ModelStore, Roles, load_two_stage_model, predict_anomalies, train
from engine.arrays import unpack
from engine.class_evaluation import Naming
from engine.classifying import UNLIKE, Classified
from engine.errors import DataError, SchemaError, UsageError
from engine.model import Scores
from engine.stages import compare_stages
from engine.training import checkpointed

QUICK = {"max_epochs_pretrain": 1, "max_epochs_finetune": 4, "n_layers": 1, "d_model": 16}
TRAINING = {name: value for name, value in QUICK.items() if name.startswith("max")}


def events(n=300, seed=0):
    """Two numbers, their sum and a text that follows from the first; what happened in some of the rows."""
    a, b = np.random.default_rng(seed).normal(size=(2, n))
    frame = pd.DataFrame({"a": a, "b": b, "sum": a + b, "side": np.where(a > 0, "left", "right")})
    frame["event"] = np.where(a + b > 1, "hot", np.where(b < -1, "cold", "normal"))
    return frame


def roles(frame, **given):
    return Roles({**dict.fromkeys(frame.columns, "feature"), **given})


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store with an encoder that saw no event, and a model that starts from it."""
    store, frame = ModelStore(tmp_path_factory.mktemp("models")), events()
    encoder = train(frame, roles(frame, event="ignore"), "masked_table", QUICK, name="rows")
    loaded = Model.load(store, encoder.save(store).id)
    renamed = frame.rename(columns={"b": "pressure"})
    model = train(
        renamed, roles(renamed), "masked_table", TRAINING, name="my events", classes="event", encoder=loaded
    )
    model.save(store)
    return store


def test_a_model_names_what_happened(store):
    model, chosen, names = load_two_stage_model("my events", store)
    new = events(seed=1).rename(columns={"b": "pressure"})
    predictions, targets = predict_anomalies(model, new, "event")
    assert names == ("cold", "hot", "normal")
    assert chosen["d_model"] == 16
    assert (predictions["class"] == targets).mean() > 0.8
    assert predictions["class_probability"].between(1 / 3, 1).all()
    assert list(predictions) == ["class", "class_probability", "anomaly_score", "severity"]
    np.testing.assert_array_equal(predictions["anomaly_score"], model.score(new).values)


def test_predictions_without_targets_have_none(store):
    model, _, _ = load_two_stage_model("my events", store)
    new = events(20).rename(columns={"b": "pressure"})
    assert predict_anomalies(model, new)[1] is None
    with pytest.raises(SchemaError, match="there is no column 'truth' with the true classes"):
        predict_anomalies(model, new, "truth")


def test_the_card_says_where_a_model_comes_from(store):
    card = load_two_stage_model("my events", store)[0].card
    assert card.encoder == "rows@1"
    assert "started from the encoder 'rows@1', which knows 3 of 4 columns" in card.notes
    assert "learned the classes in 'event' from 300 rows; scores know nothing of them" in card.notes
    assert card.classes["names"] == ["cold", "hot", "normal"]
    assert card.labelled == 300


def test_checkpoints_of_both_stages_lie_with_the_model(store):
    kept = sorted(
        name.rsplit("_", 2)[0] for name in store.card("my events")["parts"] if name[:2] in ("pr", "fi")
    )
    assert kept == ["finetune_my-events", "fingerprint.json", "pretrain_my-events"]


def test_the_final_model_lies_there_under_its_accuracy(store):
    card = store.card("my events")
    (name,) = (name for name in card["parts"] if name.startswith("two_stage"))
    assert name == f"two_stage_model_my-events_acc_{card['classes']['accuracy']:.3f}.safetensors"
    kept = unpack(store.parts("my events@1")[name])
    whole = unpack(store.parts("my events@1")["detector.safetensors"])
    assert {key.split("/")[0] for key in kept} == {"network", "classifier", "classes"}
    assert all(np.array_equal(kept[key], whole[key]) for key in kept)


def test_a_model_without_classes_says_so(store):
    with pytest.raises(UsageError, match="'rows@1' names no classes"):
        load_two_stage_model("rows", store)


def test_the_column_of_classes_is_never_a_feature(store):
    model = load_two_stage_model("my events", store)[0]
    assert "event" not in model.recipe.encoder.columns
    assert model.card.roles["columns"]["event"] == "label"


def test_a_label_beside_the_classes_stays_the_label():
    frame = events(60).assign(bad=lambda rows: (rows["event"] != "normal").astype(int))
    model = train(frame, roles(frame, bad="label"), "masked_table", QUICK, classes="event")
    assert model.card.roles["columns"]["bad"] == "label"
    assert model.card.roles["columns"]["event"] == "ignore"
    assert not {"bad", "event"} & set(model.recipe.encoder.columns)
    assert model.card.classes["column"] == "event"
    named = Naming.of(model, model.encode(frame), frame, learned=True)
    assert named.lesson.column == "event"
    assert named.kept(model.score(frame)).column == "event"
    elsewhere = Naming.of(model, model.encode(frame), frame, learned=False, label="bad")
    assert elsewhere.lesson.column == "event"
    assert Naming.of(model, model.encode(frame), frame, learned=False).lesson is None, "no answers are known"
    renamed = frame.rename(columns={"event": "truth"})
    assert (
        Naming.of(model, model.encode(renamed), renamed, learned=False, label="truth").lesson.column
        == "truth"
    )
    del model.card.classes["column"]  # as in a card of before
    assert Naming.of(model, model.encode(frame), frame, learned=True).lesson is None


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        (
            {"detector": "neighbours", "classes": "event"},
            "learns no classes; choose a detector that does: masked_table",
        ),
        ({"classes": "what"}, "there is no column 'what' to learn classes from"),
        ({"encoder": "rows", "hyperparameters": {"d_model": 64}}, "was trained with d_model 16"),
    ],
)
def test_what_cannot_be_taught_is_refused(store, choices, said):
    frame = events(40)
    encoder = Model.load(store, choices["encoder"]) if "encoder" in choices else None
    with pytest.raises(UsageError, match=said):
        train(
            frame,
            roles(frame),
            choices.get("detector", "masked_table"),
            choices.get("hyperparameters"),
            classes=choices.get("classes"),
            encoder=encoder,
        )


def test_an_encoder_of_other_columns_alone_is_refused(store):
    other = events(40).rename(columns=str.upper)
    with pytest.raises(SchemaError, match="'rows@1' and this data have no column in common; it knows 'a'"):
        train(other, roles(other), "masked_table", encoder=Model.load(store, "rows"))


def test_classes_that_are_nowhere_filled_in_are_refused():
    frame = events(40).assign(event=None)
    with pytest.raises(DataError, match="'event' holds no class to learn"):
        train(frame, roles(frame), "masked_table", QUICK, classes="event")


def test_a_very_unusual_row_without_a_likely_class_is_like_none():
    named = Classified(
        names=("x", "y"), probabilities=np.array([[0.6, 0.4], [0.9, 0.1], [0.6, 0.4], [np.nan] * 2])
    )
    severity = np.array([99.9, 99.9, 50.0, np.nan])
    scores = Scores(values=severity, severity=severity, obstacles={3: "empty"})
    assert named.said(scores).tolist() == [UNLIKE, "x", "x", ""]


def test_a_training_killed_in_its_second_stage_goes_on_from_there(tmp_path):
    frame, path = events(120), tmp_path / "training.safetensors"

    def trained(record, checkpoint):
        with checkpointed(checkpoint, record) as course:
            return train(frame, roles(frame), "masked_table", QUICK, classes="event", course=course)

    def killing(**values):
        if values["stage"] == 2 and values["epoch"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(killing, path)
    assert sorted(kept.stem for kept in tmp_path.iterdir()) == ["training-finetune", "training-pretrain"]
    whole = trained(lambda **values: None, tmp_path / "other.safetensors")
    again = trained(lambda **values: None, path)
    assert not list(tmp_path.iterdir())
    X = whole.encode(frame).encoded.values
    np.testing.assert_array_equal(
        again.detector.class_probabilities(X), whole.detector.class_probabilities(X)
    )


def test_stages_are_compared_on_the_same_rows_beside_plain_classifiers():
    frame = events(200)
    frame.loc[:19, ["a", "b", "sum"]] = np.nan  # rows that only plain classifiers judge
    found = compare_stages(frame, roles(frame), "event", QUICK, labels=0.5)
    assert [each.title for each in found] == [
        "two stages",
        "one stage",
        "HistGradientBoosting",
        "logistic regression",
    ]
    assert len({each.figures.confusion.sum() for each in found}) == 1
    assert [len(each.history) for each in found] == [5, 4, 0, 0]
    assert all(each.figures.macro_f1 > 0.4 for each in found)
    assert found[0].as_dict()["classes"][0]["average_precision"] > 0.5


def test_a_class_of_one_row_cannot_be_compared():
    frame = events(40)
    frame.loc[0, "event"] = "flood"
    with pytest.raises(DataError, match="'flood' has one"):
        compare_stages(frame, roles(frame), "event", QUICK)
