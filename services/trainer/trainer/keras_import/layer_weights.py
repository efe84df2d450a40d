"""Finds the weights of each layer in an HDF5 file, which has one of two layouts.

Keras 1 and 2, and the .h5 files of Keras 3, list the layers and their weights by name. A
.weights.h5, alone or in a .keras file, numbers the layers of each class in the order of the model
instead (conv2d, conv2d_1, ...), whatever their names are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from contract.errors import ModelError
from trainer.keras_import.topology import LayerSpec
from trainer.safe_hdf5 import Hdf5File

ROOT: Final = "model_weights"
"""Group of the weights in a file that holds a whole model by name."""
CONTAINERS: Final = (
    "layers",
    "_layer_checkpoint_dependencies",
    "layers\\",
    "_layer_checkpoint_dependencies\\",
)
"""Groups of the layers in a numbered file; Keras 2.12 wrote the second, on Windows the others."""
MAX_PARTS: Final = 64
"""Maximum number of attributes over which one list of names is split."""
WEIGHTED: Final = frozenset(
    {
        "Conv2D",
        "Convolution2D",
        "Dense",
        "BatchNormalization",
        "BatchNormalizationV1",
        "LapwingSqueezeExcitation",
    }
)
"""The supported layers that have weights."""
_IN_ORDER: Final = (
    "the layers have other names in the file of the weights: the weights were taken in order, "
    "as Keras does"
)

Arrays = list[npt.NDArray[np.generic]]


@dataclass(frozen=True)
class LayerWeights:
    """Knows which datasets of a file belong to which layer; `find` makes it."""

    file: Hdf5File
    datasets: Mapping[str, Sequence[str]]
    """The full names of a layer's datasets in Keras's order, by the name of the layer."""
    notes: tuple[str, ...] = ()
    """Sentences on what was assumed."""

    def arrays(self, layer: LayerSpec) -> Arrays:
        """Read the weights of a layer; a layer that has none in the file gets an empty list."""
        return [self.file.array(name) for name in self.datasets.get(layer.name, ())]


def find(file: Hdf5File, layers: Sequence[LayerSpec], paired: bool) -> LayerWeights:
    """Find the weights of all layers of a model.

    Args:
        file: the open file of the weights.
        layers: all layers of the model, in the order of its architecture.
        paired: whether the architecture comes from another file, so that names may differ.

    Raises:
        ModelError: the file and the architecture do not fit together.
    """
    named = _named(file)
    if named is not None:
        return _match_names(file, named, layers) if paired else LayerWeights(file, named)
    for container in CONTAINERS:
        prefix = container if container.endswith("\\") else f"{container}/"
        if any(name.startswith(prefix) for name in file.names()):
            return _numbered(file, prefix, layers, paired)
    raise ModelError(
        "the weights are not in a layout of Keras",
        got=file.children("")[:10] or "an empty file",
        remedy="Save the model again with Keras's model.save",
    )


def _named(file: Hdf5File) -> dict[str, list[str]] | None:
    """Return the datasets of each layer in a file by name; None if it has no such list."""
    root = ROOT if file.has(ROOT) else ""
    layers = _names(file, root, "layer_names")
    if layers is None:
        return None
    datasets = {}
    for layer in layers:
        group = f"{root}/{layer}" if root else layer
        if file.has(group):
            weights = _names(file, group, "weight_names") or ()
            datasets[layer] = [f"{group}/{weight}" for weight in weights]
    return datasets


def _names(file: Hdf5File, group: str, attribute: str) -> tuple[str, ...] | None:
    """Return a list of names, which Keras splits where an attribute would exceed 64 kB."""
    names = file.text(group, attribute)
    if names is not None:
        return (names,) if isinstance(names, str) else names
    parts: list[str] = []
    number = 0
    while number < MAX_PARTS and (part := file.text(group, f"{attribute}{number}")) is not None:
        parts += [part] if isinstance(part, str) else part
        number += 1
    return tuple(parts) if number else None


def _match_names(
    file: Hdf5File, named: Mapping[str, Sequence[str]], layers: Sequence[LayerSpec]
) -> LayerWeights:
    """Give the weights to the layers of an architecture from another file.

    Keras loads such weights in their order, whatever the names are. So names count only where
    they stand in the same order.
    """
    in_file = [name for name, datasets in named.items() if datasets]
    in_order = [layer.name for layer in layers if layer.name in in_file]
    if in_order == in_file:
        return LayerWeights(file, named)
    weighted = [layer for layer in layers if layer.class_name in WEIGHTED]
    if len(weighted) != len(in_file):
        raise ModelError(
            "the weights do not belong to this architecture",
            got=f"weights for {len(in_file)} layers ({', '.join(in_file[:6])}), "
            f"an architecture with {len(weighted)} ({', '.join(map(str, weighted[:6]))})",
            remedy="Name the two files that the author saved together",
        )
    datasets = {layer.name: named[name] for layer, name in zip(weighted, in_file, strict=True)}
    return LayerWeights(file, datasets, (_IN_ORDER,))


def _numbered(
    file: Hdf5File, prefix: str, layers: Sequence[LayerSpec], paired: bool
) -> LayerWeights:
    """Find the weights in a numbered file, whose groups of layers begin with a prefix.

    The n-th group of a class belongs to the n-th layer of that class. Newer files also tell the
    name of the layer, which must be the same in one file.
    """
    by_class: dict[str, list[tuple[int, str]]] = {}
    names = {name.removeprefix(prefix).partition("/")[0] for name in file.names(prefix)}
    for name in names:
        if _variables(file, f"{prefix}{name}/vars"):
            match = re.fullmatch(r"(.+?)(?:_(\d+))?", name)
            stem, number = (match[1], int(match[2] or 0)) if match else (name, 0)
            by_class.setdefault(stem, []).append((number, f"{prefix}{name}/vars"))
    datasets: dict[str, Sequence[str]] = {}
    others: list[str] = []
    for stem, groups in by_class.items():
        owners = [layer for layer in layers if snake_case(layer.class_name) == stem]
        if len(owners) != len(groups):
            named = ", ".join(f"{layer.name} ({layer.class_name})" for layer in owners[:6])
            raise ModelError(
                f"the weights of the layers {named or stem} cannot be told apart",
                got=f"{len(groups)} in the file, {len(owners)} in the architecture",
                remedy="Name the two files that the author saved together"
                if paired
                else "Save the model again with Keras's model.save",
            )
        for layer, (_, group) in zip(owners, sorted(groups), strict=True):
            if (stored := file.text(group, "name")) not in (None, layer.name):
                others.append(f"{group}: {stored}, not {layer.name}")
            datasets[layer.name] = _variables(file, group)
    if others and not paired:
        raise ModelError(
            "the weights are not those of the layers in the architecture",
            got="; ".join(sorted(others)[:3]),
            remedy="Save the model again with Keras's model.save",
        )
    return LayerWeights(file, datasets, (_IN_ORDER,) if others else ())


def _variables(file: Hdf5File, group: str) -> list[str]:
    """Return the datasets 0, 1, ... of a group in their order."""
    children = file.children(group) if file.has(group) else []
    return [f"{group}/{name}" for name in sorted((c for c in children if c.isdecimal()), key=int)]


def snake_case(class_name: str) -> str:
    """Return the name of a class as Keras writes it into files: Conv2D is conv2d, ReLU re_lu."""
    words = re.sub(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", class_name)
    return words.lower()
