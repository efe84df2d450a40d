"""One drive from a start to its outcome, with the pictures that show how it went."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contract import atomic_files
from simulator.episode.initial_state import Start
from simulator.episode.monitor import Judge
from simulator.episode.result import Conditions, Outcome, outcome
from simulator.episode.runner import Drive, Driver, Sight
from simulator.rendering.appearance import Look
from simulator.rendering.camera import Camera
from simulator.track.geometry import Track
from simulator.viz.episode_video import Film
from simulator.viz.track_plot import chart, write_png
from simulator.world import World

SLOWEST_MPS: Final = 2.0
"""A drive that comes on more slowly is out of time."""
GRACE_S: Final = 30.0


@dataclass(frozen=True)
class Terms:
    """How a drive is to be driven and kept."""

    laps: float = 1.0
    realtime: bool = False
    delay_s: float = 0.0
    vary: bool = False
    """Whether the seed varies the look beyond its light."""
    film: bool = True


def run(
    track: Track,
    start: Start,
    terms: Terms,
    driver: Driver,
    folder: Path | None,
    told: Callable[[Sight], None] = lambda sight: None,
) -> Outcome:
    """Drive, and keep `drive.json`, `drive.png` and `drive.mp4` in a folder.

    Args:
        track: the road.
        start: where the drive begins, and in what light.
        terms: how far, and by which clock.
        driver: who steers.
        folder: for the report; None keeps nothing.
        told: is shown every picture.

    Raises:
        ServiceError: the driver is gone or does not answer.
    """
    lateral = start.direction * (track.lane_m + start.offset_m)
    world = World(track, start.station_m, start.direction, lateral, start.heading_rad)
    limit_s = terms.laps * track.length_m / SLOWEST_MPS + GRACE_S
    judge = Judge(track, start.direction, terms.laps, world.place, limit_s)
    with contextlib.ExitStack() as stack:
        camera = stack.enter_context(Camera(track, Look(start.light, start.seed, terms.vary)))
        show = told
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            if terms.film:
                show = _filmed(stack.enter_context(Film(folder / "drive.mp4")), told)
        drive = Drive(world, camera, driver, judge, terms.delay_s, show)
        if terms.realtime:
            drive.realtime()
        else:
            drive.lockstep()
    trace = judge.trace()
    result = outcome(
        Conditions(
            track=track.name,
            direction=start.direction,
            light=start.light,
            seed=start.seed,
            laps=terms.laps,
            station_m=start.station_m,
            lateral_m=start.offset_m,
        ),
        trace,
    )
    if folder is not None:
        title = str(result.conditions)
        picture = chart(track, trace.line, trace.lane_error_m, trace.crosses, title)
        write_png(folder / "drive.png", picture)
        atomic_files.write_json(folder / "drive.json", result.document())
    return result


def _filmed(film: Film, told: Callable[[Sight], None]) -> Callable[[Sight], None]:
    def show(sight: Sight) -> None:
        film.add(
            sight.picture,
            sight.steering,
            sight.throttle,
            sight.speed_mph,
            sight.lateral_m,
            sight.time_s,
            sight.note,
        )
        told(sight)

    return show
