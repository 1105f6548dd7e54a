"""What draws a whole specification as a picture; as a program, one picture after the other for who asks by its input.

As a program it imports nothing of the engine, so that it draws before the engine would be imported. It ends with its
input.
"""

from __future__ import annotations

import json
import sys
from typing import Any, BinaryIO

SIZE = 8  # bytes in front of an answer, which tell its length
FAILED = 2**63  # in place of a length: there is no picture, and nothing follows
TRIAL = {
    "data": {"values": [{"x": 1}]},
    "mark": "point",
    "encoding": {"x": {"field": "x", "type": "quantitative"}},
}


def paint(spec: dict[str, Any], format: str, scale: float) -> bytes:
    """The picture, ``png`` or ``svg``; nothing is fetched for it."""
    import vl_convert  # ninety megabytes that only who takes a chart away needs

    if format == "svg":
        drawn: str = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
        return drawn.encode()
    return vl_convert.vegalite_to_png(spec, scale=scale, allowed_base_urls=[])


def serve(asked: BinaryIO, answers: BinaryIO) -> None:
    """Draw what each line asks for, ``[spec, format, scale]`` as JSON: its length and the picture, or FAILED."""
    paint(TRIAL, "svg", 1.0)  # the first takes longest, and nobody waits yet
    for line in asked:
        try:
            content = paint(*json.loads(line))
        except Exception:  # whoever asked draws it again, and hears what is wrong
            answers.write(FAILED.to_bytes(SIZE, "big"))
        else:
            answers.write(len(content).to_bytes(SIZE, "big") + content)
        answers.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
