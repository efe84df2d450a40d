"""Measures whether the path of a recording is fit to compare other drivers with.

Log replay measures how far a driver is from the recorded path. In recordings of recoveries, the
recorded car itself drives to the edge and back: a driver who keeps to the middle would get a bad
score there. Where the tyres slipped, the bicycle model does not know where the recorded car went.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evaluator.offline.logged_drive import LoggedDrive
from evaluator.offline.virtual_car import yaw_rad_s
from simulator.vehicle import GRAVITY_MPS2, TYRE_GRIP

Floats = NDArray[np.float64]

WINDOW_S: Final = 3.0
"""Time within which a turn and the turn back count as one swing; two bends in a row take longer."""
WINDOW_STEP_S: Final = 0.1
MIN_SWING_M: Final = 0.5
"""Half of DAVE-2's limit: the largest part of it that the recorded path may use up by itself."""
MAX_OSCILLATING_SHARE: Final = 0.05
"""Measured on the lake with the simulator's expert: 0 to 0.03, keyboard included, and 0.09 with 12
recoveries a lap. On real recordings: 0.03 (`lake`), 0.21 (`jungle`), 0.51 (`lake-2`)."""
MAX_SLIPPING_SHARE: Final = 0.05
"""Measured on real recordings: 0.01 to 0.04, and 0.12 on `lake-2`."""


@dataclass(frozen=True)
class PathQuality:
    """How steadily a recording was driven."""

    oscillating_share: float
    """Share of windows, 0..1, with a swing of more than half a metre to a side and back."""
    slipping_share: float
    """Share of time, 0..1, in which the steering asks for more than the tyres hold, 0.9 g."""

    @property
    def problems(self) -> tuple[str, ...]:
        """Reasons why the path is unfit, in words; none if it is fit."""
        problems = []
        if self.oscillating_share > MAX_OSCILLATING_SHARE:
            problems.append(
                f"its own path swings to a side and back by more than {MIN_SWING_M:g} m in "
                f"{100 * self.oscillating_share:.0f} % of the time (allowed: at most "
                f"{100 * MAX_OSCILLATING_SHARE:.0f} %), from recovery driving or hectic steering"
            )
        if self.slipping_share > MAX_SLIPPING_SHARE:
            problems.append(
                "its steering asks for more than the tyres hold in "
                f"{100 * self.slipping_share:.0f} % of the time (allowed: at most "
                f"{100 * MAX_SLIPPING_SHARE:.0f} %), so it is not certain where the car went"
            )
        return tuple(problems)

    def document(self) -> dict[str, Any]:
        """Return the measures and problems as a JSON document."""
        return {
            "swinging": self.oscillating_share,
            "slipping": self.slipping_share,
            "unfit": list(self.problems),
        }


def assess(drive: LoggedDrive) -> PathQuality:
    """Measure the path of a recording from its steering and speed alone.

    The turning in a window that goes one way and is taken back again is half of the turning beyond
    the net turn, (integral |yaw| - |integral yaw|) / 2. A heading that is wrong by that angle for
    half of the window, and on average by half of it, carries the car
    v * turn taken back * window / 4 to a side.
    """
    moving_s = drive.moving_s()
    yaw = np.array(
        [
            yaw_rad_s(float(steering), float(speed))
            for steering, speed in zip(drive.steering, drive.speed_mps, strict=True)
        ]
    )
    clock = np.concatenate([[0.0], np.cumsum(moving_s)])
    window_s = min(WINDOW_S, float(clock[-1]))
    starts = np.arange(0.0, clock[-1] - window_s + WINDOW_STEP_S, WINDOW_STEP_S)

    def integrate(rates: Floats) -> Floats:
        """Return the integral over each window of a rate that is given at each row."""
        integral = np.concatenate([[0.0], np.cumsum(rates * moving_s)])
        ends = np.interp(starts + window_s, clock, integral)
        return np.asarray(ends - np.interp(starts, clock, integral))

    taken_back = (integrate(np.abs(yaw)) - np.abs(integrate(yaw))) / 2
    # The integral of the speed is v * window.
    swing_m = integrate(drive.speed_mps) * taken_back / 4
    slips = np.abs(yaw) * drive.speed_mps > TYRE_GRIP * GRAVITY_MPS2
    return PathQuality(
        oscillating_share=float((swing_m > MIN_SWING_M).mean()),
        slipping_share=float(moving_s[slips].sum() / clock[-1]),
    )
