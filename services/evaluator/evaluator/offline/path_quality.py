"""Whether a recording's path is one that another driver can be held to.

A rerun measures how far a driver strays from the recorded path. Where the recorded car itself went
to the edge and back, as recordings of recoveries do, a driver who keeps the middle would be marked
down for it; and where its tyres slipped, the bicycle does not know where it went.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluator.offline.logged_drive import Recorded
from evaluator.offline.virtual_car import yaw_rad_s
from simulator.vehicle import GRAVITY_MPS2, TYRE_GRIP

Floats = NDArray[np.float64]

WINDOW_S: Final = 3.0
"""Over which a turn and its contrary are one swing; two bends in a row take longer."""
EVERY_S: Final = 0.1
SWING_M: Final = 0.5
"""Half of DAVE-2's limit: as much of it as the reference may use up by itself."""
MOST_SWINGING: Final = 0.05
"""Share of time. Our expert on the lake: 0 to 0.03, keyboard included; with 12 recoveries a lap
0.09. Real: 0.03 (`lake`), 0.21 (`jungle`), 0.51 (`lake-2`)."""
MOST_SLIPPING: Final = 0.05
"""Share of time. Real: 0.01 to 0.04, and 0.12 on `lake-2`."""


@dataclass(frozen=True)
class Reference:
    """How a recording was driven."""

    swinging: float
    """Share of driving, 0..1, within a swing of more than half a metre to a side and back."""
    slipping: float
    """Share of time, 0..1, in which the steering asks for more than the tyres hold, 0.9 g."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is unfit, in words; none if it is fit."""
        found = []
        if self.swinging > MOST_SWINGING:
            found.append(
                f"its own path swings to a side and back by more than {SWING_M:g} m in "
                f"{100 * self.swinging:.0f} % of the time (fit: at most {100 * MOST_SWINGING:.0f} "
                "%): recovery driving, or hectic steering"
            )
        if self.slipping > MOST_SLIPPING:
            found.append(
                f"its steering asks for more than the tyres hold in {100 * self.slipping:.0f} % of "
                f"the time (fit: at most {100 * MOST_SLIPPING:.0f} %), so where it went is unsure"
            )
        return tuple(found)


def judge(recorded: Recorded) -> Reference:
    """Return how a recording was driven, from its steering and speed alone.

    In a window, what was turned one way and taken back again is half of the turning beyond the net
    turn, (integral |yaw| - |integral yaw|) / 2. A heading that is off by so much for half of the
    window, on average half of that, carries the car v * turned back * window / 4 to a side.
    """
    held = recorded.driven_s()
    yaw = np.array(
        [
            yaw_rad_s(float(steering), float(speed))
            for steering, speed in zip(recorded.steering, recorded.speed_mps, strict=True)
        ]
    )
    clock = np.concatenate([[0.0], np.cumsum(held)])
    window_s = min(WINDOW_S, float(clock[-1]))
    starts = np.arange(0.0, clock[-1] - window_s + EVERY_S, EVERY_S)

    def within(values: Floats) -> Floats:
        """Return the integral over each window of what is so many a second at each row."""
        so_far = np.concatenate([[0.0], np.cumsum(values * held)])
        ends = np.interp(starts + window_s, clock, so_far)
        return np.asarray(ends - np.interp(starts, clock, so_far))

    back = (within(np.abs(yaw)) - np.abs(within(yaw))) / 2
    swing_m = within(recorded.speed_mps) * back / 4  # the speed's integral is v * window
    slips = np.abs(yaw) * recorded.speed_mps > TYRE_GRIP * GRAVITY_MPS2
    return Reference(
        swinging=float((swing_m > SWING_M).mean()),
        slipping=float(held[slips].sum() / clock[-1]),
    )
