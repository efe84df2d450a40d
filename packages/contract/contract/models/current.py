"""Reads and changes the current version: the version of the model that drives.

    <models>/current            a symbolic link to versions/<n>
    <models>/model.h5           a copy of the current version's model, for users who want only that
                                file; whatever they do to it does no harm to the version
    <models>/.switching.json    the decision that is being carried out

With LAPWING_STORAGE a decision counts once it is the next one in the object store. It is written
there before the link is replaced, and every machine follows the decisions of the others when it
takes the lock. So `current` is the same everywhere, a moment later.

A change survives a killed process. The decision is written to a file first and then carried out;
the next process that takes the lock completes what a killed process began. The link is replaced in
one step, so `current` is always either the old version or the new one.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from contract.errors import ModelError
from contract.files import atomic_files, locks
from contract.models import journal
from contract.models.journal import Decision
from contract.storage.versions import VersionMirror

__all__ = ["H5", "CurrentVersion"]

log = logging.getLogger(__name__)

H5: Final = "model.h5"


class CurrentVersion:
    """Reads and changes the current version of a registry.

    Args:
        root: folder of the registry.
        mirror: the object store that the registry shares with other machines; None for none.
    """

    def __init__(self, root: Path, mirror: VersionMirror | None = None) -> None:
        self.root = root
        self._mirror = mirror

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
        """Lock the registry for writing, and complete what a killed process began.

        Raises:
            StorageError: the object store that it shares with other machines does not answer.
        """
        with locks.lock(self.root / ".lock"):
            for leftover in atomic_files.temporary_paths(self.root):
                leftover.unlink()  # All files here are written under this lock.
            if self._mirror is not None:
                self._mirror.sync()
            if self._intent_file.exists():
                document = json.loads(self._intent_file.read_text(encoding="utf-8"))
                decision = Decision(**document)
                if self._version_folder(decision.version).is_dir():
                    self.carry_out(decision)
                else:
                    self._intent_file.unlink()
            self._separate_from_version()
            if self._mirror is not None:
                self._follow(self._mirror)
            yield

    def record_intent(self, decision: Decision) -> None:
        """Write a decision down, so that another process completes it if this one is killed."""
        atomic_files.write_json(self._intent_file, dataclasses.asdict(decision))

    def forget_intent(self) -> None:
        """Give up the decision that was written down, if there is one."""
        self._intent_file.unlink(missing_ok=True)

    def carry_out(self, decision: Decision) -> bool:
        """Make the version of a decision the current one; carrying it out twice does no harm.

        Returns:
            False if another machine has decided since, so that the decision does not count.

        Raises:
            OSError: the disk is full or fails. If the old version is still the current one, the
                decision is given up; otherwise the next process that takes the lock completes it.
            StorageError: the object store does not answer; the next process that takes the lock
                completes the decision, if it still can.
        """
        if not self.announce(decision):
            self._intent_file.unlink()
            return False
        try:
            self._switch(decision.version)
        except OSError:
            if not self._is_current(decision.version):
                self._intent_file.unlink()
            raise
        journal.append(self.root, decision)
        self._intent_file.unlink()
        return True

    def announce(self, decision: Decision) -> bool:
        """Tell the other machines a decision, and return whether it counts."""
        if self._mirror is None:
            return True
        earlier = journal.read(self.root)
        if any(decision.id == other.id for other in earlier):
            return True
        return self._mirror.add_decision(len(earlier) + 1, dataclasses.asdict(decision))

    def _follow(self, mirror: VersionMirror) -> None:
        """Carry out what other machines have decided, and tell them what this one did alone.

        A decision that was made here without asking them is given up if they have decided since.
        """
        own = journal.read(self.root)
        last = mirror.decision(len(own)) if own else None
        agreed = own
        if own and (last is None or last.get("id") != own[-1].id):
            agreed = []
            for number, decision in enumerate(own, 1):
                if not mirror.add_decision(number, dataclasses.asdict(decision)):
                    break
                agreed.append(decision)
            for decision in own[len(agreed) :]:
                log.error(
                    "the decision on version %d (%s) is given up: another machine has decided "
                    "since",
                    decision.version,
                    decision.why,
                )
        news: list[Decision] = []
        while (document := mirror.decision(len(agreed) + len(news) + 1)) is not None:
            news.append(journal.parse(document))
        decisions = [*agreed, *news]
        accepted = [decision.version for decision in decisions if decision.accepted]
        if accepted and not self._is_current(accepted[-1]):
            self._switch(accepted[-1])
        if decisions != own:
            journal.write(self.root, decisions)

    def _switch(self, version: int) -> None:
        """Replace the link and the copy of the model."""
        copy = atomic_files.temporary_path(self.root / H5)
        link = atomic_files.temporary_path(self.root / "current")
        try:
            shutil.copyfile(self._version_folder(version) / H5, copy)
            atomic_files.fsync(copy)
            link.symlink_to(Path("versions") / str(version))
        except OSError:
            copy.unlink(missing_ok=True)
            raise
        atomic_files.rename(link, self.root / "current")
        atomic_files.rename(copy, self.root / H5)

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

    def _version_folder(self, version: int) -> Path:
        return self.root / "versions" / str(version)

    @property
    def _intent_file(self) -> Path:
        """The file with the decision that is being carried out."""
        return self.root / ".switching.json"
