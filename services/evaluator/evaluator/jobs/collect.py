"""The job that collects DAgger data: a model drives, and the expert's steering is recorded.

The recording appears in the inbox of the data volume, in Udacity's format, like one that somebody
handed in; an import that is queued with `staged` removes it.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from contract.errors import RecordingError, SettingError
from contract.files import disk_space, inbox
from contract.jobs import queue
from contract.models.registry import Registry
from contract.policy import load_version
from contract.settings import load
from evaluator.closed_loop import perturbations
from evaluator.closed_loop.dagger import DaggerDrive, relabel
from evaluator.closed_loop.perturbations import DEFAULT_OFFSET_M, Condition
from evaluator.settings import Settings
from simulator.drivers.in_process import InProcessDriver, ModelDriver
from simulator.episode import initial_state
from simulator.recording.udacity_writer import UdacityWriter, is_occupied
from simulator.track.catalog import load_track
from simulator.track.geometry import Track
from simulator.unity.number_format import LOCALES

ROW_BYTES: Final = 60_000
"""Bytes that a row of a recording takes at most: three images of 320 x 160 pixels, and its line."""


@dataclass(frozen=True)
class CollectionConfig:
    """The options of a collection.

    Raises:
        SettingError: a value is out of its range.
    """

    conditions: tuple[Condition, ...]
    starts: int = 6
    """Number of drives under each condition."""
    rows: int = 3000
    """Number of rows of all drives together; each drive records the same share."""
    beta: float = 0.0
    """Share of the frames in which the expert moves the car; see DaggerDrive."""
    seed: int = 1
    """Seed of the starts."""

    def __post_init__(self) -> None:
        drives = self.starts * len(self.conditions)
        if not 1 <= drives <= self.rows:
            raise SettingError(
                "there must be at least one drive, and at least one row for each drive",
                got=f"{drives} drives, {self.rows} rows",
                remedy="Ask for fewer starts, or for more rows",
            )
        if not 0 <= self.beta < 1:
            raise SettingError(
                "beta must be a share from 0 to less than 1", got=self.beta, remedy="0 is usual"
            )


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
    """Record what the expert would have done in the states that a version drives into.

    RQ calls this in a process of its own.

    Args:
        version: version of the model that drives.
        name: name of the recording, and so of the dataset.
        conditions: texts that perturbations.parse reads.
        track: name of a built-in or random track, or path of a CSV file.
        starts: number of drives under each condition.
        rows: number of rows of all drives together.
        beta: share of the frames in which the expert moves the car.
        seed: seed of the starts.

    Returns:
        {"collected": {...}} with folder, rows, drives, interventions and apart_mean, the mean of
        |model - expert| in steering, -1..1.

    Raises:
        LapwingError: there is no such version, or the drives are impossible.
    """
    job_id, report = queue.current_job()
    settings = load(Settings, os.environ)
    config = CollectionConfig(tuple(perturbations.parse(conditions)), starts, rows, beta, seed)
    loaded_track = load_track(track)
    report(phase="load")
    policy = load_version.load_policy(Registry(settings.model_dir), version)
    folder = inbox.new_folder(settings.data_dir / inbox.RECORDINGS, job_id, name)
    with disk_space.writing(settings.data_dir, "the recording", rows * ROW_BYTES):
        return {
            "collected": collect(
                loaded_track, config, ModelDriver(policy.answer_picture), folder, report
            )
        }


def collect(
    track: Track,
    config: CollectionConfig,
    model: InProcessDriver,
    folder: Path,
    report: queue.Report,
) -> dict[str, Any]:
    """Do the work of `run`: drive and record into `folder`, replacing its content.

    Raises:
        RecordingError: no row was recorded, or the recording cannot be written.
    """
    if is_occupied(folder):  # left by a run that was killed before it finished
        shutil.rmtree(folder)
    starts = initial_state.draw_initial_states(
        track, config.starts, config.seed, DEFAULT_OFFSET_M, ("clear",)
    )
    drives = [
        (condition, condition.apply(start)) for condition in config.conditions for start in starts
    ]
    on_row = _row_counter(report, config.rows)
    clock_s, interventions, disagreement = 0.0, 0, 0.0
    with UdacityWriter(
        folder, LOCALES["en-US"], f"{track.name} {folder.name} {config}"
    ) as recorder:
        for number, (condition, start) in enumerate(drives):
            share = -(-(config.rows - recorder.rows) // (len(drives) - number))
            drive = DaggerDrive(start, share, condition.delay_s, config.beta)
            relabelled = relabel(track, drive, model, recorder, clock_s, on_row)
            clock_s = relabelled.clock_s
            interventions += relabelled.interventions
            disagreement += relabelled.disagreement
        rows = recorder.rows
    if not rows:
        raise RecordingError("no row was recorded", got=track.name, remedy="Name a longer track")
    return {
        "folder": str(folder),
        "rows": rows,
        "drives": len(drives),
        "interventions": interventions,
        "apart_mean": disagreement / rows,
    }


def _row_counter(report: queue.Report, total: int) -> Callable[[], None]:
    """Return a function that counts rows and reports the progress of the job."""
    began, rows = time.monotonic(), 0

    def on_row() -> None:
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

    return on_row
