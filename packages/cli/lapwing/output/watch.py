"""Watches the simulators that drive: one line each, as the bridge tells of them over Redis."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError
from rich.console import Console
from rich.live import Live
from rich.table import Table

from contract.errors import JobError
from contract.wire.live_view import CHANNEL, LiveView, decode

STALE_S: Final = 3.0
"""After which a simulator that is not told of any more is taken off the screen."""
LOOK_S: Final = 0.2
WHEEL: Final = 21
"""Characters in which the steering is drawn."""


def views(connection: Redis, seconds: float | None = None) -> Iterator[LiveView | None]:
    """Yield what the bridge publishes, and None where nothing came for a moment.

    Args:
        connection: to Redis.
        seconds: after which it ends; None: never.

    Raises:
        JobError: Redis is gone.
        TelemetryError: what was published is no view.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    # redis has no types for it.
    with connection.pubsub(ignore_subscribe_messages=True) as channel:  # type: ignore[no-untyped-call]
        try:
            channel.subscribe(CHANNEL)
            while deadline is None or time.monotonic() < deadline:
                message: dict[str, Any] | None = channel.get_message(timeout=LOOK_S)
                yield None if message is None else decode(message["data"])
        except RedisError as error:
            raise JobError(
                "Redis is gone", got=error, remedy="`lapwing up` or `docker compose up -d` runs it"
            ) from error


def show(seen: Iterable[LiveView | None], console: Console) -> None:
    """Draw the newest view of each simulator until they end."""
    kept: dict[str, tuple[float, LiveView]] = {}
    with Live(table([]), console=console, refresh_per_second=10, transient=False) as screen:
        for view in seen:
            now = time.monotonic()
            if view is not None:
                kept[view.simulator] = (now, view)
            kept = {name: each for name, each in kept.items() if now - each[0] < STALE_S}
            screen.update(table([each for _, each in kept.values()]))


def documents(seen: Iterable[LiveView | None]) -> None:
    """Print each view as a JSON document of one line, its picture left out."""
    for view in seen:
        if view is not None:
            document = dataclasses.asdict(view)
            del document["image"]
            sys.stdout.write(json.dumps(document) + "\n")
            sys.stdout.flush()


def table(seen: Iterable[LiveView]) -> Table:
    """Return one line a simulator, in the order of their numbers."""
    made = Table(
        "simulator",
        "how",
        "left  steering  right",
        "throttle",
        "mph",
        "target",
        "answer in",
        "answers",
        box=None,
    )
    colors = {"model": "green", "held": "yellow", "stopped": "red", "manual": "cyan"}
    for view in sorted(seen, key=lambda each: (len(each.simulator), each.simulator)):
        made.add_row(
            view.simulator,
            f"[{colors.get(view.how, 'white')}]{view.how}[/]",
            wheel(view.steering),
            f"{view.throttle:+.2f}",
            f"{view.speed_mph:.1f}",
            f"{view.target_mph:.1f}",
            f"{view.latency_ms:.1f} ms",
            f"{view.answers:,}",
        )
    if not made.row_count:
        made.add_row("[dim]none drives[/]")
    return made


def wheel(steering: float) -> str:
    """Draw a steering, -1..1, as a mark on a scale."""
    place = round((max(-1.0, min(1.0, steering)) + 1) / 2 * (WHEEL - 1))
    scale = ["·"] * WHEEL
    scale[WHEEL // 2] = "|"
    scale[place] = "●"
    return "".join(scale)
