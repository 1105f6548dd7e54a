"""`python -m engine.data.synthetic [DIR]`: write the sample files again."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from engine.data.samples import SAMPLE_FOLDER
from engine.data.synthetic.files import write_samples

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m engine.data.synthetic", description="Write the sample files."
    )
    parser.add_argument("folder", nargs="?", type=Path, default=SAMPLE_FOLDER, metavar="DIR")
    for path in write_samples(parser.parse_args().folder):
        sys.stdout.write(f"{path}  {path.stat().st_size:,} bytes\n")
