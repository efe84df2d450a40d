"""The job that collects DAgger data: a model drives, and the expert's steering is recorded.

The recording appears in the inbox of the data volume, in Udacity's format, like one that somebody
handed in; an import that is queued with `staged` removes it.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
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
from evaluator.closed_loop.dagger import DaggerDrive, RelabelledDrive, relabel_version
from evaluator.closed_loop.executors.choice import choose_executor
from evaluator.closed_loop.executors.executor import DriveExecutor
from evaluator.closed_loop.executors.policy_source import PolicySource
from evaluator.closed_loop.perturbations import DEFAULT_OFFSET_M, Condition
from evaluator.settings import Settings
from simulator.episode import initial_state
from simulator.episode.initial_state import InitialState
from simulator.recording.udacity_writer import UdacityWriter, is_occupied
from simulator.track.catalog import load_track
from simulator.track.geometry import Track
from simulator.unity.number_format import LOCALES

ROWS_AT_ONCE: Final = 2000
"""Rows that are in memory at once: about 100 MB of pictures."""
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
    registry = Registry(settings.model_dir)
    load_version.load_policy(registry, version)  # a version that cannot drive is an error here
    folder = inbox.new_folder(settings.data_dir / inbox.RECORDINGS, job_id, name)
    with (
        disk_space.writing(settings.data_dir, "the recording", rows * ROW_BYTES),
        choose_executor(settings, report) as executor,
    ):
        source = executor.source(registry, version)
        return {"collected": collect(loaded_track, config, source, executor, folder, report)}


def collect(
    track: Track,
    config: CollectionConfig,
    source: PolicySource,
    executor: DriveExecutor,
    folder: Path,
    report: queue.Report,
) -> dict[str, Any]:
    """Do the work of `run`: drive and record into `folder`, replacing its content.

    Several drives are made at a time, and recorded in their order. The drives share the rows that
    are left evenly. On an open track one may end before it has its share: then the shares of those
    that follow are larger than was planned, and they are made again.

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
    count = _row_counter(report, config.rows)
    clock_s, interventions, disagreement = 0.0, 0, 0.0
    with UdacityWriter(
        folder, LOCALES["en-US"], f"{track.name} {folder.name} {config}"
    ) as recorder:
        number = 0
        while number < len(drives):
            planned = _plan(drives[number:], config, recorder.rows)
            for drive, relabelled in zip(
                planned, _relabel(executor, source, track, planned), strict=True
            ):
                if drive.rows != _share(config.rows - recorder.rows, len(drives) - number):
                    break
                clock_s = relabelled.record(recorder, clock_s)
                interventions += relabelled.interventions
                disagreement += relabelled.disagreement
                number += 1
                count(recorder.rows)
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


def _share(rows: int, drives: int) -> int:
    """Return how many of the rows that are left the first of the drives that are left makes."""
    return -(-rows // drives)


def _plan(
    drives: Sequence[tuple[Condition, InitialState]], config: CollectionConfig, recorded: int
) -> list[DaggerDrive]:
    """Return the next drives, as if each made its share; together about ROWS_AT_ONCE rows."""
    planned: list[DaggerDrive] = []
    rows = 0
    for number, (condition, start) in enumerate(drives):
        share = _share(config.rows - recorded - rows, len(drives) - number)
        if planned and rows + share > ROWS_AT_ONCE:
            break
        planned.append(DaggerDrive(start, share, condition.delay_s, config.beta))
        rows += share
    return planned


def _relabel(
    executor: DriveExecutor, source: PolicySource, track: Track, drives: Sequence[DaggerDrive]
) -> Iterator[RelabelledDrive]:
    """Make drives, and yield each as soon as it and all before it are there."""
    done: dict[int, RelabelledDrive] = {}
    following = 0
    for index, relabelled in executor.run(
        relabel_version, [(source, track, drive) for drive in drives]
    ):
        done[index] = relabelled
        while following in done:
            yield done.pop(following)
            following += 1


def _row_counter(report: queue.Report, total: int) -> Callable[[int], None]:
    """Return a function that reports the progress of the job, given the rows that are recorded."""
    began = time.monotonic()

    def on_rows(rows: int) -> None:
        rate = rows / max(time.monotonic() - began, 1e-9)
        report(
            phase="collect",
            rows_done=rows,
            rows_total=total,
            rows_per_s=round(rate, 1),
            eta_s=round((total - rows) / rate, 1),
        )

    return on_rows
