"""Arms the library that kills or holds the process of a job at a system call; see failpoints.c."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from support.waiting import await_true

SOURCE = Path(__file__).with_name("failpoints.c")
HORSE = "work_horse"
"""In the command line of a job's own process."""
READER = "spawn_main"
"""In the command line of a reader of a training."""


def compile_library(folder: Path, seen_as: str = "/failpoints/") -> Path:
    """Compile the library into a folder of failpoints, with gcc, which Lapwing needs anyway.

    Args:
        folder: the folder.
        seen_as: the path of the folder for the processes that load the library, with / behind it.
    """
    library = folder / "failpoints.so"
    define = f'-DFOLDER="{seen_as}"'
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", define, "-o", library, SOURCE],
        check=True,
    )
    library.chmod(0o755)
    return library


@dataclass(frozen=True)
class Failpoint:
    """A moment in the process of a job."""

    call: str
    """open, write, close, fsync, rename or send with - or + for before or after; or time."""
    text: str = "-"
    """A part of the path, of the new name, or of what is sent."""
    number: int = 1
    """The number of the call that matches, or the milliseconds after the process's start."""
    who: str = HORSE

    def __str__(self) -> str:
        return f"{self.call} {self.text} {self.number}"


@dataclass
class Armed:
    """A failpoint for the one job that is queued with this label."""

    folder: Path
    label: str

    @property
    def _fired(self) -> Path:
        return self.folder / f"{self.label}.fired"

    def arm(self, point: Failpoint, action: str = "kill", *, after: bool = False) -> None:
        """Let the next process of the job be killed or held there, or the one after that."""
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.label), "queue() changes such a label"
        self._fired.unlink(missing_ok=True)
        new = self.folder / f"{self.label}.new"
        new.write_text(f"{point.who} {action} {point.call} {point.text} {point.number}\n")
        new.chmod(0o666)
        new.rename(self.folder / (f"{self.label}.next" if after else self.label))

    @property
    def was_met(self) -> bool:
        """Whether the process came to the failpoint; for a time, whether it was started."""
        return self._fired.exists()

    @property
    def met_at_s(self) -> float:
        """When the process came to the failpoint, in seconds since 1970."""
        return self._fired.stat().st_mtime

    def await_met(self, timeout_s: float = 60.0) -> None:
        await_true(lambda: self.was_met, f"{self.label} comes to its failpoint", timeout_s)

    def forget_met(self) -> None:
        """Wait for the next failpoint of the same job."""
        self._fired.unlink()

    def release(self) -> None:
        """Let a process on hold go on, and forget a failpoint that was not met."""
        (self.folder / self.label).unlink(missing_ok=True)
        self._fired.unlink(missing_ok=True)
