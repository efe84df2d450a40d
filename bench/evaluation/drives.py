"""Measures drives of `lapwing evaluate`: how many a minute, and where the time goes.

make bench-evaluate RECORDING=folder

A network learns one epoch of the recording, and drives the lake from starts as an evaluation does.
Then every stage of a drive is measured alone, on the pictures and the states of a drive, by the
time of the processor: a stage has one thread and never waits. A stage's share is that of a drive of
LAPS laps; starting a process is shared by its drives, and so it has none.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bench import output, recordings
from contract.frames import preprocess
from contract.models.registry import Registry
from contract.policy import policy
from contract.policy.litert import LiteRT
from contract.policy.policy import LoadedPolicy
from contract.vehicle import ROW_HZ
from evaluator.closed_loop import rollouts
from evaluator.closed_loop.executors.local_processes import LocalProcesses
from evaluator.closed_loop.perturbations import Condition
from evaluator.closed_loop.rollouts import Scenario
from simulator.drivers.in_process import ModelDriver
from simulator.episode.episode import EpisodeConfig, run_episode
from simulator.episode.initial_state import InitialState
from simulator.episode.monitor import DriveMonitor
from simulator.episode.runner import Observation
from simulator.rendering.appearance import LIGHTS, Appearance
from simulator.rendering.camera import Camera, encode_jpeg
from simulator.rendering.hood import build_hood
from simulator.rendering.randomization import resolve_look
from simulator.track.builtin import builtin_track
from simulator.track.geometry import Pose, RoadPosition, Track
from simulator.world import World

TRACK = "lake"
LAPS = 0.25
"""Laps of a drive: twice as many as the gate asks for."""
STARTS = 8
ROUNDS = 3
PICTURES = 100
IMPORTS = "import evaluator.closed_loop.rollouts"


def main() -> int:
    """Measure drives and their stages, and show the figures."""
    options = output.arguments(__doc__).parse_args()
    recording, console = recordings.chosen(), output.console(options)
    with tempfile.TemporaryDirectory() as folder:
        data, models = Path(folder) / "data", Path(folder) / "models"
        console.print("one epoch of training, for a model that drives …")
        subprocess.run(
            [sys.executable, "-m", "bench.serving.trained_model", str(recording)],
            check=True,
            capture_output=True,
            env={**os.environ, "LAPWING_DATA_DIR": str(data), "LAPWING_MODEL_DIR": str(models)},
        )
        console.print("drives …")
        rows = measure(Registry(models))
    title = f"Drives of {LAPS} laps of the {TRACK}, and the stages of one"
    command = "make bench-evaluate"
    output.finish(output.Result("evaluate", title, command, recording.name, rows), options)
    return 0


def measure(registry: Registry) -> list[output.Row]:
    """Return the drives a minute of version 1 of a registry, and the time of each stage."""
    rows = [_drives(registry, each) for each in sorted({1, os.cpu_count() or 1})]
    cv2.setNumThreads(1)  # as the processes do that drive
    return rows + _stages(policy.load(registry, 1, LiteRT))


def _drives(registry: Registry, processes: int) -> output.Row:
    """Drive STARTS starts of a scenario that no round before had, ROUNDS times."""
    rates = []
    for number in range(ROUNDS):
        seed = time.time_ns() % 2**31
        light = Condition(LIGHTS[number], LIGHTS[number])
        scenario = Scenario(TRACK, light, LAPS, seed)
        began = time.perf_counter()
        rollouts.run_rollouts(registry, 1, [scenario], STARTS, LocalProcesses(processes))
        rates.append(STARTS / (time.perf_counter() - began) * 60)
    name = f"`lapwing evaluate`, {processes} process{'es' if processes > 1 else ''}"
    return _row(name, statistics.median(rates), "drives/min", None)


def _stages(loaded: LoadedPolicy) -> list[output.Row]:
    """Return the time of each stage of a drive with a loaded version."""
    track, seen = builtin_track(TRACK), _Watcher()
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", IMPORTS], check=True)
    started_ms = (time.perf_counter() - began) * 1000
    Camera(track, Appearance()).close()  # the first world around a track surveys it
    began = time.process_time()
    result = run_episode(
        track,
        InitialState(),
        EpisodeConfig(LAPS, video=False),
        ModelDriver(loaded.answer_picture),
        None,
        seen.observe,
    )
    drive_ms = (time.process_time() - began) * 1000
    jpegs = [encode_jpeg(picture) for picture in seen.pictures]
    decoded = [preprocess.decode(jpeg) for jpeg in jpegs]
    frames = [loaded.prepare(picture) for picture in decoded]
    covered = [picture.copy() for picture in seen.pictures]
    hood = build_hood("center", resolve_look(Appearance()))
    distances = np.linspace(0, track.length_m, PICTURES, endpoint=False).tolist()
    poses = [track.pose_at(station_m, track.lane_m) for station_m in distances]
    world, numbers = World(track), itertools.count(1)
    world.throttle = 0.2
    with Camera(track, Appearance()) as camera:
        stages: list[tuple[str, Callable[[], object]]] = [
            ("draw the world", _over(poses, camera.draw)),
            ("read back, shrink", camera.read_back),
            ("hood", _over(covered, hood.draw_over)),
            ("encode the JPEG", _over(seen.pictures, encode_jpeg)),
            ("decode it", _over(jpegs, preprocess.decode)),
            ("resize", _over(decoded, loaded.prepare)),
            ("predict", _over(frames, loaded.answer)),
            ("physics", lambda: list(world.advance_to(next(numbers) / ROW_HZ))),
            ("monitor", _monitor(track)),
        ]
        taken = {name: _milliseconds(stage, PICTURES) for name, stage in stages}
        picture_ms = _milliseconds(_over(poses, camera.render), PICTURES)
    build_ms = _milliseconds(lambda: Camera(track, Appearance(seed=2)).close(), 1)
    document_ms = _milliseconds(lambda: json.dumps(result.document()), 1)
    return [
        _row("pictures of the centre camera", 1000 / picture_ms, "pictures/s", None),
        _row("start a process: imports", started_ms, "ms a process", None),
        _row(f"a drive of {seen.count} frames", drive_ms, "ms a drive", 1.0),
        _row("build its world", build_ms, "ms a drive", build_ms / drive_ms),
        *(
            _row(name, frame_ms, "ms a frame", seen.count * frame_ms / drive_ms)
            for name, frame_ms in taken.items()
        ),
        _row("its result as JSON", document_ms, "ms a drive", document_ms / drive_ms),
    ]


class _Watcher:
    """Keeps the first PICTURES pictures of a drive, and counts all of them."""

    def __init__(self) -> None:
        self.pictures: list[preprocess.Frame] = []
        self.count = 0

    def observe(self, observation: Observation) -> None:
        """Keep a picture."""
        self.count += 1
        if len(self.pictures) < PICTURES:
            self.pictures.append(observation.picture)


def _over(items: Sequence[Any], stage: Callable[[Any], object]) -> Callable[[], object]:
    """Return a function that lets a stage work on the next item at each call."""
    turn = itertools.cycle(items)
    return lambda: stage(next(turn))


def _monitor(track: Track) -> Callable[[], object]:
    """Return a function that checks the steps of the next frame of a drive."""
    world = World(track)
    world.throttle = 0.2
    monitor = DriveMonitor(track, 1, math.inf, world.position)
    frames = [
        [
            (world.time_s, world.pose, position, world.speed_mps, 0.0, 0.2)
            for position in world.advance_to(number / ROW_HZ)
        ]
        for number in range(1, ROUNDS * PICTURES + 1)
    ]

    def check(steps: list[tuple[float, Pose, RoadPosition, float, float, float]]) -> None:
        for step in steps:
            monitor.check(*step)

    return _over(frames, check)


def _milliseconds(stage: Callable[[], object], calls: int) -> float:
    """Return the processor's time for a call, ms: the median of ROUNDS means over some calls."""
    means = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(calls):
            stage()
        means.append((time.process_time() - began) / calls * 1000)
    return statistics.median(means)


def _row(name: str, value: float, unit: str, share: float | None) -> output.Row:
    percent = None if share is None else f"{100 * share:.1f} %"
    return {"what": name, "median": value, "unit": unit, "share of a drive": percent}


if __name__ == "__main__":
    sys.exit(main())
