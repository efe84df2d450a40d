"""A model of a disk: what is on it for certain, and what a power cut may lose.

The model promises as little as POSIX does, and so less than any real file system:

- What was written to a file is on the disk for certain once the file was flushed. Until then any
  part of it may be missing, and a file may have its new size with zeros in it.
- A name (of a new file or folder, a rename, a removal) is on the disk for certain once its folder
  was flushed. Until then it may be there or not, whatever became of other names and of the
  content; only the changes of one name keep their order. To flush a file does not flush its name.
- A rename happens wholly or not at all, as on every file system with a journal. A flush of the
  folder to which it leads makes it certain.

Pillai et al., All File Systems Are Not Created Equal: On the Complexity of Crafting
Crash-Consistent Applications (OSDI 2014), call this an abstract persistence model; their ALICE
checks programs with it as power_cuts.py does.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from support.power.recording import ACKNOWLEDGED, Call

SECTOR: Final = 512
"""Number of bytes that a disk writes wholly or not at all."""

RENAME_EXCHANGE: Final = 2


@dataclass(eq=False)
class DiskFile:
    """A file: what was flushed of it, and what was changed since."""

    flushed: bytes = b""
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)
    """Writes, each an offset and the bytes; None in place of bytes sets the size to the offset."""

    def content(self, changes: int | None = None) -> bytes:
        """Return the content after the first of the pending changes; all of them by default."""
        if not self.pending:
            return self.flushed
        content = bytearray(self.flushed)
        for offset, part in self.pending[:changes]:
            size = offset if part is None else offset + len(part)
            if len(content) < size:
                content.extend(bytes(size - len(content)))
            if part is None:
                del content[offset:]
            else:
                content[offset:size] = part
        return bytes(content)

    def variants(self) -> list[bytes]:
        """Return what may be on the disk, each once.

        It is all, nothing since the last flush, every change but the last, every second sector of
        what is new, the first half of it, and zeros in place of it.
        """
        new, old = self.content(), self.flushed
        padded = (old + bytes(len(new)))[: len(new)]
        sectors = range(0, len(new), SECTOR)
        torn = b"".join(
            (new if number % 2 else padded)[at : at + SECTOR] for number, at in enumerate(sectors)
        )
        half = len(new) // 2 // SECTOR * SECTOR
        kept = [new, old, self.content(-1) if self.pending else old]
        return list(dict.fromkeys([*kept, torn, new[:half] + padded[half:], padded]))


@dataclass(eq=False)
class DiskLink:
    """A symbolic link."""

    target: str


@dataclass(eq=False)
class DiskFolder:
    """A folder: the names that are on the disk for certain, and those that a program sees."""

    flushed: dict[str, Node] = field(default_factory=dict)
    seen: dict[str, Node] = field(default_factory=dict)


Node = DiskFile | DiskLink | DiskFolder


@dataclass(frozen=True, eq=False)
class NameChange:
    """A change of names that happens wholly or not at all."""

    call: Call
    names: tuple[tuple[DiskFolder, str, Node | None], ...]
    """The names and what each means afterwards; None means that it is gone."""
    certain_by: tuple[DiskFolder, ...]
    """The folders of which each makes the change certain when it is flushed."""

    def touches(self, other: NameChange) -> bool:
        """Return whether both change the same name."""
        return any(
            folder is theirs and name == their_name
            for folder, name, _ in self.names
            for theirs, their_name, _ in other.names
        )


class Disk:
    """A disk below one folder, on which recorded calls are carried out one after the other.

    Args:
        root: path of the folder, which was empty before the first call.
    """

    def __init__(self, root: Path) -> None:
        self.root = DiskFolder()
        self._path = root
        self._open: dict[tuple[int, int], Node] = {}
        self.pending: list[NameChange] = []
        """Changes of names that are not on the disk for certain, in their order."""
        self.acknowledged: list[str] = []
        """What the program has promised so far."""

    def carry_out(self, call: Call) -> bool:
        """Carry out a call; return whether it changed what may be on the disk, or a promise."""
        match call.name:
            case "open":
                return self._carry_out_open(call)
            case "close":
                self._open.pop((call.process, call.descriptor), None)
                return False
            case "dup":
                self._open[call.process, call.descriptor] = self._open[call.process, call.number]
                return False
            case "write" | "size":
                return self._change_content(call)
            case "sync":
                self._flush(self._open[call.process, call.descriptor])
                return True
            case _:
                self._change_names(call)
                return True

    def _carry_out_open(self, call: Call) -> bool:
        (path,) = call.paths
        if path == self._path:
            self._open[call.process, call.descriptor] = self.root
            return False
        folder, name = self._find(path)
        created = name not in folder.seen
        if created and name == ACKNOWLEDGED:
            folder.seen[name] = DiskFile()
        elif created:
            assert call.number & os.O_CREAT, f"{path} was made by a call that was not recorded"
            self._change(call, (folder, name, DiskFile()))
        node = folder.seen[name]
        self._open[call.process, call.descriptor] = node
        if call.number & os.O_TRUNC and isinstance(node, DiskFile) and node.content():
            node.pending.append((0, None))
            return True
        return created

    def _change_content(self, call: Call) -> bool:
        node = self._open[call.process, call.descriptor]
        assert isinstance(node, DiskFile)
        if node is self.root.seen.get(ACKNOWLEDGED):
            self.acknowledged += call.payload.decode().splitlines()
        else:
            node.pending.append((call.offset, None if call.name == "size" else call.payload))
        return True

    def _change_names(self, call: Call) -> None:
        folder, name = self._find(call.paths[0])
        match call.name:
            case "mkdir":
                self._change(call, (folder, name, DiskFolder()))
            case "symlink":
                target = os.fsdecode(call.payload.partition(b"\0")[2])
                self._change(call, (folder, name, DiskLink(target)))
            case "unlink":
                self._change(call, (folder, name, None))
            case "link":
                self._change(call, (*self._find(call.paths[1]), folder.seen[name]))
            case "rename":
                to_folder, to_name = self._find(call.paths[1])
                moved, replaced = folder.seen[name], to_folder.seen.get(to_name)
                if moved is replaced:  # POSIX leaves both names of one file as they are
                    return
                left = replaced if call.number == RENAME_EXCHANGE else None
                self._change(call, (folder, name, left), (to_folder, to_name, moved))
            case _:
                raise AssertionError(f"an unknown call: {call}")

    def _change(self, call: Call, *names: tuple[DiskFolder, str, Node | None]) -> None:
        folders = tuple(folder for folder, _, _ in names)
        exchanged = call.name == "rename" and call.number == RENAME_EXCHANGE
        self.pending.append(NameChange(call, names, folders if exchanged else folders[-1:]))
        for folder, name, node in names:
            _set(folder.seen, name, node)

    def _find(self, path: Path) -> tuple[DiskFolder, str]:
        *folders, name = path.relative_to(self._path).parts
        folder = self.root
        for part in folders:
            inner = folder.seen[part]
            assert isinstance(inner, DiskFolder)
            folder = inner
        return folder, name

    def _flush(self, node: Node) -> None:
        if isinstance(node, DiskFile):
            node.flushed = node.content()
            node.pending.clear()
        elif isinstance(node, DiskFolder):
            certain = {
                number
                for number, change in enumerate(self.pending)
                if any(folder is node for folder in change.certain_by)
            }
            certain = self.with_earlier(certain)
            for number in sorted(certain):
                for folder, name, meaning in self.pending[number].names:
                    _set(folder.flushed, name, meaning)
            self.pending = [
                change for number, change in enumerate(self.pending) if number not in certain
            ]

    def with_earlier(self, chosen: Iterable[int]) -> set[int]:
        """Return pending changes with the earlier ones of the same names, on which they rest."""
        needed = set(chosen)
        for number in reversed(range(len(self.pending))):
            if any(number < each and self._share_a_name(number, each) for each in needed):
                needed.add(number)
        return needed

    def with_later(self, chosen: Iterable[int]) -> set[int]:
        """Return pending changes with the later ones of the same names, which rest on them."""
        lost = set(chosen)
        for number in range(len(self.pending)):
            if any(each < number and self._share_a_name(number, each) for each in lost):
                lost.add(number)
        return lost

    def _share_a_name(self, one: int, other: int) -> bool:
        return self.pending[one].touches(self.pending[other])

    def files(self, kept: Iterable[int]) -> list[tuple[Path, Node]]:
        """Return what can be reached on the disk if some of the pending changes happened.

        Args:
            kept: numbers of the pending changes that happened.

        Returns:
            The paths of files, folders and links from the root of the disk, and what each is.
        """
        names: dict[DiskFolder, dict[str, Node]] = {}
        for number in sorted(kept):
            for folder, name, node in self.pending[number].names:
                _set(names.setdefault(folder, dict(folder.flushed)), name, node)
        found: list[tuple[Path, Node]] = []
        folders: list[tuple[Path, DiskFolder]] = [(Path(), self.root)]
        while folders:
            path, folder = folders.pop()
            for name, node in sorted(names.get(folder, folder.flushed).items()):
                found.append((path / name, node))
                if isinstance(node, DiskFolder):
                    folders.append((path / name, node))
        return found

    def seen(self) -> list[tuple[Path, Node]]:
        """Return what a program sees: everything has happened."""
        return self.files(range(len(self.pending)))


def _set(names: dict[str, Node], name: str, node: Node | None) -> None:
    if node is None:
        names.pop(name, None)
    else:
        names[name] = node
