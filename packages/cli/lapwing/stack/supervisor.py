"""Runs processes side by side: labels what they print, starts again what dies, stops all of it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Final, Self

from contract.child_process import die_with_parent
from lapwing.stack.processes import Process

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 30.0
STEADY_S: Final = 60.0
"""A process that ran this long has its pause before the next start reset."""

Line = Callable[[str, str], None]
"""Called with a process's name and a line that it printed."""


class Child:
    """One process and its restarts."""

    def __init__(
        self, process: Process, environment: Mapping[str, str], logs: Path, line: Line
    ) -> None:
        self.process = process
        self._environment = {**os.environ, **environment, "PYTHONUNBUFFERED": "1"}
        self._log_path = logs / f"{process.name}.log"
        self._line = line
        self._pause_s = FIRST_PAUSE_S
        self._started = 0.0
        self._due = 0.0
        self._running: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """The id of the process, or None while it does not run."""
        running = self._running
        return None if running is None else running.pid

    def start(self) -> None:
        """Start the process in a session of its own: Ctrl-C reaches only us, who stop in order."""
        us = os.getpid()
        self._running = subprocess.Popen(
            self.process.command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            # SIGTERM, so that workers end their jobs even when we are killed outright.
            preexec_fn=lambda: die_with_parent(us, signal.SIGTERM),
        )
        self._started = time.monotonic()
        assert self._running.stdout is not None
        self._reader = threading.Thread(
            target=self._relay, args=(self._running.stdout,), daemon=True
        )
        self._reader.start()

    def _relay(self, output: IO[str]) -> None:
        with output, self._log_path.open("a", encoding="utf-8") as log:
            for text in output:
                log.write(text)
                log.flush()
                self._line(self.process.name, text.rstrip("\n"))

    def mind(self) -> None:
        """Start the process again if it died, after a pause that doubles each time."""
        if self._running is not None and self._running.poll() is not None:
            lived_s = time.monotonic() - self._started
            if lived_s >= STEADY_S:
                self._pause_s = FIRST_PAUSE_S
            self._line(
                self.process.name,
                f"ended with status {self._running.returncode} after {lived_s:.0f} s; "
                f"starting it again in {self._pause_s:.0f} s",
            )
            self._running = None
            self._due = time.monotonic() + self._pause_s
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        elif self._running is None and time.monotonic() >= self._due:
            self.start()

    def stop(self) -> None:
        """Ask the process to end, and kill it and what it started when it does not."""
        if self._running is None:
            return
        self._running.terminate()
        try:
            self._running.wait(self.process.stop_s)
        except subprocess.TimeoutExpired:
            self._line(self.process.name, "did not end by itself: killed")
            os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait()
        if self._reader is not None:
            self._reader.join(2)
        self._running = None


class Supervisor:
    """All processes of a home; use it in `with`: leaving it stops them, the last started first."""

    def __init__(
        self,
        processes: Sequence[Process],
        environment: Mapping[str, str],
        logs: Path,
        line: Line,
    ) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._children = [Child(each, environment, logs, line) for each in processes]

    def start(self, ready: Callable[[Process], None]) -> None:
        """Start all of them in order; `ready` returns once the next one may start."""
        for child in self._children:
            child.start()
            ready(child.process)

    def processes(self) -> list[dict[str, object]]:
        """Return the name and the process id of each service; the id is None while it is down."""
        return [{"name": child.process.name, "pid": child.pid} for child in self._children]

    def watch(self, stop: threading.Event) -> None:
        """Mind the processes until `stop` is set."""
        while not stop.wait(0.2):
            for child in self._children:
                child.mind()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for child in reversed(self._children):
            child.stop()
