"""A model to save, and the means to damage what was saved."""

import hashlib
import json
import os
import time
from pathlib import Path

CARD = {"detector": "isolation_forest", "threshold": 0.25, "features": ["speed", "Druck"], "note": "größer"}
PARTS = {"arrays.safetensors": bytes(range(256)) * 8, "features.json": b'{"speed": [0, 1]}'}


def forge(folder: Path, **changes) -> None:
    """Change a manifest and seal it again, as somebody could who wants to deceive."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest = {key: value for key, value in {**manifest, **changes}.items() if key != "digest"}
    canonical = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    manifest["digest"] = hashlib.sha256(canonical.encode()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


def make_old(staging: Path) -> None:
    """Let what lies in staging have been there for two hours."""
    long_ago = time.time() - 7200
    for entry in staging.iterdir():
        os.utime(entry, (long_ago, long_ago))
