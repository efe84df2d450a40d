"""The job that collects what DAgger learns from: a model drives, an expert says what it would do.

The recording appears in the inbox of the data volume, in Udacity's format, as if somebody had
handed it in; an import that is queued with `staged` removes it.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.errors import RecordingError, SettingError
from contract.jobs import queue
from contract.models.registry import Registry
from contract.policy import load_version
from contract.settings import load
from evaluator.closed_loop import perturbations as written
from evaluator.closed_loop.dagger import Drive, relabel
from evaluator.closed_loop.perturbations import USUAL_OFFSET_M, Condition
from evaluator.settings import Settings
from simulator.drivers.in_process import InProcessDriver, ModelDriver
from simulator.episode import initial_state as seeded
from simulator.recording.udacity_writer import UdacityWriter, is_occupied
from simulator.track.catalog import load_track
from simulator.track.geometry import Track
from simulator.unity.number_format import LOCALES


@dataclass(frozen=True)
class Lesson:
    """What is to be collected.

    Raises:
        SettingError: a value is out of its range.
    """

    conditions: tuple[Condition, ...]
    starts: int = 6
    """Drives under each condition."""
    rows: int = 3000
    """In all; the drives share them evenly."""
    beta: float = 0.0
    """Share of the time that the expert drives: relabelling.Drive."""
    seed: int = 1
    """Of the starts."""

    def __post_init__(self) -> None:
        drives = self.starts * len(self.conditions)
        if not 1 <= drives <= self.rows:
            raise SettingError(
                "there must be drives, and a row for each",
                got=f"{drives} drives, {self.rows} rows",
                remedy="Ask for fewer starts, or for more rows",
            )
        if not 0 <= self.beta < 1:
            raise SettingError("beta is a share below 1", got=self.beta, remedy="0 is usual")


def run(
    version: int,
    name: str,
    conditions: Sequence[str],
    track: str = "lake",
    starts: int = 6,
    rows: int = 3000,
    beta: float = 0.0,
    seed: int = 1,
) -> dict[str, Any]:
    """Record what the expert would have done where a version got to.

    RQ calls this in a process of its own.

    Args:
        version: of the model that drives.
        name: of the recording, and so of the dataset.
        conditions: as conditions.py reads them.
        track: a built-in one's name, or a CSV file.
        starts: of Lesson, as what follows.
        rows: of all drives.
        beta: share that the expert drives.
        seed: of the starts.

    Returns:
        {"collected": {...}}: folder, rows, drives, interventions, and apart_mean, the mean of
        |model - expert| in steering, -1..1.

    Raises:
        LapwingError: there is no such version, or what is asked for cannot be driven.
    """
    job_id, report = queue.current_job()
    settings = load(Settings, os.environ)
    wanted = Lesson(tuple(written.parse(conditions)), starts, rows, beta, seed)
    road = load_track(track)
    report(phase="load")
    _, steer = load_version.load(Registry(settings.model_dir), version)
    folder = settings.data_dir / "inbox" / job_id / name
    return {"collected": collect(road, wanted, ModelDriver(steer), folder, report)}


def collect(
    track: Track, lesson: Lesson, model: InProcessDriver, folder: Path, report: queue.Report
) -> dict[str, Any]:
    """Do the work of `run`: drive, and record in `folder`, in place of what is there.

    Raises:
        RecordingError: no row was recorded, or the recording cannot be written.
    """
    if is_occupied(folder):  # of a run that was killed before it could answer
        shutil.rmtree(folder)
    usual = seeded.draw_initial_states(
        track, lesson.starts, lesson.seed, USUAL_OFFSET_M, ("clear",)
    )
    drives = [(each, each.start(start)) for each in lesson.conditions for start in usual]
    told = _counter(report, lesson.rows)
    clock_s, helped, apart = 0.0, 0, 0.0
    with UdacityWriter(
        folder, LOCALES["en-US"], f"{track.name} {folder.name} {lesson}"
    ) as recorder:
        for number, (each, start) in enumerate(drives):
            share = -(-(lesson.rows - recorder.rows) // (len(drives) - number))
            drive = Drive(start, share, each.delay_s, lesson.beta)
            driven = relabel(track, drive, model, recorder, clock_s, told)
            clock_s = driven.clock_s
            helped += driven.interventions
            apart += driven.apart
        rows = recorder.rows
    if not rows:
        raise RecordingError("no row was recorded", got=track.name, remedy="Name a longer track")
    return {
        "folder": str(folder),
        "rows": rows,
        "drives": len(drives),
        "interventions": helped,
        "apart_mean": apart / rows,
    }


def _counter(report: queue.Report, total: int) -> Callable[[], None]:
    """Return what counts rows, and tells of them."""
    began, rows = time.monotonic(), 0

    def told() -> None:
        nonlocal rows
        rows += 1
        rate = rows / max(time.monotonic() - began, 1e-9)
        report(
            phase="collect",
            rows_done=rows,
            rows_total=total,
            rows_per_s=round(rate, 1),
            eta_s=round((total - rows) / rate, 1),
        )

    return told
