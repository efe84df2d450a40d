"""Compares the road that is found in pictures with the simulator's: `bench.evaluation.road_finder`.

The expert drives in waves on each track, both ways and in each light. The offset of the car from
the road's middle, as it is found in the pictures alone, is compared with the simulator's.
"""

from __future__ import annotations

import sys
import time
from typing import Final

import numpy as np

from bench import output
from contract.vehicle import CAMERA_AHEAD_M
from evaluator.offline.road.track import find_road
from simulator.drivers.expert import DrivingStyle, Expert
from simulator.rendering.appearance import LIGHTS, Appearance
from simulator.rendering.camera import Camera
from simulator.track.catalog import load_track
from simulator.world import World

TRACKS: Final = ("lake", "jungle")
SECONDS: Final = 40
RATE_HZ: Final = 15
STYLE: Final = DrivingStyle(mph=20.0, weave_m=1.0)


def main() -> int:
    """Measure each track, direction and light, and print the errors."""
    options = output.arguments(__doc__).parse_args()
    rows = [
        measure(name, light, direction)
        for name in TRACKS
        for light in LIGHTS
        for direction in (1, -1)
    ]
    command = "python -m bench.evaluation.road_finder"
    title = "The road found in pictures, against the simulator's"
    output.finish(output.Result("road_finder", title, command, "", rows), options)
    return 0


def measure(name: str, light: str, direction: int) -> output.Row:
    """Return a row with the errors of one drive."""
    track = load_track(name)
    world = World(track, track.length_m / 3, direction, direction * track.lane_m)
    expert = Expert(track, STYLE, 1)
    pictures, states = [], []
    with Camera(track, Appearance(light, 1)) as camera:
        for row in range(SECONDS * RATE_HZ):
            world.steering, world.throttle = expert.command(world)
            pictures.append(camera.render(world.pose))
            left_m = direction * world.position.lateral_m
            states.append((world.time_s, world.steering, world.speed_mps, left_m))
            for _ in world.advance_to((row + 1) / RATE_HZ):
                pass
    time_s, steering, speed_mps, left_m = np.array(states).T
    began = time.perf_counter()
    road = find_road(
        lambda row: pictures[row],
        time_s,
        steering,
        speed_mps,
        np.zeros(len(time_s), dtype=np.int64),
        # The simulator's car moves along its heading at its origin.
        ahead_m=CAMERA_AHEAD_M,
    )
    took_s = time.perf_counter() - began
    errors_m = np.abs(road.left_m - left_m)[road.found]
    return {
        "track": name,
        "light": light,
        "direction": direction,
        "width found, m": road.width_m,
        "found, %": round(100 * float(road.found.mean()), 1),
        "error, median, m": round(float(np.median(errors_m)), 3),
        "error, p95, m": round(float(np.quantile(errors_m, 0.95)), 3),
        "error / std, p95": round(float(np.quantile(errors_m / road.std_m[road.found], 0.95)), 2),
        "ms a row": round(1000 * took_s / len(time_s), 1),
    }


if __name__ == "__main__":
    sys.exit(main())
