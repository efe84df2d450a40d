"""The job that records a simulated lap, to be trained on beside a person's own recordings.

The expert drives a lap of a random track whose look is drawn as well, with recoveries from the edge
of the road. The recording appears in the inbox of the data volume, and its import follows at once:
it does not depend on the command that asked for it.

The number of a lap decides everything about it, so each lap needs to be recorded only once.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from contract.errors import SettingError
from contract.files import disk_space, inbox
from contract.jobs import queue
from contract.recordings import reserved_names
from contract.settings import load
from contract.vehicle import MPS_PER_MPH, ROW_HZ
from evaluator.jobs.collect import ROW_BYTES
from evaluator.settings import Settings
from simulator.drivers.expert import DrivingStyle
from simulator.recording.demonstrations import DemonstrationConfig, record_demonstration
from simulator.recording.udacity_writer import is_occupied
from simulator.rendering.appearance import Appearance
from simulator.track.catalog import load_track
from simulator.track.geometry import Track
from simulator.unity.number_format import LOCALES

FIRST_SEED: Final = 1_000_000
"""The seed of a lap's track and look is this plus its number. Nobody types these seeds to judge a
model, so `random:1`, `random:2` and so on stay tracks that it has never seen."""
MAX_LAPS: Final = 1000
"""Largest number of a lap."""
MPH: Final = (13.0, 17.0)
RECOVERIES: Final = 12
WEAVE_M: Final = 0.25
"""Slow enough for every random track; with recoveries, models learn to come back from the edge."""


def run(number: int) -> dict[str, Any]:
    """Record a simulated lap, and queue its import; RQ calls this in a process of its own.

    Args:
        number: number of the lap, from 1.

    Returns:
        {"recorded": {...}} with number, folder, track and rows, and `ingest`, the job that imports
        it.

    Raises:
        LapwingError: the number is none, or the recording cannot be written.
    """
    job_id, report = queue.current_job()
    settings = load(Settings, os.environ)
    name, config = reserved_names.simulated_recording(number), plan_lap(number)
    track = load_track(f"random:{config.seed}")
    folder = inbox.new_folder(settings.data_dir / inbox.RECORDINGS, job_id, name)
    most_rows = round(track.length_m / (MPH[0] * MPS_PER_MPH) * ROW_HZ * 1.5)
    with disk_space.writing(settings.data_dir, "the simulated lap", most_rows * ROW_BYTES):
        rows = record(track, config, folder, report)
    arguments = {"source": str(folder), "name": name, "staged": True}
    return {
        "recorded": {
            "number": number,
            "folder": str(folder),
            "track": f"random:{config.seed}",
            "rows": rows,
        },
        "ingest": queue.enqueue_follow_up(queue.INGEST, name, arguments),
    }


def plan_lap(number: int) -> DemonstrationConfig:
    """Return the settings of a lap: every second one is driven against the direction of its track.

    Raises:
        SettingError: there is no such lap.
    """
    if type(number) is not int or not 1 <= number <= MAX_LAPS:
        raise SettingError(
            "that is no number of a simulated lap",
            got=repr(number),
            remedy=f"It must be from 1 to {MAX_LAPS}",
        )
    return DemonstrationConfig(
        laps=1,
        direction=1 if number % 2 else -1,
        mph=MPH,
        recoveries=RECOVERIES,
        style=DrivingStyle(weave_m=WEAVE_M),
        seed=FIRST_SEED + number,
    )


def record(track: Track, config: DemonstrationConfig, folder: Path, report: queue.Report) -> int:
    """Record a lap into a folder, replacing its content, and return the number of rows.

    Raises:
        RecordingError: the recording cannot be written.
    """
    if is_occupied(folder):  # left by a run that was killed before its job was done
        shutil.rmtree(folder)
    look = Appearance("clear", config.seed, randomize=True)
    return record_demonstration(track, look, config, folder, LOCALES["en-US"], _row_counter(report))


def _row_counter(report: queue.Report) -> Callable[[int, float], None]:
    """Return a function that reports the progress of the job, given rows and the share driven."""
    began_s = time.monotonic()

    def on_row(rows: int, share: float) -> None:
        elapsed_s = max(time.monotonic() - began_s, 1e-9)
        remaining = rows * (1 - share) / share if share > 0 else None
        report(
            phase="record",
            rows_done=rows,
            rows_total=None if remaining is None else round(rows + remaining),
            rows_per_s=round(rows / elapsed_s, 1),
            eta_s=None if remaining is None else round(remaining * elapsed_s / rows, 1),
        )

    return on_row
