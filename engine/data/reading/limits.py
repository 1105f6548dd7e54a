"""How much a file may hold before it is refused: the figures that keep one upload from taking the machine."""

from __future__ import annotations

MB = 1 << 20

MAX_BYTES = 200 * MB  # a file as it arrives
MAX_JSON_BYTES = 50 * MB  # JSON takes 7.5 times its size in memory, CSV only 1.9 times
MAX_CELLS = 50_000_000  # rows x columns of one table
MAX_COLUMNS = 5_000
MAX_INFLATED = 600 * MB  # what a compressed file may become
MAX_RATIO = 100  # inflated / packed; honest spreadsheets reach 24, honest CSV 50
RATIO_COUNTS_FROM = 8 * MB  # small parts may shrink as they like
MAX_PARTS = 2_000  # entries in a zip container
MAX_TEXT_BYTES = 1_000 * MB  # text of a Parquet file once its dictionaries are written out

CHILD_MEMORY = 6_000 * MB
CHILD_FILE_SIZE = 2_000 * MB
CHILD_CPU_SECONDS = 150
CHILD_WALL_SECONDS = 180.0
