"""Reads and writes split.json: which rows of which recordings trained a version or validated it.

    {"gap_s": 1.0, "datasets": {NAME: {"rows": 60, "train": [[0, 20], [40, 60]],
                                       "validation": [[25, 35]]}}}

Rows are numbered from 0 in the order of the store. A pair is a run of rows: the first row and the
row after the last. Rows in neither list lie in the gap and were not trained on. The file is one of
the version's own files, so the manifest has its digest. Imported versions have no such file.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from contract.errors import ModelError

__all__ = [
    "FILE",
    "MAX_BYTES",
    "DatasetSplit",
    "Runs",
    "SplitFile",
    "mask",
    "read",
    "runs",
    "write",
]

FILE: Final = "split.json"
MAX_BYTES: Final = 16 << 20
"""Maximum size of the file; a split of a million rows into blocks of ten has 3 MB."""

Runs = tuple[tuple[int, int], ...]
"""Runs of rows: each is the first row, and the row after the last."""


@dataclass(frozen=True)
class DatasetSplit:
    """Says which rows of one dataset train a version and which validate it."""

    rows: int
    train: Runs
    validation: Runs


@dataclass(frozen=True)
class SplitFile:
    """Says how a training split the rows of its datasets."""

    gap_s: float
    """Time in seconds that lies at least between a row that trains and a row that validates."""
    datasets: Mapping[str, DatasetSplit]


def runs(mask: Iterable[bool]) -> Runs:
    """Return the runs of rows for which a mask is true."""
    result: list[tuple[int, int]] = []
    first: int | None = None
    for row, inside in enumerate([*mask, False]):
        if inside and first is None:
            first = row
        elif not inside and first is not None:
            result.append((first, row))
            first = None
    return tuple(result)


def mask(runs: Runs, rows: int) -> list[bool]:
    """Return for each row whether one of the runs contains it; this is the inverse of `runs`."""
    inside = [False] * rows
    for first, end in runs:
        inside[first:end] = [True] * (end - first)
    return inside


def write(path: Path, split: SplitFile) -> None:
    """Write the split file of a version that is not published yet."""
    document = {
        "gap_s": split.gap_s,
        "datasets": {
            name: {"rows": dataset.rows, "train": dataset.train, "validation": dataset.validation}
            for name, dataset in split.datasets.items()
        },
    }
    path.write_text(json.dumps(document) + "\n", encoding="utf-8")


def read(path: Path) -> SplitFile | None:
    """Read the split file of a version, or return None if there is none.

    Raises:
        ModelError: the file is not a split file.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"{path.stat().st_size:,} bytes, at most {MAX_BYTES:,} are read")
        document = json.loads(path.read_text(encoding="utf-8"))
        gap_s = document["gap_s"]
        if type(gap_s) not in (int, float) or not 0 <= gap_s <= sys.float_info.max:
            raise ValueError(f"a gap of {gap_s} s")
        datasets = {
            str(name): _dataset_split(entry) for name, entry in document["datasets"].items()
        }
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(
            f"{path.name} of the version does not say which rows trained it",
            got=f"{type(error).__name__}: {error}",
            remedy="lapwing train makes a version that does",
        ) from error
    return SplitFile(float(gap_s), datasets)


def _dataset_split(document: Mapping[str, Any]) -> DatasetSplit:
    rows = document["rows"]
    if type(rows) is not int or rows < 0:
        raise ValueError(f"{rows} rows")
    train, validation = (_runs(document[key], rows) for key in ("train", "validation"))
    ordered = sorted([*train, *validation])
    for (_, end), (first, _) in itertools.pairwise(ordered):
        if first < end:
            raise ValueError(f"row {first} in both train and validation")
    return DatasetSplit(rows, train, validation)


def _runs(document: object, rows: int) -> Runs:
    result: list[tuple[int, int]] = []
    previous_end = 0
    if not isinstance(document, list):
        raise ValueError(f"runs of rows that are {document!r:.60}")
    for run in document:
        if not isinstance(run, list) or len(run) != 2 or {*map(type, run)} != {int}:
            raise ValueError(f"a run of rows that is {run!r:.60}")
        first, end = run
        if not previous_end <= first < end <= rows:
            raise ValueError(f"the rows {first} to {end} of {rows}, after row {previous_end}")
        result.append((first, end))
        previous_end = end
    return tuple(result)
