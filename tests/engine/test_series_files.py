"""A series on disk: in the order of time whatever the order of the table, entity by entity, and read once."""

import numpy as np
import pandas as pd
import pytest

from engine.data.dataset import DatasetStore
from engine.series_files import NOBODY, SeriesFiles

ROWS = 400


def fleet():
    """Two machines read by the minute with a gap; shuffled; one reading has no time, one no machine."""
    rng = np.random.default_rng(4)
    minute = np.arange(ROWS // 2) + 60 * (np.arange(ROWS // 2) >= 150)
    frame = pd.DataFrame(
        {
            "at": pd.Timestamp("2024-05-06") + pd.to_timedelta(np.tile(minute, 2), unit="min"),
            "machine": np.repeat(["west", "east"], ROWS // 2),
            "load": rng.normal(size=ROWS).round(6),
            "count": rng.integers(0, 9, ROWS),
        }
    )
    frame = frame.sample(frac=1, random_state=0, ignore_index=True)
    frame.loc[3, "at"] = pd.NaT
    frame.loc[5, "machine"] = None
    frame.loc[8, "load"] = np.nan
    return frame


@pytest.fixture
def bring(tmp_path):
    def bring(frame):
        frame.to_parquet(tmp_path / "brought.parquet")
        return DatasetStore(tmp_path / "datasets").add(tmp_path / "brought.parquet", "brought.parquet")

    return bring


def test_readings_stand_by_machine_and_time_and_lead_back_to_their_rows(bring):
    frame = fleet()
    found = SeriesFiles.of(bring(frame), "at", "machine")
    assert found.entities == (NOBODY, "east", "west")
    assert (len(found), found.clock, found.step_seconds, found.named) == (ROWS - 1, True, 60.0, True)
    assert found.part(NOBODY) == slice(0, 1)
    for name in ("east", "west"):
        part = found.part(name)
        expected = frame[frame["machine"] == name].dropna(subset="at").sort_values("at")
        assert [found.row(place) for place in range(part.start, part.stop)] == expected.index.tolist()
        np.testing.assert_array_equal(found.channel("load")[part], expected["load"])
        np.testing.assert_array_equal(found.channel("count")[part], expected["count"])
        np.testing.assert_array_equal(found.written(found.seconds[part]), expected["at"])
        assert {found.entity_at(part.start), found.entity_at(part.stop - 1)} == {name}
        assert np.diff(found.segments[part]).sum() == 1, "one gap"
    numbers = np.arange(ROWS)
    np.testing.assert_array_equal(found.arranged(numbers)[found.places(np.array([17, 5]))], [17, 5])
    assert found.places(np.array([3])).tolist() == [-1], "a row without a time stands nowhere"


def test_a_table_in_the_order_of_time_is_not_written_down_again(bring):
    frame = fleet().dropna().sort_values("at").query("machine == 'east'")
    frame = pd.concat([frame, frame.iloc[:1].assign(at=pd.NaT)], ignore_index=True)
    found = SeriesFiles.of(bring(frame), "at", None)
    assert (found.order, found.entities, found.named, found.several) == (None, ("",), False, False)
    assert not (found.folder / "order.npy").exists()
    np.testing.assert_array_equal(found.arranged(np.arange(len(frame))), np.arange(len(found)))
    np.testing.assert_array_equal(found.arranged(np.arange(len(frame)), slice(3, 6)), [3, 4, 5])
    assert found.row(7) == 7
    assert found.places(np.array([0, len(frame) - 1])).tolist() == [0, -1]


def test_a_window_holds_the_readings_from_a_moment_to_another(bring):
    found = SeriesFiles.of(bring(fleet()), "at", "machine")
    first = found.seconds[found.part("west").start]
    part = found.between("west", first + 60, first + 180)
    assert found.part("west").start <= part.start < part.stop <= found.part("west").stop
    seconds = found.seconds[part]
    assert seconds[0] >= first + 60
    assert seconds[-1] <= first + 180
    assert found.between("west", first - 900, first - 600) == slice(part.start - 1, part.start - 1)


def test_what_was_laid_out_is_opened_and_neither_ordered_nor_read_again(bring, monkeypatch):
    dataset = bring(fleet())
    first = SeriesFiles.of(dataset, "at", "machine")
    values = first.channel("load").copy()
    monkeypatch.setattr(type(dataset), "frame", lambda *_: pytest.fail("the table was read again"))
    again = SeriesFiles.of(dataset, "at", "machine")
    np.testing.assert_array_equal(again.channel("load"), values)
    with pytest.raises(ValueError, match="read-only"):
        again.channel("load")[0] = 1.0


def test_other_columns_of_time_or_entity_are_laid_out_apart(bring):
    dataset = bring(fleet())
    alone, together = SeriesFiles.of(dataset, "at", "machine"), SeriesFiles.of(dataset, "at", None)
    assert alone.folder != together.folder
    assert len(together.entities) == 1
    assert not list((alone.folder.parent / ".staging").iterdir()), "nothing is left of the making"


def test_steps_are_times_too_and_a_series_without_any_time_is_empty(bring):
    frame = fleet()
    frame["t"] = np.arange(ROWS)[::-1]
    steps = SeriesFiles.of(bring(frame), "t", None)
    assert not steps.clock
    assert steps.written(steps.seconds[:3]).tolist() == [0.0, 1.0, 2.0]
    assert steps.row(0) == ROWS - 1
    frame["t"] = np.full(ROWS, np.nan)
    frame.loc[0, "t"] = 1.0
    assert len(SeriesFiles.of(bring(frame), "t", None)) == 1
    assert len(SeriesFiles.of(bring(frame.iloc[1:]), "t", None)) == 0
