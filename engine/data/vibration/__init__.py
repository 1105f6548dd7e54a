"""Vibration signals as a table: one row a snapshot or window, the features of every channel beside each other.

    from engine.data.vibration import Settings, snapshot_table
    table = snapshot_table(Path("run_1"), Settings(rate=20_000), baseline=20)

`measures.py` declares every feature once, with formula and unit; whoever lists or tests them reads it there.
"""

from engine.data.vibration.bearings import Bearing, fault_frequencies
from engine.data.vibration.extraction import Cut, sampling_rate, signal_table, snapshot_table
from engine.data.vibration.measures import Measure, declared, measured
from engine.data.vibration.settings import Settings
from engine.data.vibration.snapshots import holds_snapshots

__all__ = [
    "Bearing",
    "Cut",
    "Measure",
    "Settings",
    "declared",
    "fault_frequencies",
    "holds_snapshots",
    "measured",
    "sampling_rate",
    "signal_table",
    "snapshot_table",
]
