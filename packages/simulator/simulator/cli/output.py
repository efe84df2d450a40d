"""What the simulator's commands print: progress and tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from evaluator.offline.log_replay import Rerun
from evaluator.offline.logged_drive import Recorded
from evaluator.offline.path_quality import Reference
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


def reruns(
    driver: str, found: Sequence[tuple[Recorded, Reference, Sequence[Rerun]]], kept: Sequence[Path]
) -> None:
    """Show drives along recordings, and what of the recordings speaks against them."""
    table = Table(box=None, title=driver, title_justify="left")
    for head in ("recording", "driven", "limit", "autonomy", "put back", "off the path, rms"):
        table.add_column(head, no_wrap=True)
    for road, _, drives in found:
        for each in drives:
            table.add_row(
                road.name,
                f"{each.elapsed_s:.0f} s",
                f"{each.limit_m:g} m",
                f"{each.autonomy_percent:.1f} %",
                f"{len(each.interventions)} times",
                f"{each.rmse_m:.2f} m",
            )
    to = Console(soft_wrap=True)
    to.print(table)
    for road, reference, _ in found:
        notes = [f"unfit as a reference: {reason}" for reason in reference.reasons]
        if road.cameras == 1:
            notes.append("of the centre camera alone: views from beside are warped further")
        if road.nominal:
            notes.append("its file names carry no time: rows count as 1/15 s apart")
        if road.left_out:
            notes.append(f"{road.left_out} lines were left out")
        for note in notes:
            to.print(f"{road.name}: {note}", highlight=False)
    for path in kept:
        to.print(f"kept {path}", highlight=False)


def scores(version: int, documents: Sequence[Mapping[str, Any]]) -> None:
    """Show a model's open-loop errors, beside its baselines'."""
    to = Console(soft_wrap=True)
    for each in documents:
        found = each["score"]
        table = Table(
            "",
            "MSE",
            "MAE",
            box=None,
            title_justify="left",
            title=f"{each['recording']}, {found['rows']:.0f} rows"
            f"{' that were held out' if each['held_out'] else ''}",
        )
        for label, mark in (
            (f"version {version}", ""),
            ("predict zero", "_zero"),
            ("hold last", "_hold"),
        ):
            table.add_row(label, f"{found['mse' + mark]:.4f}", f"{found[f'mae{mark}_deg']:.2f}°")
        to.print(table)
        names = ("skill", "correlation", "correlation_smoothed")
        skill, plain, smooth = (
            "-" if found[name] is None else f"{found[name]:.2f}" for name in names
        )
        lines = [
            f"skill {skill}, bias {found['bias_deg']:+.2f}°, correlation {plain}, with the "
            f"smoothed label {smooth}"
        ]
        lines += [
            f"recorded {part['from']:+.2f} to {part['to']:+.2f}, {part['rows']:.0f} rows: "
            f"MAE {part['mae_deg']:.1f}°, bias {part['bias_deg']:+.1f}°"
            for part in each["by_bin"]
        ]
        lines += [
            f"{part['camera']} camera: answered {part['correction']:+.3f} more than the centre"
            for part in each["by_camera"][1:]
        ]
        for line in (*lines, f"leak: {each['leak']['says']}"):
            to.print(f"  {line}", highlight=False)


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
