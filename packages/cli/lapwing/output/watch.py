"""Shows live how each simulator is driven, from what the bridge publishes in Redis."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

from redis import Redis, exceptions
from rich.live import Live
from rich.table import Table
from rich.text import Text

from contract import printing
from contract.errors import JobError
from contract.printing import TextConsole
from contract.wire.live_view import CHANNEL, LiveView, decode

STALE_S: Final = 3.0
"""A simulator is removed from the screen this long after its last view."""
RECEIVE_TIMEOUT_S: Final = 0.2
BAR_WIDTH: Final = 21
"""Width in characters of the bar that shows the steering."""
SOURCE_COLORS: Final = {"model": "green", "held": "yellow", "stopped": "red", "manual": "cyan"}


def receive_views(connection: Redis, seconds: float | None = None) -> Iterator[LiveView | None]:
    """Yield the views that the bridge publishes, and None if none came within a moment.

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
                message: dict[str, Any] | None = channel.get_message(timeout=RECEIVE_TIMEOUT_S)
                yield None if message is None else decode(message["data"])
        except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
            raise JobError(
                "the connection to Redis was lost",
                got=error,
                remedy="Start Lapwing again: `lapwing up` or `docker compose up -d`",
            ) from error


def draw_views(views: Iterable[LiveView | None], console: TextConsole) -> None:
    """Draw the newest view of each simulator until the views end."""
    newest: dict[str, tuple[float, LiveView]] = {}
    with Live(build_table([]), console=console, refresh_per_second=10, transient=False) as screen:
        for view in views:
            now = time.monotonic()
            if view is not None:
                newest[view.simulator] = (now, view)
            newest = {
                name: (received, last)
                for name, (received, last) in newest.items()
                if now - received < STALE_S
            }
            screen.update(build_table([last for _, last in newest.values()]))


def print_views_as_json(views: Iterable[LiveView | None]) -> None:
    """Print each view, without its image, as a JSON document on a line of its own."""
    for view in views:
        if view is not None:
            document = dataclasses.asdict(view)
            del document["image"]
            sys.stdout.write(json.dumps(document) + "\n")
            sys.stdout.flush()


def build_table(views: Iterable[LiveView]) -> Table:
    """Return a table with one line for each simulator, in the order of their numbers."""
    table = printing.wide_table(
        "simulator",
        "driven by",
        "left  steering  right",
        "throttle",
        "mph",
        "target",
        "answer in",
        "answers",
    )
    for view in sorted(views, key=lambda view: (len(view.simulator), view.simulator)):
        table.add_row(
            view.simulator,
            Text(view.how, SOURCE_COLORS.get(view.how, "white")),
            steering_bar(view.steering),
            f"{view.throttle:+.2f}",
            f"{view.speed_mph:.1f}",
            f"{view.target_mph:.1f}",
            f"{view.latency_ms:.1f} ms",
            f"{view.answers:,}",
        )
    if not table.row_count:
        table.add_row(Text("No simulator drives.", "dim"))
    return table


def steering_bar(steering: float) -> str:
    """Draw a steering, -1..1, as a mark on a scale."""
    position = round((max(-1.0, min(1.0, steering)) + 1) / 2 * (BAR_WIDTH - 1))
    scale = ["·"] * BAR_WIDTH
    scale[BAR_WIDTH // 2] = "|"
    scale[position] = "●"
    return "".join(scale)
