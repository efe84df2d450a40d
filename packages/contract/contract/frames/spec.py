"""Defines the frame that a network is given: its shape, and its description in a manifest.

preprocess.py makes frames. Code that only reads frames, such as the trainer, imports this module
and needs no image decoder.
"""

from __future__ import annotations

from typing import Final

__all__ = ["BYTES", "CHANNELS", "HEIGHT", "SHAPE", "SPEC", "WIDTH"]

HEIGHT: Final = 128
WIDTH: Final = 128
CHANNELS: Final = 3
SHAPE: Final = (HEIGHT, WIDTH, CHANNELS)
BYTES: Final = HEIGHT * WIDTH * CHANNELS

SPEC: Final[dict[str, object]] = {
    "height": HEIGHT,
    "width": WIDTH,
    "channels": CHANNELS,
    "dtype": "uint8",
    "color": "rgb",
    "resize": "linear",
}
"""Description of the frames in the manifests of models and stores.

A change of `preprocess.prepare` that changes pixels must change this too. Then models and stores
from before the change are refused."""
