"""The window around a reading: in the units of the table, at its own times, kept and read back."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from engine.analysis import train
from engine.arrays import pack, unpack
from engine.data.roles import Roles
from engine.errors import StoreError
from engine.window_view import WindowView, window_view

ROLES = Roles({"at": "time", "power": "feature", "heat": "feature"}, kind="series")
START = pd.Timestamp("2024-05-06")
SMALL = {"num_epochs": 1, "d_model": 16, "nhead": 2, "num_encoder_layers": 1, "num_teacher_decoder_layers": 1}


def readings(n=1_200, seed=0):
    """A reading a minute: power around 500 and heat around 20, with a rhythm of 40."""
    rng, t = np.random.default_rng(seed), np.arange(n)
    return pd.DataFrame(
        {
            "at": START + pd.to_timedelta(t, unit="min"),
            "power": 500 + 40 * np.sin(t / 6.4) + 4 * rng.normal(size=n),
            "heat": 20 + np.cos(t / 6.4) + 0.1 * rng.normal(size=n),
        }
    )


def seconds(frame):
    return frame["at"].to_numpy().astype("datetime64[us]").astype(np.int64) / 1e6


@pytest.fixture(scope="module")
def model():
    return train(readings(), ROLES, "nearest_windows")


@pytest.fixture(scope="module")
def network():
    return train(readings(500), ROLES, "masked_series", SMALL)


@pytest.fixture(scope="module")
def strange():
    frame = readings(400, seed=1)
    frame.loc[200:210, "heat"] += 3
    return frame


def looked(model, frame, row, mapping=None):
    return window_view(model, model.encode(frame, mapping), row, mapping)


def test_readings_have_the_units_and_times_of_the_table_and_the_worst_channel_comes_first(model, strange):
    view = looked(model, strange, 205)
    first = int(np.flatnonzero(seconds(strange) == view.seconds[0])[0])
    here = slice(first, first + len(view.seconds))
    assert first + view.at == 205
    np.testing.assert_array_equal(view.seconds, seconds(strange)[here])
    np.testing.assert_allclose(view.values, strange[["heat", "power"]].to_numpy()[here], rtol=1e-9)
    assert view.channels == ["heat", "power"]
    assert view.shares[0] > 0.8
    assert view.shares.sum() == pytest.approx(1)
    assert view.rebuilt is None


def test_the_normal_window_has_the_units_of_the_table_and_no_time_where_its_readings_are_not_there(
    model, strange
):
    normal = looked(model, strange, 205).normal
    assert 18 < normal.values[:, 0].min() < normal.values[:, 0].max() < 24
    assert 400 < normal.values[:, 1].min() < normal.values[:, 1].max() < 600
    assert normal.ratio > 1.5
    assert normal.percentile == 100
    assert normal.parts[0] > 0.8
    assert np.isnan(normal.origin)


def test_a_normal_window_of_the_series_itself_says_when_it_began(model):
    frame = readings()
    view = looked(model, frame, 600)
    begin = int(np.flatnonzero(seconds(frame) == view.normal.origin)[0])
    assert abs(begin - (600 - view.at + view.normal.begin)) >= len(view.normal.values)
    if view.normal.view == "raw":
        own = frame[view.channels].to_numpy()[begin : begin + len(view.normal.values)]
        np.testing.assert_allclose(view.normal.values, own, rtol=1e-5)


@pytest.mark.slow
def test_a_network_says_in_the_units_of_the_table_what_it_rebuilt(network, strange):
    view = looked(network, strange, 205)
    rebuilt = view.rebuilt
    length = rebuilt.masks.shape[1]
    power = view.channels.index("power")
    assert 300 < rebuilt.teacher[:, power].min() < rebuilt.teacher[:, power].max() < 700
    assert (rebuilt.masks.sum(axis=0) == 1).all()
    for part in (rebuilt.teacher, rebuilt.student, rebuilt.error, rebuilt.discrepancy):
        assert part.shape == (length, 2)
        assert np.isfinite(part).all()
    own = view.values[rebuilt.begin : rebuilt.begin + length]
    sizes = np.abs(rebuilt.teacher - own) / own.std(axis=0)
    np.testing.assert_allclose(rebuilt.error, sizes, rtol=0.05, atol=1e-3)
    assert view.normal is not None


@pytest.mark.slow
def test_what_is_never_hidden_is_not_said_to_be_rebuilt(strange):
    last = {**SMALL, "mask": "last", "mask_last_n": 10, "score": "discrepancy"}
    view = looked(train(readings(300), ROLES, "masked_series", last), strange, 205)
    assert 0 < view.rebuilt.masks.sum() < view.rebuilt.masks.shape[1]
    for part in (view.rebuilt.teacher, view.rebuilt.student, view.rebuilt.error, view.rebuilt.discrepancy):
        assert np.isfinite(part).all(axis=1).tolist() == view.rebuilt.masks[0].tolist()
    assert view.normal is None


def test_channels_have_the_names_of_the_data(model, strange):
    renamed = strange.rename(columns={"heat": "warmth", "at": "when"})
    view = looked(model, renamed, 205, {"heat": "warmth", "at": "when"})
    assert view.channels == ["warmth", "power"]


def test_a_filled_pause_has_times_of_its_own_and_a_gap_is_not_crossed(model, strange):
    frame = strange.drop(index=[202, 203, *range(230, 260)]).reset_index(drop=True)
    row = int(np.flatnonzero(frame["at"] == strange["at"][205])[0])
    view = looked(model, frame, row)
    assert view.seconds[view.at] == seconds(strange)[205]
    np.testing.assert_array_equal(np.diff(view.seconds), 60)
    assert view.seconds[-1] <= seconds(strange)[229]
    at = np.searchsorted(view.seconds, seconds(strange)[[201, 202, 203, 204]])
    np.testing.assert_allclose(np.diff(view.values[at, 0], n=2), 0, atol=1e-9)


def test_readings_at_uneven_times_stand_at_even_ones_close_to_their_rows():
    rng, n = np.random.default_rng(5), 1_500
    t = np.cumsum(rng.uniform(20, 100, n))
    frame = readings(n).assign(at=START + pd.to_timedelta(t, unit="s"))
    model = train(frame, ROLES, "nearest_windows")
    view = looked(model, frame, 700)
    step = model.recipe.pace.step_seconds
    np.testing.assert_allclose(np.diff(view.seconds), step, rtol=1e-6)
    assert abs(view.seconds[view.at] - seconds(frame)[700]) <= step


def test_rows_judged_by_themselves_and_rows_not_judged_have_no_window(model, strange):
    frame = strange.copy()
    frame.loc[100, ["power", "heat"]] = np.nan
    assert looked(model, frame, 100) is None
    assert looked(train(readings(), ROLES, "isolation_forest", {"n_estimators": 5}), strange, 205) is None


# ---- kept


def same(a, b):
    return a.as_bytes() == b.as_bytes()


@pytest.mark.slow
def test_a_view_is_read_back_as_it_was(model, network, strange):
    whole = looked(network, strange, 205)
    for view in (whole, looked(model, strange, 205), replace(whole, rebuilt=None, normal=None)):
        again = WindowView.from_bytes(view.as_bytes())
        assert same(again, view)
        assert (again.channels, again.at) == (view.channels, view.at)
        assert (again.rebuilt is None, again.normal is None) == (view.rebuilt is None, view.normal is None)


def test_damaged_views_are_refused_in_words(model, strange):
    kept = looked(model, strange, 205).as_bytes()
    arrays = unpack(kept)
    about = json.loads(arrays["about"].tobytes())

    def with_about(**changes):
        text = json.dumps({**about, **changes}).encode()
        return pack({**arrays, "about": np.frombuffer(text, dtype=np.uint8)})

    broken = [
        b"",
        kept[:-1],
        with_about(version=0),
        with_about(at=10_000),
        with_about(stranger=1),
        with_about(**{"normal/view": "sideways"}),
        with_about(**{"normal/begin": -3}),
        pack({**arrays, "values": arrays["values"][:-1]}),
        pack({name: array for name, array in arrays.items() if name != "normal/parts"}),
    ]
    for data in broken:
        with pytest.raises(StoreError, match="damaged"):
            WindowView.from_bytes(data)
