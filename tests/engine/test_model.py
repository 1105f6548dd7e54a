"""A model on disk is the model in memory; a damaged one is refused in words and crashes nothing."""

import json
import warnings
from functools import cache

import numpy as np
import pytest

from engine.analysis import drift_of
from engine.arrays import pack, unpack
from engine.detectors import CATALOGUE
from engine.detectors.isolation_forest import SIMILAR
from engine.errors import EngineError, StoreError
from engine.model import Card, Model, load_fingerprint, load_recipe
from engine.store import ModelStore
from tests.engine.checks import SEQUENTIAL

DETECTOR, RECIPE = "detector.safetensors", "recipe.json"


@pytest.fixture
def store(tmp_path):
    return ModelStore(tmp_path / "models")


@pytest.fixture(scope="module")
def data_of(table, series):
    """The data set that a detector of the catalogue is for."""
    return lambda detector: series if detector in SEQUENTIAL else table


@pytest.fixture(scope="module")
def sound(tmp_path_factory, data_of, model_of):
    """Card and parts of a sound model, as a store holds them."""
    store = ModelStore(tmp_path_factory.mktemp("sound"))

    @cache
    def of(detector):
        ref = model_of(detector, data_of(detector)).save(store).id
        card = {k: v for k, v in store.card(ref).items() if k not in ("name", "version", "created", "parts")}
        return card, store.parts(ref)

    return of


@pytest.fixture
def saved(store, sound):
    """Save a model, changed by the test, and give back its id."""

    def save(detector, *, arrays=None, recipe=None, card=None):
        kept, parts = (dict(each) for each in sound(detector))
        kept |= card or {}
        if arrays:
            parts[DETECTOR] = pack(unpack(parts[DETECTOR]) | arrays)
        if recipe:
            parts[RECIPE] = recipe(parts[RECIPE])
        return str(store.save("model", kept, parts))

    return save


def arrays_of(detector, table, model_of):
    return {name: array.copy() for name, array in model_of(detector, table).detector.arrays().items()}


def read(store, ref):
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # numpy may warn about a number that cannot be; the refusal is what counts
        return Model.load(store, ref)


def read_or_refusal(store, ref):
    try:
        return read(store, ref), ""
    except StoreError as problem:
        return None, str(problem)


def refused(store, ref):
    with pytest.raises(StoreError, match="damaged") as caught:
        read(store, ref)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["table", "series"])
@pytest.mark.parametrize("detector", CATALOGUE)
def test_a_loaded_model_gives_the_same_scores_bit_for_bit(detector, kind, store, table, series, model_of):
    if kind == "table" and detector in SEQUENTIAL:
        pytest.skip("it judges readings in order")
    data = {"table": table, "series": series}[kind]
    model = model_of(detector, data)
    loaded = Model.load(store, model.save(store).id)
    before, after = model.score(data.frame), loaded.score(data.frame)
    assert before.values.tobytes() == after.values.tobytes()
    assert before.severity.tobytes() == after.severity.tobytes()
    assert loaded.card.reference == model.card.reference
    assert load_recipe(store, loaded.card.id).as_dict() == model.recipe.as_dict()


@pytest.mark.parametrize("kind", ["table", "series"])
def test_the_fingerprint_of_the_training_rows_is_stored_with_the_model(kind, store, table, series, model_of):
    model = model_of("neighbours", {"table": table, "series": series}[kind])
    loaded = Model.load(store, model.save(store).id)
    assert loaded.fingerprint.as_dict() == model.fingerprint.as_dict()
    assert list(load_fingerprint(store, "model").columns) == model.recipe.channels


def test_a_model_stored_before_drift_was_measured_still_judges_and_says_so(saved, store, sound, table):
    card, parts = sound("neighbours")
    parts = {name: part for name, part in parts.items() if name != "fingerprint.json"}
    old = Model.load(store, store.save("old", card, parts))
    prepared = old.encode(table.frame)
    drift = drift_of(old, prepared, old.judge(prepared))
    assert drift.verdict == "not measured"
    assert "this model was stored before drift was measured" in drift.sentence
    assert load_fingerprint(store, "old") is None


def test_a_damaged_fingerprint_is_refused_in_words(store, sound):
    card, parts = sound("neighbours")
    ref = str(store.save("odd", card, {**parts, "fingerprint.json": b'{"rows": 3, "columns": {"a": 1}}'}))
    refused(store, ref)
    with pytest.raises(StoreError, match="the fingerprint of model 'odd@1' is damaged"):
        load_fingerprint(store, ref)


def test_saving_again_makes_the_next_version_which_is_the_active_one(store, table, model_of):
    model = model_of("neighbours", table)
    assert [model.save(store).id for _ in range(3)] == ["model@1", "model@2", "model@3"]
    assert Model.load(store, "model").card.version == 3
    assert Model.load(store, "model@1").card.version == 1


def test_an_unchanged_model_passes_the_means_of_this_file(saved, store, data_of, model_of):
    for detector in CATALOGUE:
        loaded, data = Model.load(store, saved(detector)), data_of(detector)
        before = model_of(detector, data).score(data.frame).values
        np.testing.assert_array_equal(loaded.score(data.frame).values, before)


def changed(name, change):
    return pytest.param(name, change, id=f"{name}: {change.__name__}")


def far_child(a):
    a[0] = 10**9


def itself_as_child(a):
    a[0] = 0


def a_cycle(a):
    a[np.flatnonzero(a > 0)[3]] = 1


def two_parents(a):
    inner = np.flatnonzero(a > 0)
    a[inner[2]] = a[inner[1]]


def below_leaf(a):
    a[-1] = -2


def not_a_number(a):
    a[0] = np.nan


def infinite(a):
    a[0] = np.inf


def minus_five(a):
    a[0] = -5


def ninety_nine(a):
    a[0] = 99


def nothing_seen(a):
    a[0] = 0


def one_more(a):
    a[0] += 1


@pytest.mark.parametrize(
    ("name", "change"),
    [
        *[
            changed("left_child", c)
            for c in (far_child, itself_as_child, a_cycle, two_parents, below_leaf, minus_five)
        ],
        *[changed("right_child", c) for c in (far_child, itself_as_child, below_leaf)],
        *[changed("feature", c) for c in (minus_five, ninety_nine)],
        *[changed("threshold", c) for c in (not_a_number, infinite)],
        changed("n_node_samples", nothing_seen),
        *[changed("node_count", c) for c in (one_more, minus_five)],
        *[changed("columns", c) for c in (minus_five, ninety_nine)],
        changed("expected_path_length", not_a_number),
    ],
)
def test_a_forest_with_a_broken_link_is_refused(name, change, saved, store, table, model_of):
    arrays = arrays_of("isolation_forest", table, model_of)
    change(arrays[name] if arrays[name].ndim == 1 else arrays[name][0])
    refused(store, saved("isolation_forest", arrays={name: arrays[name]}))


def test_a_tree_that_is_one_leaf_with_a_link_to_nowhere_is_refused(saved, store, table, model_of):
    whole = arrays_of("isolation_forest", table, model_of)
    one = {name: whole[name][:1] for name in whole if name not in ("columns", "expected_path_length")}
    one |= {"node_count": np.array([1]), "columns": whole["columns"][:1]}
    one |= {"left_child": np.array([-2]), "right_child": np.array([-2])}
    refused(store, saved("isolation_forest", arrays=one))


@pytest.mark.parametrize("detector", CATALOGUE)
def test_arrays_of_any_wrong_shape_kind_or_number_are_refused_or_harmless(
    detector, saved, store, data_of, model_of
):
    data = data_of(detector)
    frame = data.frame.iloc[: 200 if detector in SEQUENTIAL else 50]
    before = model_of(detector, data).score(frame).values.tobytes()
    whole = arrays_of(detector, data, model_of)
    every = -(-len(whole) // 20)  # of a network's many weights, all checked alike, some
    for name, array in list(whole.items())[::every]:
        for wrong in (
            array[:-1],
            array[..., None],
            array.reshape(-1)[:0],
            np.array(1.0),
            array.astype(np.float64) * np.nan,
        ):
            loaded, refusal = read_or_refusal(store, saved(detector, arrays={name: wrong}))
            if loaded:
                assert loaded.score(frame).values.tobytes() == before
            else:
                assert "damaged" in refusal


@pytest.mark.parametrize("detector", CATALOGUE)
def test_a_missing_array_is_refused(detector, store, sound, data_of, model_of):
    arrays = arrays_of(detector, data_of(detector), model_of)
    card, parts = sound(detector)
    optional = (
        {SIMILAR} if detector == "isolation_forest" else set()
    )  # forests stored before had no such rows
    for name in arrays.keys() - optional:
        fewer = pack({other: array for other, array in arrays.items() if other != name})
        assert name in refused(store, store.save("model", card, parts | {DETECTOR: fewer}))


@pytest.mark.parametrize("detector", CATALOGUE)
def test_a_recipe_for_other_columns_is_refused(detector, saved, store):
    def one_column_less(recipe):
        values = json.loads(recipe)
        values["encoder"]["codes"].pop()
        return json.dumps(values).encode()

    refused(store, saved(detector, recipe=one_column_less))


@pytest.mark.parametrize("recipe", [b"{}", b"[]", b"null", b"{", b'{"roles": 1}', b"\xff"])
def test_a_recipe_that_is_none_is_refused(recipe, saved, store):
    refused(store, saved("neighbours", recipe=lambda before: recipe))


@pytest.mark.parametrize(
    "lost", ["detector", "hyperparameters", "columns", "threshold", "reference", "rule", "judged"]
)
def test_a_card_without_what_a_model_needs_is_incomplete(lost, table, model_of, store):
    card = store.card(model_of("neighbours", table).save(store).id)
    with pytest.raises(StoreError, match=f"the card of model 'model' is incomplete .*'{lost}'"):
        Card.from_dict({key: value for key, value in card.items() if key != lost})


@pytest.mark.parametrize(
    "reference", [[], [1.0] * 2_000, [*range(2_000), 5], [float("nan")] * 2_001, [[1.0]] * 2_001]
)
def test_reference_scores_out_of_order_are_refused(reference, table, model_of, store):
    card = store.card(model_of("neighbours", table).save(store).id)
    with pytest.raises(StoreError, match="reference scores are not in order"):
        Card.from_dict(card | {"reference": reference})


@pytest.mark.parametrize(
    "change", [{"detector": "magic"}, {"hyperparameters": {"magic": 1}}, {"hyperparameters": []}]
)
def test_a_card_that_asks_for_what_does_not_exist_is_refused(change, saved, store):
    with pytest.raises(EngineError):
        Model.load(store, saved("neighbours", card=change))


def test_unknown_keys_of_a_newer_card_are_passed_over(saved, store):
    assert Model.load(store, saved("neighbours", card={"colour": "blue"})).card.detector == "neighbours"


WHOLE = {"epoch": 1, "train_loss": 0.5, "validation_loss": 0.5}


@pytest.mark.parametrize(
    "history",
    [
        "rubbish",
        [1],
        [{"epoch": 1}],
        [WHOLE | {"train_loss": None}],
        [WHOLE | {"map_loss": "much"}],
    ],
)
def test_losses_that_are_no_numbers_are_refused_in_words(store, saved, history):
    ref = saved("isolation_forest", card={"history": history})
    with pytest.raises(StoreError, match="its losses are not numbers"):
        Card.from_dict(store.card(ref))
