"""What inference asks of whatever computes a network; LiteRT does it (litert.py).

docs/adr/0007-inference.md tells which others were tried, and how they did.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt


class Backend(Protocol):
    """A loaded network. Not to be used by two threads at once."""

    def predict(self, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the steering, float32 (n,), of frames uint8 RGB (n, 128, 128, 3)."""


Load = Callable[[Path], Backend]
"""Loads the network of the version in a folder; raises ModelError."""
