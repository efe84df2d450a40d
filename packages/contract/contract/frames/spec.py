"""What a frame is: the shape that a network sees, and how a manifest says so. Needs nothing.

frame.py makes frames; whoever only reads them (the trainer) need not install what decodes pictures.
"""

from __future__ import annotations

from typing import Final

__all__ = ["BYTES", "CHANNELS", "HEIGHT", "SHAPE", "SPEC", "WIDTH"]

HEIGHT: Final = 128
WIDTH: Final = 128
CHANNELS: Final = 3
SHAPE: Final = (HEIGHT, WIDTH, CHANNELS)
BYTES: Final = HEIGHT * WIDTH * CHANNELS

# What a model's manifest says of the frames that it was trained on. Any change of frame.prepare
# that changes pixels changes this, and so refuses models and stores made before.
SPEC: Final[dict[str, object]] = {
    "height": HEIGHT,
    "width": WIDTH,
    "channels": CHANNELS,
    "dtype": "uint8",
    "color": "rgb",
    "resize": "linear",
}
