"""Shows viewers what the bridge does, over Redis: never slowing it, whatever Redis does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from contract.wire.live_view import CHANNEL, LiveView

log = logging.getLogger(__name__)

EVERY_S: Final = 0.1
"""Between two views of one simulator."""
LOOK_S: Final = 1.0
"""Between two looks whether somebody listens, or whether Redis is back."""
TIMEOUT_S: Final = 1.0
"""Of Redis. Only this module's own greenlet waits for it."""
MOST: Final = 64
"""Simulators that are shown at the same time: 64 x 20 kB."""


def connect(url: str, password_file: str) -> Redis:
    """Return a connection that is made with its first command.

    Raises:
        OSError: the password's file cannot be read.
        ValueError: the address is none.
    """
    password = Path(password_file).read_text().strip() if password_file else None
    return Redis.from_url(
        url,
        **({"password": password} if password else {}),
        retry=Retry(NoBackoff(), 0),
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
    )


class Live:
    """The newest view of each simulator, told to whoever listens.

    Args:
        connect: to Redis.
        sleep: for seconds, while everything else goes on.
        clock: seconds that only go forward.
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
        self._waiting: dict[str, LiveView] = {}
        self._shown_at: dict[str, float] = {}
        self._listening = False
        self._gone = False
        self.published = 0

    def wants(self, simulator: str) -> bool:
        """Tell whether a view of this simulator would be seen; while nobody listens, none is."""
        if not self._listening:
            return False
        if self._clock() - self._shown_at.get(simulator, -EVERY_S) < EVERY_S:
            return False
        return simulator in self._shown_at or len(self._shown_at) < MOST

    def show(self, view: LiveView) -> None:
        """Take a view; the one before, if it still waits, gives way."""
        self._shown_at[view.simulator] = self._clock()
        self._waiting[view.simulator] = view

    def forget(self, simulator: str) -> None:
        """The simulator has left."""
        self._shown_at.pop(simulator, None)
        self._waiting.pop(simulator, None)

    def run(self) -> None:
        """Tell whoever listens, for ever."""
        while True:
            try:
                with self._connect() as redis:
                    self._tell(redis)
            except (RedisError, OSError, ValueError) as error:
                if not self._gone:
                    log.warning("nobody can watch: Redis does not answer: %s", error)
                self._gone = True
            self._listening = False
            self._waiting.clear()
            self._sleep(LOOK_S)

    def _tell(self, redis: Redis) -> None:
        looked_at = -LOOK_S
        while True:
            now = self._clock()
            if now - looked_at >= LOOK_S:
                ((_, listeners),) = redis.pubsub_numsub(CHANNEL)
                self._listening = listeners > 0
                looked_at = now
                if self._gone:
                    log.info("Redis answers again")
                    self._gone = False
            while self._listening and self._waiting:
                _, view = self._waiting.popitem()
                redis.publish(CHANNEL, view.encode())
                self.published += 1
            self._sleep(EVERY_S / 2 if self._listening else LOOK_S)
