"""Reads and writes trained-rows.npy: which frames trained a version, and which validated it.

The file lists the identity of each row (row_identity.py), so it answers for any recording, whatever
it is called and however much of it there is. It is one of the version's own files, so the manifest
has its digest. Versions of release 0.1.0 and imported versions have no such file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from contract.dataset.row_identity import RowIds, near
from contract.errors import ModelError

__all__ = ["FILE", "RECORD", "TrainedRows", "read", "write"]

FILE: Final = "trained-rows.npy"
RECORD: Final = np.dtype([("id", "<u8"), ("use", "u1")])
"""Identity of a row, and its use: one of UNUSED, TRAINED and VALIDATED."""
UNUSED, TRAINED, VALIDATED = range(3)

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TrainedRows:
    """The identities of the rows of the datasets that a version was made with.

    Each array is ascending and holds each identity once. A frame that was used in two ways is in
    the first of these arrays only.
    """

    trained: RowIds
    """Rows that trained the version."""
    unused: RowIds
    """Rows that lie within the gap around validation rows, so mostly next to rows that trained."""
    validated: RowIds
    """Rows that chose the best epoch."""

    @classmethod
    def of(cls, trained: RowIds, unused: RowIds, validated: RowIds) -> Self:
        """Return the sets of identities; the arrays are in any order."""
        trained = np.unique(trained)
        unused = np.setdiff1d(unused, trained)
        return cls(trained, unused, np.setdiff1d(validated, np.union1d(trained, unused)))

    def near_training(self, ids: RowIds, time_s: Floats, gap_s: float) -> Mask:
        """Return which rows of a recording trained the version or lie near such a row, (rows,).

        Args:
            ids: identities of the recording's rows, shape (rows,).
            time_s: time of the rows in seconds, shape (rows,).
            gap_s: largest distance in seconds that counts as near.
        """
        trained = np.isin(ids, self.trained)
        return near(time_s, time_s[trained], gap_s) | np.isin(ids, self.unused)


def write(path: Path, rows: TrainedRows) -> None:
    """Write the file into the folder of a version that is not published yet."""
    parts = ((TRAINED, rows.trained), (UNUSED, rows.unused), (VALIDATED, rows.validated))
    records = np.zeros(sum(len(ids) for _, ids in parts), dtype=RECORD)
    records["id"] = np.concatenate([ids for _, ids in parts])
    records["use"] = np.concatenate([np.full(len(ids), use) for use, ids in parts])
    with path.open("wb") as file:
        np.save(file, records, allow_pickle=False)


def read(path: Path) -> TrainedRows | None:
    """Read the file of a version, or return None if it has none.

    Raises:
        ModelError: the file is damaged.
    """
    try:
        records = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError) as error:
        raise _damage_error(path, error) from error
    if records.dtype != RECORD or records.ndim != 1:
        raise _damage_error(path, f"{records.dtype} of shape {records.shape}")
    trained, unused, validated = (
        records["id"][records["use"] == use] for use in (TRAINED, UNUSED, VALIDATED)
    )
    return TrainedRows.of(trained, unused, validated)


def _damage_error(path: Path, got: object) -> ModelError:
    return ModelError(
        f"{path.name} of the version does not say which frames trained it",
        got=got,
        remedy="lapwing train makes a version that does",
    )
