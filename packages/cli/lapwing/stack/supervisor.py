"""Runs several processes: labels what they print, restarts those that die, bounds their memory."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Final, Self

import psutil

from contract.child_process import SAFE_PATH, die_with_parent
from contract.perpetual import PerpetualWork
from contract.setting_forms import read_size
from contract.watchdog import Watchdog
from lapwing.output.log_files import LogFile
from lapwing.stack import memory
from lapwing.stack.processes import Process

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 30.0
STEADY_S: Final = 60.0
"""If a process ran this long before it died, its next pause is FIRST_PAUSE_S again."""
AFTER_KILL_S: Final = 1.0
"""Time that a killed process has to give its memory back before it is measured again."""
LOOK_S: Final = 0.2
"""Time in seconds between two looks at the processes."""
UNREAD_S: Final = 1.0
"""Time in seconds that a process has to end after the end of its output."""
STOP_POLL_S: Final = 0.02
MAX_LINE_CHARS: Final = 1 << 16
"""Longest line that is logged and printed as one."""
MIB: Final = 1 << 20

PrintLine = Callable[[str, str], None]
"""Is called with the name of a process and a line that it printed."""


class PrintedLines:
    """Prints the lines of one process where `lapwing up` prints.

    That may be a file on a full disk, or a terminal that is gone. Then lines are lost, and nothing
    else: the process would wait for ever for somebody to take what it prints.
    """

    def __init__(self, name: str, print_line: PrintLine) -> None:
        self._name = name
        self._print_line = print_line
        self._lost = 0

    def print(self, text: str) -> None:
        """Print a line, and before it how many were lost."""
        try:
            if self._lost:
                self._print_line(self._name, f"{self._lost:,} lines could not be printed")
                self._lost = 0
            self._print_line(self._name, text)
        except OSError:
            self._lost += 1


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
        self._log = LogFile(logs / f"{process.name}.log")
        self._printed = PrintedLines(process.name, print_line)
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
        """Log and print what the process prints, until it ends; a long line counts as several."""
        with output:
            while text := output.readline(MAX_LINE_CHARS):
                note = self._log.write(text)
                self._printed.print(text.rstrip("\n"))
                if note:
                    self._printed.print(note)
        self._log.close()

    def restart_if_dead(self) -> None:
        """Start the process again if it died, after a pause that doubles each time.

        Raises:
            OSError: the system has no process, memory or file for it; a later call tries again.
        """
        if self._running is not None and self._reader is not None and not self._reader.is_alive():
            self._end_unread()
        if self._running is not None and self._running.poll() is not None:
            lived_s = time.monotonic() - self._started
            if lived_s >= STEADY_S:
                self._pause_s = FIRST_PAUSE_S
            self._printed.print(
                f"ended with status {self._running.returncode} after {lived_s:.0f} s; "
                f"it is started again in {self._pause_s:.0f} s",
            )
            self._running = None
            self._delay_start()
        elif self._running is None and time.monotonic() >= self._due:
            try:
                self.start()
            except OSError:
                self._delay_start()
                raise

    def _delay_start(self) -> None:
        self._due = time.monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def _end_unread(self) -> None:
        """End a process whose output nobody reads any more: it would wait when the pipe is full."""
        assert self._running is not None
        try:
            self._running.wait(UNREAD_S)
        except subprocess.TimeoutExpired:
            self._printed.print("is ended, because its output cannot be read")
            os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait()

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
        self._printed.print(
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
            self._printed.print("did not end by itself and was killed")
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
        self._print_line = print_line
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
        """Restart processes that die, and kill those that grow too large, until `stop` is set.

        An error is printed, and the watch goes on.
        """
        work = PerpetualWork("the watch of the services", self._report, longest_pause_s=LOOK_S)
        work.run(self._look, stop.wait, LOOK_S)

    def _look(self) -> None:
        sessions = memory.list_sessions()
        errors = []
        for child in self._children:
            try:
                child.restart_if_dead()
                child.enforce_bound(sessions)
            except Exception as error:  # noqa: BLE001 - it is raised when all were looked after
                errors.append(error)
        if errors:
            raise ExceptionGroup("not all services could be looked after", errors)

    def _report(self, text: str, error: Exception) -> None:
        for line in (text, *"".join(traceback.format_exception(error)).splitlines()):
            self._print_line("lapwing", line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for child in reversed(self._children):
            child.stop()
