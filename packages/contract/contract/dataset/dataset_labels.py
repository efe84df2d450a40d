"""Reads and writes the labels of datasets: names that people give to them after the import.

    <data>/stores/<dataset>.label.json    {"schema": 1, "label": "night", "changes": [
                                             {"at": "2026-01-02T03:04:05+00:00", "label": "night"}]}

A store never changes, and versions name the dataset that they were trained on. So a dataset keeps
its own name for ever, and a label is only another word that selects it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from contract.errors import SettingError, StoreError
from contract.files import atomic_files, locks

__all__ = ["lock", "path", "read", "write"]

SCHEMA: Final = 1
MAX_CHARS: Final = 60
"""Maximum length of a label; it stands in a column of the list."""


def path(data_dir: Path, dataset: str) -> Path:
    """Return the path of the file with a dataset's label."""
    return data_dir / "stores" / f"{dataset}.label.json"


def lock(data_dir: Path) -> Path:
    """Return the path of the lock that is held while anything beside a manifest is changed."""
    return data_dir / "stores" / ".annotations.lock"


def read(data_dir: Path, dataset: str) -> str | None:
    """Return the label of a dataset, or None if it has none.

    Raises:
        StoreError: the file cannot be read.
    """
    document = _read(path(data_dir, dataset))
    return None if document is None else str(document["label"])


def write(data_dir: Path, dataset: str, label: str, taken: Mapping[str, str]) -> None:
    """Give a dataset a label.

    Args:
        data_dir: path of the data volume.
        dataset: name of the dataset.
        label: the new label.
        taken: the names and labels that select other datasets, and for each the dataset.

    Raises:
        SettingError: the label has a form that a label cannot have, or selects another dataset.
        StoreError: the file cannot be read.
    """
    if not label.strip() or label != label.strip() or len(label) > MAX_CHARS or label[0] == "-":
        raise SettingError(
            "a dataset cannot have this name",
            got=repr(label),
            remedy=f"A name has 1 to {MAX_CHARS} characters, and begins with no dash and no space",
        )
    if not label.isprintable() or "/" in label:
        raise SettingError(
            "a dataset cannot have this name",
            got=repr(label),
            remedy="A name has no slash, no line break and no other control character",
        )
    if label in taken:
        raise SettingError(
            "another dataset has this name",
            got=f"{label}, which selects {taken[label]}",
            remedy="Choose another name, or rename the other dataset first",
        )
    with locks.lock(lock(data_dir)):
        document = _read(path(data_dir, dataset)) or {"schema": SCHEMA, "changes": []}
        now = datetime.now(UTC).isoformat(timespec="seconds")
        changes = [*document["changes"], {"at": now, "label": label}]
        atomic_files.write_json(
            path(data_dir, dataset), {"schema": SCHEMA, "label": label, "changes": changes}
        )


def _read(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            raise ValueError(f"schema {document['schema']}")
        if not isinstance(document["label"], str) or not isinstance(document["changes"], list):
            raise ValueError("no label")
        return dict(document)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise StoreError(
            f"the label {path.name} cannot be read",
            got=f"{type(error).__name__}: {error}",
            remedy="Remove the file, and give the name again: lapwing datasets rename",
        ) from error
