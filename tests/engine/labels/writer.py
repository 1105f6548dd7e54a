"""A process that labels rows, one act each: says what it begins and what the ledger has acknowledged."""

import sys

from engine.labels.ledger import LabelLedger
from engine.labels.verdicts import Label


def main(url, writer, first, last):
    ledger = LabelLedger(url)
    for row in range(int(first), int(last)):
        label = {row: Label(verdict="anomaly" if row % 2 else "normal", note=f"said by {writer}")}
        print("begun", row, flush=True)
        ledger.add(f"{writer}-{row}", label, who=writer, dataset="d")
        print("saved", row, flush=True)
        if row % 3 == 0:  # as if the answer had been lost
            ledger.add(f"{writer}-{row}", label, who=writer, dataset="d")
    ledger.close()


main(*sys.argv[1:])
