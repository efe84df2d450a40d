"""Measures whether the path of a recording is fit to compare other drivers with.

Log replay measures how far a driver is from the recorded path. In recordings of recoveries, the
recorded car itself drives to the edge and back: a driver who keeps to the middle would get a bad
score there. Where the tyres slipped, the bicycle model does not know where the recorded car went.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from contract.dataset import path_fitness
from contract.dataset.path_fitness import MIN_SWING_M
from contract.vehicle import GRAVITY_MPS2, TYRE_GRIP
from evaluator.offline.logged_drive import LoggedDrive

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

    What a swing is, contract/dataset/path_fitness.py says.
    """
    moving_s = drive.moving_s()
    windows = path_fitness.find_swings(moving_s, drive.steering, drive.speed_mps)
    demand = path_fitness.demanded_mps2(drive.steering, drive.speed_mps)
    slips = np.abs(demand) > TYRE_GRIP * GRAVITY_MPS2
    return PathQuality(
        oscillating_share=float(windows.swings.mean()),
        slipping_share=float(moving_s[slips].sum() / moving_s.sum()),
    )
