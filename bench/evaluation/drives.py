"""Measures drives of `lapwing evaluate`: how many a minute, and where the time goes.

make bench-evaluate RECORDING=folder

A network learns one epoch of the recording, and drives the lake from starts as an evaluation does.
Then every stage of a drive is measured alone, on the pictures and the states of a drive. A stage's
share is that of a drive of LAPS on one core; starting a process is shared by its drives, and so it
has none.
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

from bench import output, recordings
from contract.frames import preprocess
from contract.models.registry import Registry
from contract.policy import policy
from contract.policy.litert import LiteRT
from contract.policy.policy import LoadedPolicy
from contract.vehicle import ROW_HZ
from evaluator.closed_loop import rollouts
from evaluator.closed_loop.perturbations import Condition
from evaluator.closed_loop.rollouts import Scenario
from simulator.drivers.in_process import ModelDriver
from simulator.episode.episode import EpisodeConfig, run_episode
from simulator.episode.initial_state import InitialState
from simulator.episode.monitor import DriveMonitor
from simulator.episode.runner import Observation
from simulator.rendering.appearance import LIGHTS, Appearance
from simulator.rendering.camera import Camera, encode_jpeg
from simulator.track.builtin import builtin_track
from simulator.world import World

TRACK = "lake"
LAPS = 0.25
"""Laps of a drive: as many as the gate asks for."""
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
        rollouts.run_rollouts(registry, 1, [scenario], STARTS, processes)
        rates.append(STARTS / (time.perf_counter() - began) * 60)
    name = f"`lapwing evaluate`, {processes} process{'es' if processes > 1 else ''}"
    return _row(name, statistics.median(rates), "drives/min", None)


def _stages(loaded: LoadedPolicy) -> list[output.Row]:
    """Return the time of each stage of a drive with a loaded version."""
    track, seen = builtin_track(TRACK), _Watcher(loaded)
    started_ms = _milliseconds(
        lambda: subprocess.run([sys.executable, "-c", IMPORTS], check=True), ROUNDS
    )
    began = time.perf_counter()
    result = run_episode(
        track,
        InitialState(),
        EpisodeConfig(LAPS, video=False),
        ModelDriver(seen.steer),
        None,
        seen.observe,
    )
    drive_ms = (time.perf_counter() - began) * 1000
    build_ms = _milliseconds(lambda: Camera(track, Appearance(seed=2)).close(), ROUNDS)
    jpegs = [encode_jpeg(picture) for picture in seen.pictures]
    decoded = [preprocess.decode(jpeg) for jpeg in jpegs]
    frames = [loaded.prepare(picture) for picture in decoded]
    poses = [
        track.pose_at(track.length_m * number / PICTURES, track.lane_m)
        for number in range(PICTURES)
    ]
    with Camera(track, Appearance()) as camera:
        stages: list[tuple[str, Callable[[], object]]] = [
            ("draw the world", _over(poses, camera.draw)),
            ("read back, shrink", camera.read_back),
            ("all of a picture", _over(poses, camera.render)),
            ("encode the JPEG", _over(seen.pictures, encode_jpeg)),
            ("decode it", _over(jpegs, preprocess.decode)),
            ("resize", _over(decoded, loaded.prepare)),
            ("predict", _over(frames, loaded.steer)),
            ("physics", _physics(checked=False)),
            ("physics and monitor", _physics(checked=True)),
        ]
        taken = {name: _milliseconds(stage, PICTURES) for name, stage in stages}
    # What holds another stage is shown without it.
    taken["hood"] = taken["all of a picture"] - taken["draw the world"] - taken["read back, shrink"]
    taken["monitor"] = taken["physics and monitor"] - taken["physics"]
    order = (
        "draw the world",
        "read back, shrink",
        "hood",
        *("encode the JPEG", "decode it", "resize", "predict"),
        *("physics", "monitor"),
    )
    count = seen.count
    rows = [
        _row("pictures of the centre camera", 1000 / taken["all of a picture"], "pictures/s", None),
        _row("start a process: imports", started_ms, "ms a process", None),
        _row(f"a drive of {count} frames, in one process", drive_ms, "ms a drive", 1.0),
        _row("build its world", build_ms, "ms a drive", build_ms / drive_ms),
        *(_row(each, taken[each], "ms a frame", count * taken[each] / drive_ms) for each in order),
    ]
    document_ms = _milliseconds(lambda: json.dumps(result.document()), ROUNDS)
    rows.append(_row("its result as JSON", document_ms, "ms a drive", document_ms / drive_ms))
    return rows


class _Watcher:
    """Steers for a drive, and keeps its first PICTURES pictures."""

    def __init__(self, loaded: LoadedPolicy) -> None:
        self.steer = loaded.steer_picture
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


def _physics(*, checked: bool) -> Callable[[], object]:
    """Return a function that advances a world by one frame, with or without the monitor."""
    world = World(builtin_track(TRACK))
    world.throttle = 0.2
    monitor = DriveMonitor(world.track, 1, math.inf, world.position)
    frames = itertools.count(1)

    def advance() -> None:
        for position in world.advance_to(next(frames) / ROW_HZ):
            if checked:
                monitor.check(world.time_s, world.pose, position, world.speed_mps, 0.0, 0.2)

    return advance


def _milliseconds(stage: Callable[[], object], calls: int) -> float:
    """Return the time of a call, ms: the median of ROUNDS means over some calls."""
    means = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(calls):
            stage()
        means.append((time.perf_counter() - began) / calls * 1000)
    return statistics.median(means)


def _row(name: str, value: float, unit: str, share: float | None) -> output.Row:
    percent = None if share is None else f"{100 * share:.1f} %"
    return {"what": name, "median": value, "unit": unit, "share of a drive": percent}


if __name__ == "__main__":
    sys.exit(main())
