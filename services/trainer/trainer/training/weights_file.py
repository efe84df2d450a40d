"""A training's variables in a file: numbers under numbers, with no architecture and no code.

/network/0, 1, …      weights and the states of dropout, in Keras's order
/optimizer/0, 1, …    the optimizer's
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from contract.errors import ModelError
from trainer import safe_hdf5

Variables = Mapping[str, Sequence[Any]]
"""Keras's variables, by the group that they are in."""


def write(path: Path, variables: Variables) -> None:
    """Write all values to a new file."""
    with h5py.File(path, "w") as file:
        for group, members in variables.items():
            for number, variable in enumerate(members):
                file[f"{group}/{number}"] = np.asarray(variable.numpy())


def read(path: Path, variables: Variables) -> None:
    """Set all values from a file, once all of them are known to fit.

    Raises:
        ModelError: the file is refused, or holds other variables than these.
    """
    found = []
    with safe_hdf5.opened(path) as file:
        for group, members in variables.items():
            there = file.children(group) if file.has(group) else []
            if len(there) != len(members):
                raise _other(path, f"{len(there)} values of the {group}, not {len(members)}")
            for number, variable in enumerate(members):
                value = file.array(f"{group}/{number}")
                if value.shape != tuple(variable.shape):
                    raise _other(path, f"{variable.path} of shape {value.shape}")
                found.append((variable, value))
    for variable, value in found:
        variable.assign(value)


def _other(path: Path, got: str) -> ModelError:
    return ModelError(
        f"{path.name} was saved of another network",
        got=got,
        remedy="It was written by another release: start the training anew",
    )
