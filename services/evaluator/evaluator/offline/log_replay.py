"""Replays the log of a recording with another driver: closed loop without a renderer.

This is not the simulator's `replay`, which sends recorded frames to a bridge and ignores the
answers. Here the answers move a virtual car, and the driver gets the view from that car: the
recorded image of the nearest camera, warped. Source: Bojarski et al. 2016 (DAVE-2), arXiv
1604.07316, sections 6 and 7.1.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.errors import RecordingError
from evaluator.offline.logged_drive import LoggedDrive
from evaluator.offline.replay_policies import Policy, ViewRow
from evaluator.offline.road.report import describe_drive
from evaluator.offline.road.track import RoadTrack
from evaluator.offline.view_warp import ViewWarp
from evaluator.offline.virtual_car import RelativePose, advance
from simulator.episode.metrics import INTERVENTION_COST_S, lateral_errors_m

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class ReplayIntervention:
    """One place where the virtual car was put back on the recorded path."""

    row: int
    """Number of the row, from 0, among the rows that are driven along."""
    time_s: float
    """Time since the recording began."""
    left_m: float
    """Offset before the car was put back, positive to the left."""


@dataclass(frozen=True)
class ReplayStep:
    """What happened at one row; a video is made of these."""

    row: int
    view: Callable[[], Image]
    """Returns the view from the virtual car."""
    steering: float
    left_m: float
    intervened: bool
    """Whether the car was put back just before this row."""


@dataclass(frozen=True)
class LogReplayResult:
    """The result of driving along a recording once."""

    limit_m: float
    left_m: Floats
    """Offset that was reached at each row, shape (rows,), before the car is put back."""
    heading_rad: Floats
    """Heading relative to the recorded car's, shape (rows,)."""
    steering: Floats
    """Steering of the policy, shape (rows,)."""
    interventions: tuple[ReplayIntervention, ...]
    elapsed_s: float
    """Time of driving, without pauses and without the time in which the car stood."""
    ms_a_row: float

    @property
    def autonomy_percent(self) -> float:
        """100 (1 - 6 s * interventions / elapsed); below 0 with more than one intervention in 6 s.

        Unlike the simulator's autonomy it is not limited to 0 and above: bad drivers can be ranked,
        and the sanity check can show its four drivers in their order.
        """
        return 100 * (1 - INTERVENTION_COST_S * len(self.interventions) / self.elapsed_s)

    @property
    def rmse_m(self) -> float:
        """Root mean square of the offset."""
        return float(np.sqrt(np.mean(self.left_m**2)))

    def steady_offset_m(self) -> tuple[float, float]:
        """Return the steady part of the offset, and the root mean square of what remains of it.

        The steady part is the median, positive to the left. A driver who keeps to another line than
        the recorded one has a steady offset, and is no worse for it.
        """
        steady_m = float(np.median(self.left_m))
        return steady_m, float(np.sqrt(np.mean((self.left_m - steady_m) ** 2)))

    def document(self, road: RoadTrack | None) -> dict[str, Any]:
        """Return the result as a JSON document.

        Args:
            road: the road of the recording; None if it was not asked for.
        """
        mae, _, largest = lateral_errors_m(self.left_m)
        steady, without_steady = self.steady_offset_m()
        return {
            "limit_m": self.limit_m,
            "autonomy_percent": self.autonomy_percent,
            "deviation_rmse_m": self.rmse_m,
            "deviation_mae_m": mae,
            "deviation_max_m": largest,
            "steady_offset_m": steady,
            "deviation_without_steady_rmse_m": without_steady,
            "road": None if road is None else describe_drive(road, self.left_m),
            "elapsed_s": self.elapsed_s,
            "ms_a_row": self.ms_a_row,
            "interventions": [
                {
                    "row": intervention.row,
                    "time_s": intervention.time_s,
                    "left_m": intervention.left_m,
                }
                for intervention in self.interventions
            ],
        }


def replay_log(
    drive: LoggedDrive,
    policy: Policy,
    limit_m: float,
    warp: ViewWarp,
    on_step: Callable[[ReplayStep], None] = lambda step: None,
    on_progress: Callable[[float], None] = lambda share: None,
) -> LogReplayResult:
    """Drive along a recording with a policy.

    The car starts each segment of the recording on the path, with the recorded heading. When its
    offset is beyond the limit, it is put back on the path. A policy that steers as recorded stays
    on it exactly.

    Args:
        drive: recording to drive along.
        policy: driver of the virtual car.
        limit_m: largest offset; 1 as in DAVE-2, or 3, where a wheel leaves the lake's road of 8 m.
        warp: geometry of the recording's cameras.
        on_step: called at each row.
        on_progress: called with the share of the rows that are done, 0..1.

    Raises:
        RecordingError: the recording does not say how fast the car was.
        FrameError: an image that the driver needs is broken, or of another size.
    """
    if not np.isfinite(drive.speed_mps).all():
        raise RecordingError(
            f"nothing can drive along {drive.name}: its speed is not known",
            got=f"{int((~np.isfinite(drive.speed_mps)).sum())} of {len(drive.speed_mps)} rows "
            "without a speed",
            remedy="Most Donkey tubs have no speed; `lapwing score` needs none",
        )
    began = time.perf_counter()
    duration = drive.duration_s()
    count = len(duration)
    left, heading, steering = np.zeros(count), np.zeros(count), np.zeros(count)
    interventions: list[ReplayIntervention] = []
    car = RelativePose()
    for row in range(count):
        if row and drive.segment[row] != drive.segment[row - 1]:
            car = RelativePose()
        left[row], heading[row] = car.left_m, car.heading_rad
        outside = abs(car.left_m) > limit_m
        if outside:
            interventions.append(ReplayIntervention(row, float(drive.time_s[row]), car.left_m))
            car = car.reset()
        view_row = _view_from(drive, warp, car)
        steering[row] = policy(row, view_row)
        on_step(ReplayStep(row, partial(view_row, row), float(steering[row]), car.left_m, outside))
        if duration[row] > 0:
            speed = (drive.speed_mps[row] + drive.speed_mps[row + 1]) / 2
            car = advance(
                car,
                float(steering[row]),
                float(drive.steering[row]),
                float(speed),
                float(duration[row]),
            )
        on_progress((row + 1) / count)
    return LogReplayResult(
        limit_m,
        left,
        heading,
        steering,
        tuple(interventions),
        float(drive.moving_s().sum()),
        1000 * (time.perf_counter() - began) / count,
    )


def _view_from(drive: LoggedDrive, warp: ViewWarp, car: RelativePose) -> ViewRow:
    """Return the function that shows a row as the virtual car sees it."""

    def view_row(row: int) -> Image:
        camera = warp.nearest_camera(drive.camera_count, car.left_m, car.heading_rad)
        return warp.warp(drive.image(row, camera), camera, car.left_m, car.heading_rad)

    return view_row
