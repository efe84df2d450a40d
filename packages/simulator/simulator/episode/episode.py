"""Runs one drive from its initial state to its result, and writes a report of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contract.files import atomic_files
from simulator.episode.initial_state import InitialState
from simulator.episode.monitor import DriveMonitor
from simulator.episode.result import Conditions, EpisodeResult, summarize_episode
from simulator.episode.runner import EpisodeDriver, EpisodeRunner, Observation
from simulator.rendering.appearance import Appearance
from simulator.rendering.camera import Camera
from simulator.rendering.scene_preset import BUILT_IN, ScenePreset
from simulator.track.geometry import Track
from simulator.viz.episode_video import EpisodeVideo
from simulator.viz.track_plot import draw_track_plot
from simulator.world import World

MIN_PROGRESS_MPS: Final = 2.0
"""Mean speed below which a drive runs out of time."""
EXTRA_TIME_S: Final = 30.0
"""Time that every drive has in addition."""


@dataclass(frozen=True)
class EpisodeConfig:
    """Settings of a drive and its report."""

    laps: float = 1.0
    realtime: bool = False
    """Whether the world continues while it waits for answers."""
    delay_s: float = 0.0
    """Time by which every answer is held back."""
    vary: bool = False
    """Whether the seed varies the appearance beyond the choice of the light."""
    video: bool = True
    """Whether the report has a video."""
    preset: ScenePreset = BUILT_IN
    """Pose of the cameras and colours of the world."""


def run_episode(
    track: Track,
    start: InitialState,
    config: EpisodeConfig,
    driver: EpisodeDriver,
    folder: Path | None,
    on_frame: Callable[[Observation], None] = lambda observation: None,
) -> EpisodeResult:
    """Drive, and write `drive.json`, `drive.png` and `drive.mp4` into a folder.

    Args:
        track: Track to drive.
        start: Initial state of the car and the world.
        config: Settings of the drive.
        driver: Driver that steers.
        folder: Folder for the report; None writes no report.
        on_frame: Function that is called with every picture.

    Raises:
        ServiceError: The driver is gone or does not answer.
    """
    lateral = start.direction * (track.lane_m + start.offset_m)
    world = World(track, start.station_m, start.direction, lateral, start.heading_rad)
    limit_s = config.laps * track.length_m / MIN_PROGRESS_MPS + EXTRA_TIME_S
    monitor = DriveMonitor(track, start.direction, config.laps, world.position, limit_s)
    appearance = Appearance(start.light, start.seed, config.vary, preset=config.preset)
    with contextlib.ExitStack() as stack:
        camera = stack.enter_context(Camera(track, appearance))
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            if config.video:
                video = stack.enter_context(EpisodeVideo(folder / "drive.mp4"))
                on_frame = _add_to_video(video, on_frame)
        runner = EpisodeRunner(world, camera, driver, monitor, config.delay_s, on_frame)
        if config.realtime:
            runner.run_realtime()
        else:
            runner.run_lock_step()
    trajectory = monitor.trajectory()
    conditions = Conditions(
        track=track.name,
        direction=start.direction,
        light=start.light,
        seed=start.seed,
        laps=config.laps,
        station_m=start.station_m,
        lateral_m=start.offset_m,
    )
    result = summarize_episode(conditions, trajectory)
    if folder is not None:
        draw_track_plot(
            folder / "drive.png",
            track,
            trajectory.path,
            trajectory.lane_error_m,
            trajectory.intervention_points,
            str(conditions),
        )
        atomic_files.write_json(folder / "drive.json", result.document())
    return result


def _add_to_video(
    video: EpisodeVideo, on_frame: Callable[[Observation], None]
) -> Callable[[Observation], None]:
    """Return a function that adds an observation to a video before it calls another function."""

    def add(observation: Observation) -> None:
        video.add(
            observation.picture,
            observation.steering,
            observation.throttle,
            observation.speed_mph,
            observation.lateral_m,
            observation.time_s,
            observation.note,
        )
        on_frame(observation)

    return add
