"""Receives what the bridge publishes about the drives of all simulators, through Redis."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

from redis import Redis, exceptions

from contract.errors import JobError
from contract.wire.live_view import CHANNEL, LiveView, decode

__all__ = ["MAX_VIEWS", "receive"]

TIMEOUT_S: Final = 0.2
"""Longest time in seconds to wait for the next view."""
MAX_VIEWS: Final = 640
"""Number of views that are yielded at once; a bridge publishes no more in a second."""


def receive(connection: Redis, seconds: float | None = None) -> Iterator[list[LiveView]]:
    """Yield the views that have arrived since the last time, oldest first; often there are none.

    A receiver that is slower than the bridges gets several views at once. So it can leave out those
    that a newer one of the same simulator has replaced, and never falls behind.

    Args:
        connection: the connection to Redis.
        seconds: time after which to stop; None means never.

    Raises:
        JobError: the connection to Redis was lost.
        TelemetryError: a published message is not a view.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    # The package redis has no types for this method.
    with connection.pubsub(ignore_subscribe_messages=True) as channel:  # type: ignore[no-untyped-call]
        try:
            channel.subscribe(CHANNEL)
            while deadline is None or time.monotonic() < deadline:
                views = []
                message: dict[str, Any] | None = channel.get_message(timeout=TIMEOUT_S)
                while message is not None:
                    views.append(decode(message["data"]))
                    message = channel.get_message(timeout=0) if len(views) < MAX_VIEWS else None
                yield views
        except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
            raise JobError(
                "the connection to Redis was lost",
                got=error,
                remedy="Start Lapwing again: `lapwing up` or `docker compose up -d`",
            ) from error
