"""Made-up data with a story: the tables behind `sample_data/`, raw vibration to go with them, and waves of any number.

Every function is seeded, returns a pandas DataFrame (or :class:`Waves`) and says in its docstring what is planted
where. `python -m engine.data.synthetic` writes the files; the same bytes come out every time.
"""

from engine.data.synthetic.access import access_events
from engine.data.synthetic.bearing import bearing_vibration, raw_snapshot, raw_snapshots, snapshot_features
from engine.data.synthetic.files import write_samples
from engine.data.synthetic.machine import machine_sensor
from engine.data.synthetic.orders import shop_orders
from engine.data.synthetic.transactions import card_transactions
from engine.data.synthetic.waves import Waves, waves

__all__ = [
    "Waves",
    "access_events",
    "bearing_vibration",
    "card_transactions",
    "machine_sensor",
    "raw_snapshot",
    "raw_snapshots",
    "shop_orders",
    "snapshot_features",
    "waves",
    "write_samples",
]
