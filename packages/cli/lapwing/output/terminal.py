"""Prints what the services print on one terminal, each line with the name of its service."""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from rich.text import Text

from contract.errors import ServiceError
from contract.printable import printable
from contract.printing import TextConsole
from lapwing.output import log_files
from lapwing.output.log_files import LogFollower

COLORS: Final = {
    "redis": "red",
    "ingest": "green",
    "trainer": "magenta",
    "inference": "blue",
    "driver-bridge": "yellow",
    "lapwing": "white",
}
NAME_WIDTH: Final = max(map(len, COLORS))
COLOR_SEQUENCE: Final = re.compile(r"(\x1b\[[0-9;]*m)")
POLL_S: Final = 0.3


class Terminal:
    """Prints the lines of many processes, one at a time."""

    def __init__(self, console: TextConsole) -> None:
        self._console = console
        self._drawn = io.StringIO()
        self._drawing = TextConsole(
            file=self._drawn,
            force_terminal=console.is_terminal,
            color_system=console.color_system,
            no_color=console.no_color,
            width=console.width,
        )
        self._lock = threading.Lock()

    def print_line(self, name: str, text: str) -> None:
        """Print a line that the process `name` printed.

        Raises:
            OSError: it cannot be written: the output is a file on a full disk, or nobody reads it.
        """
        label = (f"{name:<{NAME_WIDTH}} │ ", COLORS.get(name, "white"))
        with self._lock:
            # Rich itself would keep what it could not write, print it again with each later line,
            # and end this thread where nobody reads the output.
            self._drawing.print(Text.assemble(label, _colored(text)), soft_wrap=True)
            drawn = self._drawn.getvalue()
            self._drawn.seek(0)
            self._drawn.truncate()
            self._console.file.write(drawn)
            self._console.file.flush()


def _colored(text: str) -> Text:
    """Return a line in the colours that its service gave it; all else that it holds is text.

    A log may hold what a stranger sent. Of the sequences that steer a terminal only those that
    choose colours are obeyed ("select graphic rendition", ECMA-48 section 8.3.117).
    """
    parts = COLOR_SEQUENCE.split(text)
    return Text.from_ansi(
        "".join(part if index % 2 else printable(part, "\t") for index, part in enumerate(parts))
    )


def last_lines(logs: Path, names: Sequence[str], count: int) -> Iterator[tuple[str, str]]:
    """Yield the last lines that each service printed under `lapwing up`, service by service.

    Args:
        logs: the folder with the log files.
        names: the services; all of them if there are none.
        count: number of lines for each service.

    Raises:
        ServiceError: there is no log of one of the services.
    """
    paths = log_files.find(logs, names)
    missing = [path.stem for path in paths if not path.exists()]
    if missing or not paths:
        raise ServiceError(
            "there are no logs" + (f" of {', '.join(missing)}" if missing else ""),
            got=str(logs),
            remedy="`lapwing up` writes them. For containers, use `docker compose logs`",
        )
    for path in paths:
        for text in log_files.last_lines(path, count):
            yield path.stem, text


def new_lines(logs: Path, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the lines that services print from now on, without end."""
    readers = {path: LogFollower(path, skip=True) for path in logs.glob("*.log")}
    while True:
        for path in log_files.find(logs, names):
            if path.exists():
                reader = readers.setdefault(path, LogFollower(path, skip=False))
                for text in reader.new_lines():
                    yield path.stem, text
        time.sleep(POLL_S)
