"""What the command line prints about things that are old and were removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract import printing
from contract.printing import TextConsole


@dataclass(frozen=True)
class OldThing:
    """Something that can be removed."""

    kind: str
    """"version", "drive", "workspace" or "simulated lap"."""
    name: str
    paths: tuple[Path, ...]
    bytes: int
    """Bytes that its removal frees."""


def document(
    things: Sequence[OldThing], kept: Mapping[int, str], notes: Sequence[str], dry_run: bool
) -> dict[str, Any]:
    """Return what was removed, or would be, as a JSON document."""
    return {
        "dry_run": dry_run,
        "removed": [
            {
                "kind": thing.kind,
                "name": thing.name,
                "bytes": thing.bytes,
                "paths": [str(path) for path in thing.paths],
            }
            for thing in things
        ],
        "kept_versions": {str(version): reason for version, reason in kept.items()},
        "freed_bytes": sum(thing.bytes for thing in things),
        "notes": list(notes),
    }


def print_pruned(
    console: TextConsole,
    things: Sequence[OldThing],
    kept: Mapping[int, str],
    notes: Sequence[str],
    dry_run: bool,
) -> None:
    """Print what was removed, or would be, which versions are kept, and what that frees."""
    table = printing.wide_table("would be removed" if dry_run else "removed", "", "MB")
    table.columns[2].justify = "right"
    for thing in things:
        table.add_row(thing.kind, thing.name, f"{thing.bytes / 1e6:.2f}")
    if things:
        printing.print_unwrapped(console, table)
    for version, reason in kept.items():
        printing.print_line(console, f"version {version} is kept: {reason}")
    for note in notes:
        printing.print_line(console, note)
    freed = sum(thing.bytes for thing in things)
    verb = "would be freed" if dry_run else "are freed"
    printing.print_line(
        console, f"{freed / 1e6:.2f} MB {verb}" if things else "There is nothing to remove"
    )
