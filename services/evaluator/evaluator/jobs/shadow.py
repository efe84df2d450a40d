"""The job that lets a version steer along unseen while another one drives.

<version>/evaluations/shadow-<time>-<job>/    shadow.json, moments.csv, steering.png, worst.png

It listens to what the bridge publishes, as `lapwing watch` does. So it costs the driver nothing but
these messages, and a version that crashes, is slow or is wrong cannot touch the car.
"""

from __future__ import annotations

import csv
import logging
import os
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from contract.errors import JobError, SettingError
from contract.files import atomic_files, disk_space
from contract.jobs import queue
from contract.models.registry import Registry
from contract.policy import load_version
from contract.settings import load
from contract.wire import live_channel
from contract.wire.live_view import LiveView
from evaluator.closed_loop import rollouts
from evaluator.settings import Settings
from evaluator.shadow import plots
from evaluator.shadow.comparison import ShadowComparison

log = logging.getLogger(__name__)

FILE: Final = "shadow.json"
MOMENTS_FILE: Final = "moments.csv"
MIN_SECONDS: Final = 1.0
MAX_SECONDS: Final = 3600.0
WAIT_S: Final = 120.0
"""Longest time in seconds to wait until the model drives a simulator."""
SILENCE_S: Final = 10.0
"""The drive is over when no simulator was driven for this time, in seconds."""
MAX_MOMENTS: Final = 200_000
"""Number of moments after which a comparison ends: five and a half hours of one simulator."""
SHADOW_BYTES: Final = 16 << 20
"""Bytes that a comparison takes at most: 50 for each moment, and two pictures."""


def run(version: int, seconds: float = 60.0) -> dict[str, Any]:
    """Let a version steer along; RQ calls this in a process of its own.

    Args:
        version: version of the model.
        seconds: time for which it steers along, from the first frame that the model drives.

    Returns:
        What `lapwing shadow` shows: the document of the comparison.

    Raises:
        JobError: no simulator is driven, or the connection to Redis was lost.
        LapwingError: the version cannot be used.
    """
    job_id, report = queue.current_job()
    settings = load(Settings, os.environ)
    with (
        disk_space.writing(settings.model_dir, "the comparison", SHADOW_BYTES),
        queue.connect(settings.redis_url, settings.redis_password_file) as redis,
    ):
        # The time comes first, so that names are in the order in which they were made.
        name = f"shadow-{datetime.now(UTC):%Y%m%dT%H%M%S}-{job_id.rsplit('-', 1)[-1]}"
        arrivals = live_channel.receive(redis)
        return {"shadow": shadow(settings, report, version, seconds, name, arrivals)}


def shadow(
    settings: Settings,
    report: queue.Report,
    version: int,
    seconds: float,
    name: str,
    arrivals: Iterable[list[LiveView]],
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """Do the work of `run` with what arrives from the bridge, and publish it in a folder `name`.

    Raises:
        JobError: no simulator is driven.
        LapwingError: the version cannot be used.
    """
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise SettingError(
            "a version cannot steer along for so many seconds",
            got=f"{seconds:g}",
            remedy=f"Ask for {MIN_SECONDS:g} to {MAX_SECONDS:g} seconds",
        )
    registry = Registry(settings.model_dir)
    manifest, steer = load_version.load(registry, version)
    comparison = ShadowComparison(steer)
    drivers = [registry.current()]
    ended = _follow(comparison, arrivals, seconds, clock, report)
    if registry.current() not in drivers:
        drivers.append(registry.current())
    final = rollouts.evaluations_folder(registry, version) / name
    title = f"Version {version} steered along with version {drivers[0]}"
    with atomic_files.replace_folder(final) as folder:
        report(phase="draw")
        _write_moments(folder / MOMENTS_FILE, comparison)
        plots.draw_steering(folder / "steering.png", title, comparison.moments)
        plots.draw_worst(folder / "worst.png", f"{title}: the worst moments", comparison.worst)
        document = {
            "version": version,
            "model_sha256": manifest.sha256,
            "drivers": drivers,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "ended": ended,
            **comparison.summary(),
            "pictures": ["steering.png", "worst.png"],
        }
        atomic_files.write_json(folder / FILE, document)
    return {**document, "folder": str(final)}


def _follow(
    comparison: ShadowComparison,
    arrivals: Iterable[list[LiveView]],
    seconds: float,
    clock: Callable[[], float],
    report: queue.Report,
) -> str:
    """Compare what arrives until the time is over or nobody drives; return why it ended."""
    began_s = last_s = clock()
    for views in arrivals:
        before = len(comparison.moments)
        comparison.add(views)
        now_s = clock()
        if len(comparison.moments) > before:
            last_s = now_s
        if not comparison.moments:
            report(phase="wait for a drive")
            if now_s - began_s >= WAIT_S:
                break
            continue
        if not before:
            began_s = now_s
        report(phase="shadow", seconds=min(now_s - began_s, seconds), seconds_total=seconds)
        if now_s - began_s >= seconds:
            return "the time was over"
        if now_s - last_s >= SILENCE_S:
            return "no simulator was driven any more"
        if len(comparison.moments) >= MAX_MOMENTS:
            return f"{MAX_MOMENTS:,} frames were compared"
    if not comparison.moments:
        raise JobError(
            "the model drives no simulator, so no version can steer along",
            got=comparison.describe_left_out() or None,
            remedy="Connect a simulator, for example with `lapwing sim drive`, and ask again",
        )
    return "nothing more was published"


def _write_moments(path: Path, comparison: ShadowComparison) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("simulator", "time_s", "speed_mph", "driven", "shadow"))
        for moment in comparison.moments:
            writer.writerow(
                (
                    moment.simulator,
                    f"{moment.time_s:.3f}",
                    f"{moment.speed_mph:.2f}",
                    f"{moment.driven:.5f}",
                    f"{moment.shadow:.5f}",
                )
            )
