"""The table of open connections: it bounds their number and holds each to its deadline."""

from __future__ import annotations

import asyncio
import logging
import math
import resource
from collections import Counter
from typing import Final, Protocol

from contract.watchdog import Watchdog

log = logging.getLogger(__name__)

MAX_CONNECTIONS: Final = 1024
"""Number of connections at a time. An open one without a request holds 8 kB."""
SPARE_FILES: Final = 640
"""Number of files that are left to everything else: 512 connections that the system may hand over
before those that made room for them are closed, and the workers, the registry and the log."""
SWEEP_S: Final = 0.5
"""Time in seconds between two looks at the deadlines, which are seconds long."""
MOST_ENDED: Final = 16
"""Number of connections that are ended in one look, which takes a millisecond: a crowd that came
together is late together, and a frame must not wait for its end."""
NEXT_LOOK_S: Final = 0.02
"""Time in seconds until the next look where more connections are late."""


class TrackedConnection(Protocol):
    """What the table needs to know of a connection."""

    address: str
    """The address of the client."""
    opened_s: float
    answered_s: float
    """The time of its last complete answer; 0 if there was none yet."""

    @property
    def is_being_answered(self) -> bool:
        """Whether its request has arrived and its answer is on the way."""

    def abort(self) -> None:
        """Close it at once."""

    def postpone(self, seconds: float) -> None:
        """Let its deadlines end later, since this process stood still."""

    def check_deadline(self, now_s: float) -> bool:
        """End it if it is late; return whether it was."""


class ConnectionTable:
    """All connections of a server. A new one is always let in, so that health can be asked for.

    At the limit others make room for it: first those that never had an answer, of the address with
    the most of them, the oldest first; then the one whose last answer is the longest ago. So the
    connections of a bridge that drives are kept, whoever else connects.

    Args:
        limit: number of connections at a time.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._connections: set[TrackedConnection] = set()
        self._sweep: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._connections)

    def add(self, connection: TrackedConnection) -> None:
        """Let a new connection in; others may be closed for it, or itself if all are answered."""
        if len(self._connections) >= self._limit:
            leaving = self._choose()
            for other in leaving:
                self._connections.discard(other)
                other.abort()
            if not leaving:
                connection.abort()
                return
        self._connections.add(connection)
        if self._sweep is None:
            loop = asyncio.get_running_loop()
            # It only measures delays. A look may be late by as much as the event loop is busy.
            self._watchdog = Watchdog(0.0, 2 * SWEEP_S, loop.time)
            self._sweep = loop.call_later(SWEEP_S, self._check_deadlines)

    def remove(self, connection: TrackedConnection) -> None:
        """Forget a connection that was closed."""
        self._connections.discard(connection)

    def _choose(self) -> list[TrackedConnection]:
        """Return the connections that make room."""
        waiting = [each for each in self._connections if not each.is_being_answered]
        strangers = [each for each in waiting if not each.answered_s]
        if not strangers:
            return [min(waiting, key=lambda each: each.answered_s)] if waiting else []
        counts = Counter(each.address for each in strangers)
        strangers.sort(key=lambda each: (-counts[each.address], each.opened_s))
        # Several at a time: sorting takes a millisecond, and a flood opens thousands a second.
        # At most half of them: those that were opened just now may be about to ask.
        return strangers[: max(1, min(self._limit // 16, len(strangers) // 2))]

    def _check_deadlines(self) -> None:
        loop = asyncio.get_running_loop()
        now_s, ended = self._watchdog.look(), 0
        try:
            if self._watchdog.delay_s:  # what the clients sent meanwhile has not been read yet
                for connection in self._connections:
                    connection.postpone(self._watchdog.delay_s)
            for connection in tuple(self._connections):
                ended += self._check(connection, now_s)
                if ended >= MOST_ENDED:
                    break
        finally:  # whatever happens: without the next look no connection had a deadline any more
            pause_s = NEXT_LOOK_S if ended >= MOST_ENDED else SWEEP_S
            again = bool(self._connections)
            self._sweep = loop.call_later(pause_s, self._check_deadlines) if again else None

    def _check(self, connection: TrackedConnection, now_s: float) -> bool:
        """End a connection that is late or cannot be checked; return whether it was ended."""
        try:
            return connection.check_deadline(now_s)
        except Exception:
            log.exception("a connection is closed, because its deadline cannot be checked")
            self._connections.discard(connection)
            connection.abort()
            return True


def raise_file_limit() -> int:
    """Let this process open as many files as it needs; return the number of connections.

    That is MAX_CONNECTIONS, or fewer where the hard limit of the system (RLIMIT_NOFILE) leaves less
    beside SPARE_FILES.
    """
    soft, hard = (
        math.inf if limit == resource.RLIM_INFINITY else limit
        for limit in resource.getrlimit(resource.RLIMIT_NOFILE)
    )
    wanted = MAX_CONNECTIONS + SPARE_FILES
    if soft < wanted:
        soft = min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (int(soft), _system_limit(hard)))
    return int(min(MAX_CONNECTIONS, max(soft - SPARE_FILES, soft // 4)))


def _system_limit(limit: float) -> int:
    return resource.RLIM_INFINITY if limit == math.inf else int(limit)
