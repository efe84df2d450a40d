"""Reads and changes the current version: the version of the model that drives.

    <models>/current            a symbolic link to versions/<n>
    <models>/model.h5           a copy of the current version's model, for users who want only that
                                file; whatever they do to it does no harm to the version
    <models>/.switching.json    the decision that is being carried out

A change survives a killed process. The decision is written to a file first and then carried out;
the next process that takes the lock completes what a killed process began. The link is replaced in
one step, so `current` is always either the old version or the new one.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from contract.errors import ModelError
from contract.files import atomic_files, locks
from contract.models import journal
from contract.models.journal import Decision

__all__ = ["H5", "CurrentVersion"]

H5: Final = "model.h5"


class CurrentVersion:
    """Reads and changes the current version of a registry.

    Args:
        root: folder of the registry.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def current(self) -> int | None:
        """Return the current version, or None if no version was published yet.

        Raises:
            ModelError: `current` is not a link to a version.
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
                remedy="lapwing promote N --force makes a new link",
            ) from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the registry for writing, and complete what a killed process began."""
        with locks.lock(self.root / ".lock"):
            for leftover in atomic_files.temporary_paths(self.root):
                leftover.unlink()  # All files here are written under this lock.
            if self._intent_file.exists():
                document = json.loads(self._intent_file.read_text(encoding="utf-8"))
                decision = Decision(**document)
                if self._version_folder(decision).is_dir():
                    self.carry_out(decision)
                else:
                    self._intent_file.unlink()
            self._separate_from_version()
            yield

    def record_intent(self, decision: Decision) -> None:
        """Write a decision down, so that another process completes it if this one is killed."""
        atomic_files.write_json(self._intent_file, dataclasses.asdict(decision))

    def carry_out(self, decision: Decision) -> None:
        """Make the version of a decision the current one; carrying it out twice does no harm.

        Raises:
            OSError: the disk is full or fails. If the old version is still the current one, the
                decision is given up; otherwise the next process that takes the lock completes it.
        """
        copy = atomic_files.temporary_path(self.root / H5)
        link = atomic_files.temporary_path(self.root / "current")
        try:
            shutil.copyfile(self._version_folder(decision) / H5, copy)
            atomic_files.fsync(copy)
            link.symlink_to(Path("versions") / str(decision.version))
        except OSError:
            copy.unlink(missing_ok=True)
            if not self._is_current(decision.version):
                self._intent_file.unlink()
            raise
        atomic_files.rename(link, self.root / "current")
        atomic_files.rename(copy, self.root / H5)
        journal.append(self.root, decision)
        self._intent_file.unlink()

    def _separate_from_version(self) -> None:
        """Replace a model.h5 that is the version's own file, as earlier releases made it."""
        path = self.root / H5
        try:
            if path.stat().st_nlink == 1:
                return
        except FileNotFoundError:
            return
        atomic_files.write_bytes(path, path.read_bytes())

    def _is_current(self, version: int) -> bool:
        link = self.root / "current"
        return link.is_symlink() and link.readlink().name == str(version)

    def _version_folder(self, decision: Decision) -> Path:
        return self.root / "versions" / str(decision.version)

    @property
    def _intent_file(self) -> Path:
        """The file with the decision that is being carried out."""
        return self.root / ".switching.json"
