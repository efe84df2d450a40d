"""Drives along a recording again with another driver: closed loop without a renderer.

Not `replay`, which shows a bridge recorded frames whatever it answers. Here the answers move a
virtual car, and it is shown what it would have seen from there: the recorded picture of the nearest
camera, warped. Source: Bojarski et al. 2016 (DAVE-2), arXiv 1604.07316, sections 6 and 7.1.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluator.offline.logged_drive import Recorded
from evaluator.offline.replay_policies import Policy
from evaluator.offline.view_warp import Lens
from evaluator.offline.virtual_car import Abreast, advance
from simulator.episode.metrics import INTERVENTION_COST_S, lateral_errors_m

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Intervention:
    """Where the virtual car was put back on the recorded path."""

    row: int
    """From 0, of the rows that are driven along."""
    time_s: float
    """Since the recording began."""
    left_m: float


@dataclass(frozen=True)
class Moment:
    """What is told of each row to whoever films it."""

    row: int
    look: Callable[[], Picture]
    steering: float
    left_m: float
    intervened: bool
    """Just before it."""


@dataclass(frozen=True)
class Rerun:
    """What came of one drive along a recording of N rows."""

    limit_m: float
    left_m: Floats
    """(N,), the offset that was reached at each row, positive to the left; then it is put back."""
    heading_rad: Floats
    """(N,), against the recorded car's."""
    steering: Floats
    """(N,), the policy's."""
    interventions: tuple[Intervention, ...]
    elapsed_s: float
    """Of driving; without pauses, and without the time in which the car stood."""
    ms_a_row: float

    @property
    def autonomy_percent(self) -> float:
        """100 (1 - 6 s * interventions / elapsed); below 0 where a drive has more than one in 6 s.

        Unlike the simulator's it is not held at 0: it is to rank drivers, and to show the four of
        the sanity check in their order.
        """
        return 100 * (1 - INTERVENTION_COST_S * len(self.interventions) / self.elapsed_s)

    @property
    def rmse_m(self) -> float:
        """Root mean square of the offset."""
        return float(np.sqrt(np.mean(self.left_m**2)))

    def document(self) -> dict[str, Any]:
        """Return it as a JSON document."""
        mae, _, most = lateral_errors_m(self.left_m)
        return {
            "limit_m": self.limit_m,
            "autonomy_percent": self.autonomy_percent,
            "deviation_rmse_m": self.rmse_m,
            "deviation_mae_m": mae,
            "deviation_max_m": most,
            "elapsed_s": self.elapsed_s,
            "ms_a_row": self.ms_a_row,
            "interventions": [
                {"row": each.row, "time_s": each.time_s, "left_m": each.left_m}
                for each in self.interventions
            ],
        }


def rerun(
    recorded: Recorded,
    policy: Policy,
    limit_m: float,
    lens: Lens,
    shown: Callable[[Moment], None] = lambda moment: None,
    told: Callable[[float], None] = lambda share: None,
) -> Rerun:
    """Drive along a recording.

    The car starts every stretch of the recording on the path, straight; beyond the limit it is put
    back onto it. A policy that steers as was recorded stays on it exactly.

    Args:
        recorded: N rows.
        policy: steers.
        limit_m: of the offset; 1 with DAVE-2, 3 where a wheel leaves the lake's road of 8 m.
        lens: of the cameras.
        shown: is told each row.
        told: is told the share that is done, 0..1.

    Raises:
        FrameError: a picture that was to be seen is broken, or of another size.
    """
    began = time.perf_counter()
    held = recorded.held_s()
    count = len(held)
    left, heading, steering = np.zeros(count), np.zeros(count), np.zeros(count)
    interventions: list[Intervention] = []
    car = Abreast()
    for row in range(count):
        if row and recorded.stretch[row] != recorded.stretch[row - 1]:
            car = Abreast()
        left[row], heading[row] = car.left_m, car.heading_rad
        out = abs(car.left_m) > limit_m
        if out:
            moment_s = float(recorded.time_s[row])
            interventions.append(Intervention(row, moment_s, car.left_m))
            car = car.back()
        look = _eyes(recorded, lens, car)
        steering[row] = policy(row, look)
        shown(Moment(row, partial(look, row), float(steering[row]), car.left_m, out))
        if held[row] > 0:
            speed = (recorded.speed_mps[row] + recorded.speed_mps[row + 1]) / 2
            car = advance(
                car,
                float(steering[row]),
                float(recorded.steering[row]),
                float(speed),
                float(held[row]),
            )
        told((row + 1) / count)
    elapsed_s = float(recorded.driven_s().sum())
    return Rerun(
        limit_m,
        left,
        heading,
        steering,
        tuple(interventions),
        elapsed_s,
        1000 * (time.perf_counter() - began) / count,
    )


def _eyes(recorded: Recorded, lens: Lens, car: Abreast) -> Callable[[int], Picture]:
    """Return what shows a row as it is seen from the car's place beside the recorded one."""

    def look(row: int) -> Picture:
        camera = lens.nearest(recorded.cameras, car.left_m, car.heading_rad)
        return lens.view(recorded.picture(row, camera), camera, car.left_m, car.heading_rad)

    return look
