"""Reads and writes architecture.json, the table of the layers of a version's network.

    [{"name": "conv_1", "kind": "Conv2D", "detail": "5 x 5, stride 2", "activation": "elu",
      "output_shape": [35, 62, 24], "parameters": 1824}, ...]

The table is for people who read about a network; the network itself is in model.h5. The file is one
of the version's own files, so the manifest has its digest. Versions of earlier releases have no
such file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from contract.errors import ModelError

__all__ = ["FILE", "MAX_BYTES", "Layer", "read", "write"]

FILE: Final = "architecture.json"
MAX_BYTES: Final = 16_000_000
"""Maximum size of the file; a table of ten thousand layers has about 2 MB."""


@dataclass(frozen=True)
class Layer:
    """Describes one layer of a network."""

    name: str
    """Name of the layer in the network."""
    kind: str
    """Name of the layer's class in Keras, such as Conv2D or Dense."""
    detail: str
    """Other options of the layer in a few words, or ""."""
    activation: str
    """Name of the activation function; "" if there is none or if it is linear."""
    output_shape: tuple[int, ...]
    """Shape of the output for one sample: height, width and channels, or units."""
    parameters: int
    """Number of parameters of the layer."""


def write(path: Path, layers: Sequence[Layer]) -> None:
    """Write the table of a version that is not published yet.

    Args:
        path: path of the file.
        layers: the layers in the order in which the network computes them.
    """
    document = [asdict(layer) for layer in layers]
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> list[Layer] | None:
    """Return the layers of a version in the order of computing, or None if it has no table.

    Raises:
        ModelError: the file is not a table of layers.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"{path.stat().st_size:,} bytes; the maximum is {MAX_BYTES:,}")
        return [_layer(entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(
            f"{path.name} of the version is not a table of layers",
            got=f"{type(error).__name__}: {error}",
            remedy="Train or import again",
        ) from error


def _layer(entry: Any) -> Layer:  # noqa: ANN401 - any JSON document
    texts = tuple(entry[key] for key in ("name", "kind", "detail", "activation"))
    shape, parameters = entry["output_shape"], entry["parameters"]
    if not all(type(text) is str for text in texts):
        raise ValueError(f"a layer whose texts are {texts!r:.80}")
    if type(shape) is not list or {*map(type, (*shape, parameters))} != {int}:
        raise ValueError(f"a layer of the shape {shape!r:.40} with {parameters!r:.40} parameters")
    name, kind, detail, activation = texts
    return Layer(name, kind, detail, activation, tuple(shape), parameters)
