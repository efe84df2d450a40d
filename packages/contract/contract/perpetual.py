"""Runs work that must never end, such as looking for a new version: a fault is said and survived.

A thread, a greenlet or a task that ends with an exception ends in silence, and its process goes on
without what it did. So each piece of such work is a PerpetualWork: an exception is logged with its
traceback, and the work is begun again after a pause. Each pause is twice as long as the one before,
until the work succeeds again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Final

from contract.errors import LapwingError

__all__ = [
    "Pauses",
    "PerpetualWork",
    "describe",
    "end_process",
    "log_failure",
]

log = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0

Report = Callable[[str, Exception], None]
"""Says what happened, in one line, and why."""


class Pauses:
    """The pauses between attempts, in seconds: each is twice the one before, up to the longest."""

    def __init__(self, first_s: float = FIRST_PAUSE_S, longest_s: float = LONGEST_PAUSE_S) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._next_s = first_s

    def take_s(self) -> float:
        """Return the pause before the next attempt."""
        pause_s, self._next_s = self._next_s, min(2 * self._next_s, self._longest_s)
        return pause_s

    def reset(self) -> None:
        """Begin again with the first pause, because an attempt has succeeded."""
        self._next_s = self._first_s


def describe(error: Exception) -> str:
    """Return an error in words: the message of our own, and also the type of any other."""
    if isinstance(error, LapwingError):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def log_failure(text: str, error: Exception) -> None:
    """Log a failure; only an error that is not our own needs its traceback."""
    log.error("%s", text, exc_info=None if isinstance(error, LapwingError) else error)


def end_process(name: str) -> None:
    """Ask this process to end, because it cannot do all of its work any more.

    What supervises the process starts it again.
    """
    log.critical("%s has ended for good: this process ends, to be started again", name)
    os.kill(os.getpid(), signal.SIGTERM)


class PerpetualWork:
    """One piece of work that must never end.

    Args:
        name: what it does, as the subject of a sentence, for example "the watch of the registry".
        report: says that it failed.
        end: is called with the name where the work ends nevertheless: an exception that is no
            Exception ends it, or the report itself fails.
        longest_pause_s: longest pause in seconds between two attempts.
    """

    def __init__(
        self,
        name: str,
        report: Report = log_failure,
        end: Callable[[str], object] = end_process,
        longest_pause_s: float = LONGEST_PAUSE_S,
    ) -> None:
        self._name = name
        self._report = report
        self._end = end
        self._pauses = Pauses(longest_s=longest_pause_s)
        self.trouble = ""
        """Why the last attempt failed; empty after one that did not."""

    def run(
        self,
        step: Callable[[], object],
        sleep: Callable[[float], object],
        every_s: float,
    ) -> None:
        """Do a step again and again, in a thread or greenlet of its own.

        Args:
            step: does the work once, or for as long as it can.
            sleep: waits for a number of seconds; it returns true if the work is to end.
            every_s: time in seconds between two steps that succeed.
        """
        pause_s = 0.0
        try:
            while not sleep(pause_s):
                try:
                    step()
                except Exception as error:  # noqa: BLE001 - it is reported, and tried again
                    pause_s = self.fail(error)
                else:
                    pause_s = self.succeed(every_s)
        except BaseException:
            self._end(self._name)
            raise

    async def run_async(self, step: Callable[[], Awaitable[object]], every_s: float) -> None:
        """Do a step again and again in a task of its own, until the task is cancelled.

        Args:
            step: does the work once.
            every_s: time in seconds between two steps that succeed.
        """
        pause_s = 0.0
        try:
            while True:
                await asyncio.sleep(pause_s)
                try:
                    await step()
                except Exception as error:  # noqa: BLE001 - it is reported, and tried again
                    pause_s = self.fail(error)
                else:
                    pause_s = self.succeed(every_s)
        except asyncio.CancelledError:
            raise
        except BaseException:
            self._end(self._name)
            raise

    def fail(self, error: Exception) -> float:
        """Report that an attempt failed, and return the pause in seconds before the next one."""
        pause_s = self._pauses.take_s()
        self.trouble = f"{self._name} failed: {describe(error).rstrip('.')}."
        self._report(f"{self.trouble} It is tried again in {pause_s:g} s", error)
        return pause_s

    def succeed(self, every_s: float = 0.0) -> float:
        """Note that an attempt did not fail, and return the pause before the next one."""
        if self.trouble:
            self.trouble = ""
            self._pauses.reset()
            log.info("%s goes on again", self._name)
        return every_s
