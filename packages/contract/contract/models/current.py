"""The switch of the registry: which version drives, changed in one step that survives a kill.

    <models>/current            a link to versions/<n>, replaced in one step
    <models>/model.h5           the current version's, for whoever wants just that file
    <models>/.switching.json    the decision that is about to be carried out

A decision is written down first and then carried out; whoever takes the lock next ends what a
killed process began. At each moment `current` is the version before or the one after.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from contract import atomic_files
from contract.errors import ModelError
from contract.models import journal
from contract.models.journal import Decision

__all__ = ["H5", "CurrentVersion"]

H5: Final = "model.h5"


class CurrentVersion:
    """The switch of the registry at `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def current(self) -> int | None:
        """Return the version that drives, or None while none was published.

        Raises:
            ModelError: `current` is no link to a version.
        """
        link = self.root / "current"
        try:
            return int(link.readlink().name)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise ModelError(
                f"{link} cannot be read as a link to a version",
                got=error,
                remedy="lapwing promote N --force makes it anew",
            ) from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only writer, and end what one before began and was killed in."""
        with atomic_files.lock(self.root / ".lock"):
            for name in ("current", H5, journal.JOURNAL, self._intent.name):
                for left in atomic_files.temporary_paths(self.root, Path(name).stem):
                    left.unlink()
            if self._intent.exists():
                document = json.loads(self._intent.read_text(encoding="utf-8"))
                decision = Decision(**document)
                if self._path(decision).is_dir():
                    self.carry_out(decision)
                else:
                    self._intent.unlink()
            yield

    def record_intent(self, decision: Decision) -> None:
        """Have a decision carried out, by another process if this one is killed."""
        atomic_files.write_json(self._intent, dataclasses.asdict(decision))

    def carry_out(self, decision: Decision) -> None:
        """Make the decision's version the current one; what is done already stays so."""
        link = atomic_files.temporary_path(self.root / "current")
        link.symlink_to(Path("versions") / str(decision.version))
        atomic_files.rename(link, self.root / "current")
        copy = atomic_files.temporary_path(self.root / H5)
        os.link(self._path(decision) / H5, copy)
        atomic_files.rename(copy, self.root / H5)
        copy.unlink(missing_ok=True)  # where both name one file already, POSIX leaves both names
        journal.append(self.root, decision)
        self._intent.unlink()

    def _path(self, decision: Decision) -> Path:
        return self.root / "versions" / str(decision.version)

    @property
    def _intent(self) -> Path:
        """The file that says which decision is about to be carried out."""
        return self.root / ".switching.json"
