"""Saves the variables of a training in a file: numbered arrays, without architecture or code.

/network/0, 1, …      weights and the state of dropout, in Keras's order
/optimizer/0, 1, …    variables of the optimizer
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
"""Variables of Keras by group."""


def write(path: Path, variables: Variables) -> None:
    """Write all values to a new file."""
    with h5py.File(path, "w") as file:
        for group, members in variables.items():
            for number, variable in enumerate(members):
                file[f"{group}/{number}"] = np.asarray(variable.numpy())


def read(path: Path, variables: Variables) -> None:
    """Set all variables from a file, after checking that all of them fit.

    Raises:
        ModelError: the file is refused, or does not hold these variables.
    """
    values = []
    with safe_hdf5.open_hdf5(path) as file:
        for group, members in variables.items():
            names = file.children(group) if file.has(group) else []
            if len(names) != len(members):
                raise _mismatch(path, f"{len(names)} values of the {group}, not {len(members)}")
            for number, variable in enumerate(members):
                value = file.array(f"{group}/{number}")
                if value.shape != tuple(variable.shape):
                    raise _mismatch(path, f"{variable.path} of shape {value.shape}")
                values.append((variable, value))
    for variable, value in values:
        variable.assign(value)


def _mismatch(path: Path, got: str) -> ModelError:
    return ModelError(
        f"{path.name} holds the variables of another network",
        got=got,
        remedy="Another release wrote it: start the training again",
    )
