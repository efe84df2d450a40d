"""Keeps what people say about the versions of a registry: a note, and whether a version is pinned.

    <models>/notes.json    {"schema": 1, "versions": {"3": {"note": "drives the bridge well",
                                                            "pinned": true}}}

A version's own files never change, so these stand beside them. `lapwing prune` never removes a
version that is pinned.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from contract.errors import ModelError
from contract.files import atomic_files
from contract.models.registry import Registry

__all__ = ["FILE", "VersionNote", "forget", "read", "write"]

SCHEMA: Final = 1
FILE: Final = "notes.json"


@dataclass(frozen=True)
class VersionNote:
    """What people say about one version."""

    note: str = ""
    pinned: bool = False
    """A pinned version is never removed by `lapwing prune`."""


def read(root: Path) -> dict[int, VersionNote]:
    """Return the notes of the registry at `root`, by version.

    Raises:
        ModelError: the file cannot be read.
    """
    path = root / FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            raise ValueError(f"schema {document['schema']}, and this release reads {SCHEMA}")
        return {int(number): _note(entry) for number, entry in document["versions"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(
            f"the notes {path} cannot be read",
            got=f"{type(error).__name__}: {error}",
            remedy="Correct the file, or move it away and write the notes again: "
            "lapwing models --note",
        ) from error


def write(
    registry: Registry, version: int, *, note: str | None = None, pinned: bool | None = None
) -> VersionNote:
    """Change what is said about a version, and return it.

    Args:
        registry: the registry of the version.
        version: the version.
        note: the new note; "" removes it, and None leaves it as it is.
        pinned: whether the version is pinned; None leaves it as it is.

    Raises:
        ModelError: there is no such version, or the notes cannot be read.
    """
    with registry.current_version.lock():
        if version not in registry.versions():
            raise ModelError(
                "no such model version", got=version, remedy=f"There are {registry.versions()}"
            )
        notes = read(registry.root)
        before = notes.get(version, VersionNote())
        after = VersionNote(
            before.note if note is None else note.strip(),
            before.pinned if pinned is None else pinned,
        )
        _write(registry, notes | {version: after})
        return after


def forget(registry: Registry, version: int) -> None:
    """Remove the note of a version that is removed. The caller must hold the registry's lock."""
    notes = read(registry.root)
    if notes.pop(version, None) is not None:
        _write(registry, notes)


def _write(registry: Registry, notes: dict[int, VersionNote]) -> None:
    said = {number: note for number, note in notes.items() if note != VersionNote()}
    versions = {str(number): dataclasses.asdict(said[number]) for number in sorted(said)}
    atomic_files.write_json(registry.root / FILE, {"schema": SCHEMA, "versions": versions})


def _note(entry: dict[str, Any]) -> VersionNote:
    note = VersionNote(**entry)
    if type(note.note) is not str or type(note.pinned) is not bool:
        raise ValueError(f"the note {entry!r:.80}")
    return note
