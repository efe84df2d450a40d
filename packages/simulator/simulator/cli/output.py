"""What the simulator's commands print: progress and tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from simulator.episode.result import Evaluation, Outcome, rows, summary
from simulator.episode.runner import Sight
from simulator.track.geometry import Track
from simulator.unity.replay import Drive as Replay
from simulator.viz.frames_to_video import Made


def console(as_json: bool) -> Console:
    """Return where people are told things: not where a JSON document goes."""
    return Console(stderr=as_json)


def document(value: object) -> None:
    """Print one JSON document to standard output."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


@contextmanager
def progress(label: str) -> Iterator[Callable[[float], None]]:
    """Show a bar; yield what is told the share that is done, 0..1."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(label, total=1.0)
        yield lambda share: bar.update(task, completed=share)


@contextmanager
def driving(track: Track, laps: float) -> Iterator[Callable[[Sight], None]]:
    """Show a bar of a drive; yield what is shown each picture."""
    with progress(f"driving {track.name}") as told:
        yield lambda sight: told(sight.driven_m / (laps * track.length_m))


def outcome(result: Outcome, folder: Path | None, film: bool) -> None:
    """Show one drive."""
    shown = rows(result)
    if folder is not None:
        kinds = ("mp4", "png", "json") if film else ("png", "json")
        shown += [("kept", str(folder / f"drive.{kind}")) for kind in kinds]
    _table(shown)


def evaluation(result: Evaluation) -> None:
    """Show many drives."""
    _table(summary(result))


def replay(drive: Replay) -> None:
    """Show how recorded frames were answered."""
    _table(
        [
            (
                "telemetries answered",
                f"{drive.answered + drive.folded:,} of "
                f"{drive.telemetries:,}, {drive.folded} of them with another's answer",
            ),
            ("answers a second", f"{drive.answers_per_s:.0f}"),
            ("round trip p50 / p99", f"{drive.p50_ms:.1f} / {drive.p99_ms:.1f} ms"),
            (
                "steering",
                f"{drive.steering_min:+.3f} .. {drive.steering_max:+.3f}, mean "
                f"{drive.steering_mean:+.3f}",
            ),
            ("speed at the end", f"{drive.speed_mph:.1f} mph"),
        ]
    )


def video(made: Made) -> None:
    """Show what became of a folder of pictures."""
    lines = [
        ("film", str(made.path)),
        ("pictures", f"{made.pictures:,}"),
        ("plays", f"{made.seconds:.1f} s"),
    ]
    if made.left_out:
        lines.append(("left out: no JPEG that can be decoded", f"{made.left_out:,}"))
    _table(lines)


def _table(lines: Sequence[tuple[str, str]]) -> None:
    table = Table(show_header=False, box=None)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in lines:
        table.add_row(name, value)
    Console().print(table, highlight=False)
