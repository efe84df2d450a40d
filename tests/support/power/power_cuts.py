"""Cuts the power after each recorded call, and looks at the disks that may be left.

After every call, what is not on the disk for certain may be lost. There are too many combinations
to try all: of the pending changes of names, none, all, each alone, all but each and some random
sets are taken to have happened, and with each of these the contents of files that were not flushed
in each of their variants, and at random. The choice is the same each time, and a disk is looked at
once.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from contract.errors import LapwingError
from support.power.disk import Disk, DiskFile, DiskFolder, DiskLink, Node
from support.power.recording import ACKNOWLEDGED, Call, record

RANDOM_CHOICES: Final = 3
MOST_VARIANTS: Final = 6
"""Number of variants of a file's content that DiskFile.variants makes at most."""

Check = Callable[[Path, Sequence[str]], None]
"""Raises an error if a folder does not hold what it must, given what was acknowledged."""
Content = bytes | str | None
"""The bytes of a file, the target of a link, or None for a folder."""


@dataclass(frozen=True)
class Cut:
    """A disk that a power cut may leave."""

    after: str
    """The last call before the cut, and what of the pending changes happened."""
    acknowledged: tuple[str, ...]
    files: tuple[tuple[Path, Content], ...]

    def write(self, folder: Path) -> None:
        """Put the disk's files into a new folder."""
        folder.mkdir()
        for path, content in self.files:
            if content is None:
                (folder / path).mkdir()
            elif isinstance(content, str):
                (folder / path).symlink_to(content)
            else:
                (folder / path).write_bytes(content)


@dataclass(frozen=True)
class Recording:
    """The calls of a program that ran once, for cuts at any point of it."""

    calls: tuple[Call, ...]
    root: Path
    """The folder in which the program ran; it was empty before."""
    scratch: Path
    """Path of a folder that is made anew for each disk."""

    @classmethod
    def of(cls, recorder: Path, program: str, folder: Path, scratch: Path) -> Self:
        """Run a program, and make sure that every change of its files was recorded.

        Args:
            recorder: path of the recorder's library.
            program: the text of a Python program; see recording.record.
            folder: an empty folder.
            scratch: path of the folder for the disks.
        """
        root = folder.resolve() / "recorded"
        root.mkdir()
        self = cls(tuple(record(recorder, program, root)), root, scratch)
        made = {path: _content(node) for path, node in self._replay().seen()}
        real = {
            path.relative_to(root): _read(path)
            for path in root.rglob("*")
            if path.name != ACKNOWLEDGED
        }
        assert made.keys() == real.keys(), made.keys() ^ real.keys()
        assert made == real, [path for path in made if made[path] != real[path]]
        return self

    @property
    def syncs(self) -> list[int]:
        """The places of the calls that flush a file or a folder to the disk."""
        return [number for number, call in enumerate(self.calls) if call.name == "sync"]

    def without(self, number: int) -> Recording:
        """Return what is recorded of a program that lacks one of the calls."""
        calls = (*self.calls[:number], *self.calls[number + 1 :])
        return Recording(calls, self.root, self.scratch)

    def cuts(self, looked_at: set[int]) -> Iterator[Cut]:
        """Return the disks that a cut after any of the calls may leave, each once.

        Args:
            looked_at: digests of disks that are left out; those that are returned are added.
        """
        disk = Disk(self.root)
        for number, call in enumerate(self.calls):
            if not disk.carry_out(call):
                continue
            for names, kept in _choices_of_names(disk, number):
                files = disk.files(kept)
                for contents, chosen in _choices_of_contents(files, number):
                    key = hash((tuple(chosen), len(disk.acknowledged)))
                    if key not in looked_at:
                        looked_at.add(key)
                        after = f"call {number}, {call}; {names}; {contents}"
                        yield Cut(after, tuple(disk.acknowledged), tuple(chosen))

    def find_violation(self, check: Check, good: set[int] | None = None) -> tuple[int, str | None]:
        """Check the disks that a power cut may leave until one is not as it must be.

        Args:
            check: looks at a disk.
            good: digests of disks that were checked already; those that are checked are added.

        Returns:
            The number of disks that were checked, and what is wrong with the last one, or None.
        """
        count = 0
        for cut in self.cuts(set() if good is None else good):
            count += 1
            cut.write(self.scratch)
            try:
                check(self.scratch, cut.acknowledged)
            except (AssertionError, LapwingError, OSError, ValueError, LookupError) as error:
                return count, f"after {cut.after}: {type(error).__name__}: {error}"
            finally:
                shutil.rmtree(self.scratch)
        return count, None

    def unneeded_syncs(self, check: Check) -> list[int]:
        """Return which flushes, counted from 0, could be left out without a bad disk.

        A program that lacks one of the others fails the check. So this shows for each flush that
        the check would see if it were removed.
        """
        good: set[int] = set()
        assert self.find_violation(check, good)[1] is None
        return [
            order
            for order, number in enumerate(self.syncs)
            if self.without(number).find_violation(check, good.copy())[1] is None
        ]

    def _replay(self) -> Disk:
        disk = Disk(self.root)
        for call in self.calls:
            disk.carry_out(call)
        return disk


Record = Callable[[str], Recording]
"""Runs a program and returns its recording; a fixture of conftest.py."""


def _choices_of_names(disk: Disk, seed: int) -> Iterator[tuple[str, set[int]]]:
    everything = set(range(len(disk.pending)))
    yield "no pending name", set()
    yield "all pending names", everything
    for number, change in enumerate(disk.pending):
        yield f"only {change.call}", disk.with_earlier({number})
        yield f"all but {change.call}", everything - disk.with_later({number})
    if len(disk.pending) > 2:
        chance = random.Random(seed)
        for choice in range(RANDOM_CHOICES):
            chosen = {number for number in everything if chance.random() < 0.5}
            yield f"random names {choice}", disk.with_earlier(chosen)


def _choices_of_contents(
    files: Sequence[tuple[Path, Node]], seed: int
) -> Iterator[tuple[str, list[tuple[Path, Content]]]]:
    variants = {
        node: node.variants() for _, node in files if isinstance(node, DiskFile) and node.pending
    }
    chance = random.Random(seed)
    for choice in range(MOST_VARIANTS + RANDOM_CHOICES if variants else 1):
        contents: dict[Node, Content] = {}
        for node, contents_of_node in variants.items():
            number = choice if choice < MOST_VARIANTS else chance.randrange(MOST_VARIANTS)
            contents[node] = contents_of_node[number % len(contents_of_node)]
        yield (
            f"contents {choice}",
            [
                (path, contents[node] if node in contents else _content(node))
                for path, node in files
            ],
        )


def _read(path: Path) -> Content:
    if path.is_symlink():
        return str(path.readlink())
    return None if path.is_dir() else path.read_bytes()


def _content(node: Node) -> Content:
    if isinstance(node, DiskFolder):
        return None
    return node.target if isinstance(node, DiskLink) else node.content()
