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
from typing import Any, Final

from contract.errors import ModelError

__all__ = ["FILE", "Layer", "write"]

FILE: Final = "architecture.json"
MAX_BYTES: Final = 16 << 20
"""A larger table is not read."""


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


def read(path: Path) -> tuple[Layer, ...] | None:
    """Read the table of a version; return None if there is no such file.

    Raises:
        ModelError: the file is not such a table.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"{path.stat().st_size:,} bytes; at most {MAX_BYTES:,} are read")
        entries = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(entries, list):
            raise ValueError(f"{entries!r:.80} instead of a list")
        return tuple(_layer(entry) for entry in entries)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(
            f"{path.name} of the version is not a table of layers",
            got=f"{type(error).__name__}: {error}",
            remedy="lapwing train and lapwing import-model make versions with such a table",
        ) from error


def _layer(entry: dict[str, Any]) -> Layer:
    texts = [entry[key] for key in ("name", "kind", "detail", "activation")]
    numbers = [*entry["output_shape"], entry["parameters"]]
    if {*map(type, texts)} != {str} or {*map(type, numbers)} != {int}:
        raise ValueError(f"a layer that is {entry!r:.80}")
    return Layer(**{**entry, "output_shape": tuple(entry["output_shape"])})
