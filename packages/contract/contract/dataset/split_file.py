"""Which rows of which recordings a version was trained on, and which validated it: split.json.

    {"gap_s": 1.0, "datasets": {NAME: {"rows": 60, "train": [[0, 20], [40, 60]],
                                       "validation": [[25, 35]]}}}

Rows are numbered from 0 in the order of the store; a pair is the first row and the one after the
last. Rows in neither lie in the gap, from which nothing was learned. It is one of the version's own
files, so the manifest has its digest. Versions that were imported have none. Needs nothing.
"""

from __future__ import annotations

import itertools
import json
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
"""A split of a million rows into blocks of ten has 3 MB."""

Runs = tuple[tuple[int, int], ...]
"""Stretches of rows: the first, and the one after the last."""


@dataclass(frozen=True)
class DatasetSplit:
    """How the rows of one dataset were parted."""

    rows: int
    train: Runs
    validation: Runs


@dataclass(frozen=True)
class SplitFile:
    """How the rows of a training were parted."""

    gap_s: float
    """Between a row that trains and one that validates lies more than so many seconds."""
    datasets: Mapping[str, DatasetSplit]


def runs(mask: Iterable[bool]) -> Runs:
    """Return the stretches of rows of which a mask is true."""
    found: list[tuple[int, int]] = []
    begun: int | None = None
    for number, inside in enumerate([*mask, False]):
        if inside and begun is None:
            begun = number
        elif not inside and begun is not None:
            found.append((begun, number))
            begun = None
    return tuple(found)


def mask(runs: Runs, rows: int) -> list[bool]:
    """Return for each row whether one of the runs holds it: the inverse of `runs`."""
    inside = [False] * rows
    for first, end in runs:
        inside[first:end] = [True] * (end - first)
    return inside


def write(path: Path, split: SplitFile) -> None:
    """Write a split into a version that is yet to be published."""
    document = {
        "gap_s": split.gap_s,
        "datasets": {
            name: {"rows": each.rows, "train": each.train, "validation": each.validation}
            for name, each in split.datasets.items()
        },
    }
    path.write_text(json.dumps(document) + "\n", encoding="utf-8")


def read(path: Path) -> SplitFile | None:
    """Read a version's split; None where there is no such file.

    Raises:
        ModelError: it holds anything else.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"{path.stat().st_size:,} bytes, at most {MAX_BYTES:,} are read")
        document = json.loads(path.read_text(encoding="utf-8"))
        gap_s = document["gap_s"]
        if type(gap_s) not in (int, float) or not 0 <= gap_s < float("inf"):
            raise ValueError(f"a gap of {gap_s} s")
        datasets = {str(name): _sides(each) for name, each in document["datasets"].items()}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(
            f"{path.name} of the version does not say which rows trained it",
            got=f"{type(error).__name__}: {error}",
            remedy="lapwing train makes a version that does",
        ) from error
    return SplitFile(float(gap_s), datasets)


def _sides(document: Mapping[str, Any]) -> DatasetSplit:
    rows = document["rows"]
    if type(rows) is not int or rows < 0:
        raise ValueError(f"{rows} rows")
    train, validation = (_runs(document[side], rows) for side in ("train", "validation"))
    ordered = sorted([*train, *validation])
    for (_, end), (first, _) in itertools.pairwise(ordered):
        if first < end:
            raise ValueError(f"row {first} on both sides")
    return DatasetSplit(rows, train, validation)


def _runs(document: object, rows: int) -> Runs:
    found: list[tuple[int, int]] = []
    last = 0
    if not isinstance(document, list):
        raise ValueError(f"stretches of rows that are {document!r:.60}")
    for each in document:
        if not isinstance(each, list) or len(each) != 2 or {*map(type, each)} != {int}:
            raise ValueError(f"a stretch of rows that is {each!r:.60}")
        first, end = each
        if not last <= first < end <= rows:
            raise ValueError(f"the rows {first} to {end} of {rows}, after row {last}")
        found.append((first, end))
        last = end
    return tuple(found)
