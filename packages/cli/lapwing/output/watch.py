"""Shows live how each simulator is driven."""

from __future__ import annotations

import dataclasses
import itertools
import json
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Final

from rich.live import Live
from rich.table import Table
from rich.text import Text

from contract import printing
from contract.printing import TextConsole
from contract.wire.live_view import LiveView

STALE_S: Final = 3.0
"""A simulator is removed from the screen this long after its last view."""
BAR_WIDTH: Final = 21
"""Width in characters of the bar that shows the steering."""
SOURCE_COLORS: Final = {"model": "green", "held": "yellow", "stopped": "red", "manual": "cyan"}


def draw_views(arrivals: Iterable[Sequence[LiveView]], console: TextConsole) -> None:
    """Draw the newest view of each simulator until the arrivals end."""
    newest: dict[str, tuple[float, LiveView]] = {}
    with Live(build_table([]), console=console, refresh_per_second=10, transient=False) as screen:
        for views in arrivals:
            now = time.monotonic()
            newest |= {view.drive: (now, view) for view in views}
            newest = {
                name: (received, last)
                for name, (received, last) in newest.items()
                if now - received < STALE_S
            }
            screen.update(build_table([last for _, last in newest.values()]))


def print_views_as_json(arrivals: Iterable[Sequence[LiveView]]) -> None:
    """Print each view, without its image, as a JSON document on a line of its own."""
    for view in itertools.chain.from_iterable(arrivals):
        document = dataclasses.asdict(view)
        del document["image"]
        sys.stdout.write(json.dumps(document) + "\n")
        sys.stdout.flush()


def build_table(views: Iterable[LiveView]) -> Table:
    """Return a table with one line for each simulator, in the order of their numbers.

    Where several bridges drive, their names stand beside the numbers, which each of them counts.
    """
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
    shown = sorted(views, key=lambda view: (view.bridge, len(view.simulator), view.simulator))
    several = len({view.bridge for view in shown}) > 1
    for view in shown:
        table.add_row(
            view.drive if several else view.simulator,
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
