"""Reads and writes exclusions: rows of a dataset that people, or the doctor, took out of use.

    <data>/stores/<dataset>.exclusions.json

    {"schema": 1, "changes": [{"version": 1, "at": "2026-01-02T03:04:05+00:00",
                               "action": "exclude", "lines": [[120, 180]], "why": "off the road"}]}

A row is named by its line of the driving log, as the doctor names it; a pair of lines is the first
and the last. The store itself never changes. The file holds the history of all changes: the state
of version n is what the first n changes make of nothing. Whoever trains takes `Exclusions.digest`
into the digest of the training and `version` into the model's manifest. A file that cannot be read
raises an error everywhere, because rows that somebody took out must not come back without a word.

Only `mask` needs NumPy, so the command line does without it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from contract.dataset import dataset_labels
from contract.errors import SettingError, StoreError
from contract.files import atomic_files, locks

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = [
    "ExclusionChange",
    "Exclusions",
    "Lines",
    "count_lines",
    "exclude",
    "path",
    "read",
    "restore",
]

SCHEMA: Final = 1
EXCLUDE: Final = "exclude"
RESTORE: Final = "restore"
LAST_LINE: Final = 2**31 - 1
"""The largest number of a line that a store can hold."""

Lines = tuple[tuple[int, int], ...]
"""Runs of lines: each is the first line and the last, counted from 1."""


@dataclass(frozen=True)
class ExclusionChange:
    """One change of what is excluded from a dataset."""

    version: int
    """Number of the change, counted from 1."""
    at: str
    """Time in UTC, in the format ISO 8601."""
    action: str
    """EXCLUDE or RESTORE."""
    lines: Lines
    why: str
    """Reason, for people."""


@dataclass(frozen=True)
class Exclusions:
    """The rows that are excluded from a dataset, and how that came to be."""

    dataset: str
    changes: tuple[ExclusionChange, ...] = ()

    @property
    def version(self) -> int:
        """Number of the last change; 0 if nothing was ever excluded."""
        return len(self.changes)

    def at(self, version: int) -> Exclusions:
        """Return what was excluded after the change of that number.

        Raises:
            StoreError: the history is shorter.
        """
        if version > self.version:
            raise StoreError(
                f"the exclusions of {self.dataset} are not those of before",
                got=f"{self.version} changes, not {version}",
                remedy="Put the file of the exclusions back, or start the work anew",
            )
        return Exclusions(self.dataset, self.changes[:version])

    @property
    def lines(self) -> Lines:
        """The excluded lines: runs in ascending order that do not touch."""
        excluded: Lines = ()
        for change in self.changes:
            join = _unite if change.action == EXCLUDE else _subtract
            excluded = join(excluded, change.lines)
        return excluded

    @property
    def reasons(self) -> list[tuple[Lines, str]]:
        """The reasons of what is excluded now, oldest first, each with its own lines.

        A line that was excluded twice counts for the last reason.
        """
        reasons: dict[str, Lines] = {}
        for change in self.changes:
            reasons = {why: _subtract(lines, change.lines) for why, lines in reasons.items()}
            if change.action == EXCLUDE:
                reasons[change.why] = _unite(reasons.get(change.why, ()), change.lines)
        return [(lines, why) for why, lines in reasons.items() if lines]

    @property
    def digest(self) -> str:
        """SHA-256 of the excluded lines; "" if no line is excluded.

        It depends on the lines alone, so taking a change back gives the digest of before.
        """
        text = ",".join(f"{first}-{last}" for first, last in self.lines)
        return hashlib.sha256(text.encode()).hexdigest() if text else ""

    def mask(self, lines: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Return which rows are excluded, shape (rows,).

        Args:
            lines: line of the driving log of each row, shape (rows,); rows may be in any order.
        """
        import numpy as np

        numbers = np.asarray(lines, dtype=np.int64)
        if not self.lines:
            return np.zeros(numbers.shape, dtype=np.bool_)
        firsts, lasts = np.array(self.lines, dtype=np.int64).T
        run = np.searchsorted(firsts, numbers, side="right") - 1
        return np.asarray((run >= 0) & (numbers <= lasts[run]), dtype=np.bool_)


def path(data_dir: Path, dataset: str) -> Path:
    """Return the path of the file with a dataset's exclusions."""
    return data_dir / "stores" / f"{dataset}.exclusions.json"


def read(data_dir: Path, dataset: str) -> Exclusions:
    """Return the exclusions of a dataset; without a file nothing is excluded.

    Raises:
        StoreError: the file cannot be read.
    """
    file = path(data_dir, dataset)
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            raise ValueError(f"schema {document['schema']}, and this release reads {SCHEMA}")
        changes = tuple(_change(entry) for entry in document["changes"])
        if [change.version for change in changes] != list(range(1, len(changes) + 1)):
            raise ValueError("its changes are not numbered from 1")
        return Exclusions(dataset, changes)
    except FileNotFoundError:
        return Exclusions(dataset)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise StoreError(
            f"the exclusions {file.name} cannot be read",
            got=f"{type(error).__name__}: {error}",
            remedy="Correct the file, or remove it and exclude the rows again: "
            f"lapwing datasets exclude {dataset} RANGE --why TEXT",
        ) from error


def exclude(data_dir: Path, dataset: str, lines: Sequence[tuple[int, int]], why: str) -> Exclusions:
    """Exclude lines of a dataset, and return the new state.

    If this changes neither a line nor its reason, nothing is written.

    Args:
        data_dir: path of the data volume.
        dataset: name of the dataset.
        lines: runs of lines, each the first and the last.
        why: reason, for people; it must not be empty.

    Raises:
        SettingError: there is no reason, or a run is not one.
        StoreError: the file cannot be read or written.
    """
    if not why.strip():
        raise SettingError("an exclusion needs a reason", remedy='Say it: --why "off the road"')
    return _append(data_dir, dataset, EXCLUDE, lines, why.strip())


def restore(data_dir: Path, dataset: str, lines: Sequence[tuple[int, int]], why: str) -> Exclusions:
    """Bring excluded lines of a dataset back, and return the new state.

    Args:
        data_dir: path of the data volume.
        dataset: name of the dataset.
        lines: runs of lines, each the first and the last; no runs mean all lines.
        why: reason, for people; it may be empty.

    Raises:
        SettingError: a run is not one.
        StoreError: the file cannot be read or written.
    """
    return _append(data_dir, dataset, RESTORE, lines or ((1, LAST_LINE),), why.strip())


def count_lines(lines: Iterable[tuple[int, int]], among: Iterable[tuple[int, int]]) -> int:
    """Return how many of some lines are among others; both are runs, the first and the last."""
    wanted, all_lines = _unite((), lines), _unite((), among)
    others = _subtract(all_lines, wanted)
    return _size(all_lines) - _size(others)


def _append(
    data_dir: Path, dataset: str, action: str, lines: Sequence[tuple[int, int]], why: str
) -> Exclusions:
    for first, last in lines:
        if not 1 <= first <= last <= LAST_LINE:
            raise SettingError(
                "these are not lines of a driving log",
                got=f"{first}-{last}",
                remedy="Lines are counted from 1: write a line, or the first and the last, as "
                "120-180",
            )
    try:
        with locks.lock(dataset_labels.lock(data_dir)):
            before = read(data_dir, dataset)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            run = _unite((), lines)
            change = ExclusionChange(before.version + 1, now, action, run, why)
            after = Exclusions(dataset, (*before.changes, change))
            if sorted(before.reasons) == sorted(after.reasons):
                return before
            document = {"schema": SCHEMA, "changes": [asdict(entry) for entry in after.changes]}
            atomic_files.write_json(path(data_dir, dataset), document)
            return after
    except OSError as error:
        raise StoreError(
            f"the exclusions of {dataset} cannot be written",
            got=error,
            remedy=f"The user of this command must be able to write to {data_dir / 'stores'}",
        ) from error


def _change(entry: dict[str, Any]) -> ExclusionChange:
    change = ExclusionChange(**entry)
    lines = tuple((first, last) for first, last in change.lines)
    numbers = [number for run in lines for number in run]
    if any(type(number) is not int for number in numbers) or change.action not in (
        EXCLUDE,
        RESTORE,
    ):
        raise ValueError(f"the change {entry!r:.80}")
    if any(not 1 <= first <= last <= LAST_LINE for first, last in lines):
        raise ValueError(f"the lines {lines!r:.80}")
    return ExclusionChange(change.version, change.at, change.action, lines, change.why)


def _unite(some: Iterable[tuple[int, int]], others: Iterable[tuple[int, int]]) -> Lines:
    united: list[tuple[int, int]] = []
    for first, last in sorted([*some, *others]):
        if united and first <= united[-1][1] + 1:
            united[-1] = (united[-1][0], max(last, united[-1][1]))
        else:
            united.append((first, last))
    return tuple(united)


def _subtract(some: Iterable[tuple[int, int]], others: Iterable[tuple[int, int]]) -> Lines:
    rest = list(some)
    for first, last in others:
        kept = []
        for start, end in rest:
            if start < first:
                kept.append((start, min(end, first - 1)))
            if end > last:
                kept.append((max(start, last + 1), end))
        rest = kept
    return tuple(rest)


def _size(lines: Lines) -> int:
    return sum(last - first + 1 for first, last in lines)
