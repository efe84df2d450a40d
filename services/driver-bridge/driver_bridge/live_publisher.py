"""Publishes what the bridge does over Redis, for viewers; Redis never slows the bridge."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from contract.errors import SettingError
from contract.redis_client import make_client
from contract.wire.live_view import CHANNEL, LiveView

log = logging.getLogger(__name__)

VIEW_INTERVAL_S: Final = 0.1
"""Shortest time in seconds between two views of one simulator."""
POLL_S: Final = 1.0
"""Time in seconds between two checks whether anybody listens, or whether Redis is back."""
TIMEOUT_S: Final = 1.0
"""Timeout of Redis. Only the greenlet of this module waits for it."""
MAX_SIMULATORS: Final = 64
"""Number of simulators that are shown at the same time: 64 x 20 kB."""


def connect(url: str, password_file: str) -> Redis:
    """Return a client of Redis, which connects with its first command.

    Raises:
        SettingError: `url` is no address of a Redis, or the file of the password cannot be read.
    """
    return make_client(
        url,
        password_file,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
    )


class LivePublisher:
    """Publishes the newest view of each simulator while anybody listens.

    Args:
        connect: returns a client of Redis.
        sleep: waits for a number of seconds while other greenlets run.
        clock: returns seconds that never go backwards.
    """

    def __init__(
        self,
        connect: Callable[[], Redis],
        sleep: Callable[[float], object],
        clock: Callable[[], float],
    ) -> None:
        self._connect = connect
        self._sleep = sleep
        self._clock = clock
        self._connected: set[str] = set()
        self._pending: dict[str, LiveView] = {}
        self._queued_at_s: dict[str, float] = {}
        self._has_listeners = False
        self._failed = False
        self.published = 0

    def meet(self, simulator: str) -> None:
        """Take views of a simulator that has connected, until it is forgotten."""
        self._connected.add(simulator)

    def wants(self, simulator: str) -> bool:
        """Return whether a view of this simulator is wanted now; without listeners none is."""
        if not self._has_listeners or simulator not in self._connected:
            return False
        if self._clock() - self._queued_at_s.get(simulator, -VIEW_INTERVAL_S) < VIEW_INTERVAL_S:
            return False
        return simulator in self._queued_at_s or len(self._queued_at_s) < MAX_SIMULATORS

    def put(self, view: LiveView) -> None:
        """Queue a view; it replaces one of the same simulator that is still queued.

        An answer may be told after its simulator has disconnected. Its view is left out: nobody
        would ever forget that simulator again, and it would hold one of the places for ever.
        """
        if view.simulator not in self._connected:
            return
        self._queued_at_s[view.simulator] = self._clock()
        self._pending[view.simulator] = view

    def forget(self, simulator: str) -> None:
        """Remove a simulator that has disconnected; no view of it is taken any more."""
        self._connected.discard(simulator)
        self._queued_at_s.pop(simulator, None)
        self._pending.pop(simulator, None)

    def run(self) -> None:
        """Publish views for ever; a Redis that fails is tried again."""
        while True:
            try:
                with self._connect() as redis:
                    self._publish(redis)
            except (RedisError, OSError, SettingError) as error:
                if not self._failed:
                    log.warning("nobody can watch: Redis does not answer: %s", error)
                self._failed = True
            self._has_listeners = False
            self._pending.clear()
            self._sleep(POLL_S)

    def _publish(self, redis: Redis) -> None:
        polled_at_s = -POLL_S
        while True:
            now_s = self._clock()
            if now_s - polled_at_s >= POLL_S:
                ((_, listeners),) = redis.pubsub_numsub(CHANNEL)
                self._has_listeners = listeners > 0
                polled_at_s = now_s
                if self._failed:
                    log.info("Redis answers again")
                    self._failed = False
            if not self._has_listeners:
                self._pending.clear()  # A viewer who comes later is not shown what is past.
            while self._pending:
                _, view = self._pending.popitem()
                redis.publish(CHANNEL, view.encode())
                self.published += 1
            self._sleep(VIEW_INTERVAL_S / 2 if self._has_listeners else POLL_S)
