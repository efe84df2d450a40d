"""Prints what the commands report: progress and tables for people, JSON for programs, errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from contract import printing
from contract.errors import LapwingError
from contract.files import file_access
from simulator.episode.result import (
    EpisodeResult,
    EvaluationResult,
    episode_rows,
    evaluation_rows,
)
from simulator.episode.runner import Observation
from simulator.track.geometry import Track
from simulator.unity.replay import ReplayResult
from simulator.viz.frames_to_video import VideoSummary

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")]


def run_app(app: typer.Typer, name: str) -> None:
    """Run a command line; an error of Lapwing prints one line, and the exit status is 1.

    Args:
        app: Command line.
        name: Name of the program in usage lines; LAPWING_COMMAND in the environment replaces it.
    """
    try:
        with file_access.explain_denied():
            app(prog_name=os.environ.get("LAPWING_COMMAND", name))
    except LapwingError as error:
        printing.print_error("simulator", error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


@contextmanager
def driving(track: Track, laps: float) -> Iterator[Callable[[Observation], None]]:
    """Show a progress bar of a drive, and yield a function that takes each observation."""
    with printing.progress_bar(f"driving {track.name}") as on_progress:
        yield lambda observation: on_progress(observation.distance_m / (laps * track.length_m))


def episode(result: EpisodeResult, folder: Path | None, has_video: bool) -> None:
    """Print the result of one drive.

    Args:
        result: Result of the drive.
        folder: Folder of its report, or None.
        has_video: Whether the report has a video.
    """
    rows = episode_rows(result)
    if folder is not None:
        suffixes = ("mp4", "png", "json") if has_video else ("png", "json")
        rows += [("saved", str(folder / f"drive.{suffix}")) for suffix in suffixes]
    _print_table(rows)


def evaluation(result: EvaluationResult) -> None:
    """Print the results of several drives."""
    _print_table(evaluation_rows(result))


def replay(result: ReplayResult) -> None:
    """Print how a bridge answered the frames of a recording."""
    answered = result.answered + result.coalesced
    _print_table(
        [
            (
                "telemetries answered",
                f"{answered:,} of {result.telemetries:,}; "
                f"{result.coalesced} of them by the answer to another",
            ),
            ("answers a second", f"{result.answers_per_s:.0f}"),
            ("round trip p50 / p99", f"{result.p50_ms:.1f} / {result.p99_ms:.1f} ms"),
            (
                "steering",
                f"{result.steering_min:+.3f} .. {result.steering_max:+.3f}, mean "
                f"{result.steering_mean:+.3f}",
            ),
            ("speed at the end", f"{result.speed_mph:.1f} mph"),
        ]
    )


def video(summary: VideoSummary) -> None:
    """Print what a finished video contains."""
    rows = [
        ("video", str(summary.path)),
        ("pictures", f"{summary.pictures:,}"),
        ("playing time", f"{summary.seconds:.1f} s"),
    ]
    if summary.left_out:
        rows.append(("files that could not be decoded", f"{summary.left_out:,}"))
    _print_table(rows)


def _print_table(rows: Sequence[tuple[str, str]]) -> None:
    table = printing.name_value_table()
    for name, value in rows:
        table.add_row(name, value)
    printing.message_console().print(table)
