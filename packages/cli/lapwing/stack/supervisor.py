"""Runs several processes: labels what they print, restarts those that die, bounds their memory."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Final, Self

import psutil

from contract.child_process import SAFE_PATH, die_with_parent
from contract.setting_forms import read_size
from contract.watchdog import Watchdog
from lapwing.stack import memory
from lapwing.stack.processes import Process

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 30.0
STEADY_S: Final = 60.0
"""If a process ran this long before it died, its next pause is FIRST_PAUSE_S again."""
AFTER_KILL_S: Final = 1.0
"""Time that a killed process has to give its memory back before it is measured again."""
STOP_POLL_S: Final = 0.02
MIB: Final = 1 << 20

PrintLine = Callable[[str, str], None]
"""Is called with the name of a process and a line that it printed."""


class Child:
    """One process, which is restarted whenever it dies."""

    def __init__(
        self, process: Process, environment: Mapping[str, str], logs: Path, print_line: PrintLine
    ) -> None:
        self.process = process
        self._environment = {
            **os.environ,
            **environment,
            **process.environment,
            **SAFE_PATH,
            "PYTHONUNBUFFERED": "1",
        }
        self._bound_bytes = read_size(environment.get(process.memory, "0"))
        self._log_path = logs / f"{process.name}.log"
        self._print_line = print_line
        self._pause_s = FIRST_PAUSE_S
        self._started = 0.0
        self._due = 0.0
        self._measured_again = 0.0
        self._running: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """The id of the process, or None while it does not run."""
        running = self._running
        return None if running is None else running.pid

    def start(self) -> None:
        """Start the process in a session of its own.

        So Ctrl-C reaches only the supervisor, which stops the processes in order.
        """
        supervisor_pid = os.getpid()
        self._running = subprocess.Popen(
            self.process.command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            # SIGTERM lets the workers end their jobs even if the supervisor is killed.
            preexec_fn=lambda: die_with_parent(supervisor_pid, signal.SIGTERM),
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
                self._print_line(self.process.name, text.rstrip("\n"))

    def restart_if_dead(self) -> None:
        """Start the process again if it died, after a pause that doubles each time."""
        if self._running is not None and self._running.poll() is not None:
            lived_s = time.monotonic() - self._started
            if lived_s >= STEADY_S:
                self._pause_s = FIRST_PAUSE_S
            self._print_line(
                self.process.name,
                f"ended with status {self._running.returncode} after {lived_s:.0f} s; "
                f"it is started again in {self._pause_s:.0f} s",
            )
            self._running = None
            self._due = time.monotonic() + self._pause_s
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        elif self._running is None and time.monotonic() >= self._due:
            self.start()

    def enforce_bound(self, sessions: Mapping[int, list[psutil.Process]]) -> None:
        """Kill the largest process of this one's session if all of them use too much memory.

        Args:
            sessions: all processes by their session.
        """
        now = time.monotonic()
        if not self._bound_bytes or self.pid is None or now < self._measured_again:
            return
        usage = memory.find_excess(sessions.get(self.pid, []), self._bound_bytes)
        if usage is None:
            return
        memory.kill(usage.largest)
        self._measured_again = now + AFTER_KILL_S
        self._print_line(
            self.process.name,
            f"used {usage.used_bytes / MIB:,.0f} MiB of memory, more than its bound of "
            f"{self._bound_bytes / MIB:,.0f} MiB: process {usage.largest.pid}, its largest, was "
            f"killed. {self.process.memory} sets the bound",
        )

    def stop(self) -> None:
        """Ask the process to end. If it does not, kill it and the processes that it started."""
        if self._running is None:
            return
        self._running.terminate()
        watchdog = Watchdog(self.process.stop_timeout_s, 1.0)
        while self._running.poll() is None and not watchdog.is_expired:
            time.sleep(STOP_POLL_S)
            watchdog.look()
        if self._running.poll() is None:
            self._print_line(self.process.name, "did not end by itself and was killed")
            os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait()
        if self._reader is not None:
            self._reader.join(2)
        self._running = None


class Supervisor:
    """All processes of a home, as a context manager that stops them, the last one first.

    Args:
        processes: the processes, in the order of their start.
        environment: variables that all of them get.
        logs: the folder for what they print, in one file for each.
        print_line: is called with each line that one of them prints.
    """

    def __init__(
        self,
        processes: Sequence[Process],
        environment: Mapping[str, str],
        logs: Path,
        print_line: PrintLine,
    ) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._children = [Child(process, environment, logs, print_line) for process in processes]

    def start(self, ready: Callable[[Process], None]) -> None:
        """Start all processes in order. The next one starts when `ready` has returned."""
        for child in self._children:
            child.start()
            ready(child.process)

    def processes(self) -> list[dict[str, object]]:
        """Return the name and the process id of each service. The id is None while it is down."""
        return [{"name": child.process.name, "pid": child.pid} for child in self._children]

    def watch(self, stop: threading.Event) -> None:
        """Restart processes that die, and kill those that grow too large, until `stop` is set."""
        while not stop.wait(0.2):
            sessions = memory.list_sessions()
            for child in self._children:
                child.restart_if_dead()
                child.enforce_bound(sessions)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for child in reversed(self._children):
            child.stop()
