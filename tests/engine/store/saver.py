"""A process that writes to a store and says aloud what it does, so that it can be killed at any moment.

    python saver.py churn ROOT SEED     save, promote and delete until killed
    python saver.py burst ROOT COUNT    save a number of versions of one name, then leave

It prints `begin <verb>` before and `ack <verb> <version> <digest of the parts>` after each step.
"""

import hashlib
import random
import sys
from pathlib import Path

from engine.store import ModelStore

NAME = "pump"
PART_BYTES = 500_000
FILLER = random.Random(0).randbytes(PART_BYTES)
KEPT = 4  # versions that churning leaves, so that checking them stays quick


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def content(mark: str, size: int) -> dict[str, bytes]:
    """Parts that belong together: each begins with the same mark."""
    return {f"{name}.safetensors": mark.encode() + FILLER[:size] for name in ("arrays", "reference")}


def digest(parts: dict[str, bytes]) -> str:
    return hashlib.sha256(b"".join(parts[name] for name in sorted(parts))).hexdigest()


def save(store: ModelStore, mark: str, size: int) -> None:
    parts = content(mark, size)
    say("begin", "save")
    ref = store.save(NAME, {"mark": mark}, parts)
    say("ack", "save", ref.version, digest(parts))


def churn(store: ModelStore, seed: str) -> None:
    rng = random.Random(seed)
    for step in range(10_000):
        save(store, f"{seed}-{step};", PART_BYTES)
        numbers = sorted(card["version"] for card in store.versions(NAME))
        if rng.random() < 0.3:
            chosen = rng.choice(numbers)
            say("begin", "promote", chosen)
            store.promote(f"{NAME}@{chosen}")
            say("ack", "promote", chosen)
        for number in numbers[:-KEPT]:
            say("begin", "delete", number)
            store.delete(f"{NAME}@{number}")
            say("ack", "delete", number)


def burst(store: ModelStore, count: int) -> None:
    for step in range(count):
        save(store, f"{step};", 2000)


if __name__ == "__main__":
    verb, root, argument = sys.argv[1:]
    if verb == "churn":
        churn(ModelStore(Path(root)), argument)
    else:
        burst(ModelStore(Path(root)), int(argument))
