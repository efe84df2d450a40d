"""The layers of a version's network, as a table: architecture.json.

    [{"name": "conv_1", "kind": "Conv2D", "detail": "5 x 5, stride 2", "activation": "elu",
      "output_shape": [35, 62, 24], "parameters": 1824}, ...]

For people who read of a network; what computes it is in model.h5. One of the version's own files,
so the manifest has its digest; versions of earlier releases have none. Needs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

__all__ = ["FILE", "Layer", "write"]

FILE: Final = "architecture.json"


@dataclass(frozen=True)
class Layer:
    """One layer of a network, in the order of computing."""

    name: str
    kind: str
    """As Keras calls it: Conv2D, Dense, ..."""
    detail: str
    """What else it was made with, in a few words; "" where nothing is to be said."""
    activation: str
    """"" where it has none, or the linear one."""
    output_shape: tuple[int, ...]
    """Of one sample: height, width, channels, or units."""
    parameters: int


def write(path: Path, layers: Sequence[Layer]) -> None:
    """Write the table into a version that is yet to be published."""
    path.write_text(
        json.dumps([asdict(each) for each in layers], indent=1) + "\n", encoding="utf-8"
    )
