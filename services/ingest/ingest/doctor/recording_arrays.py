"""A recording as arrays: what its log says, what its pictures show, and how the car should turn.

The pictures are reduced to figures once (pictures.py); every examination shares them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.recordings.driving_log import Rejection
from contract.vehicle import MAX_STEER_RAD, ROW_S, WHEELBASE_M, YAW_LAG_S

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

CONTINUOUS_S: Final = 0.3
"""Rows farther apart than this show too little of the same scene to measure a turn."""
MOVING_MPS: Final = 1.0
"""From this speed on no two pictures can be alike."""
DRIVING_MPS: Final = 3.0
"""Slower, a turn within a row is lost in the noise of the measurement."""
TRUST: Final = 0.3
"""Least peak of a phase correlation that is believed; of real rows 0.5 to 1 % are below it, in the
jungle 5 %."""


@dataclass(frozen=True)
class Fault:
    """A picture that is not there or cannot be read."""

    line: int
    name: str
    missing: bool
    why: str


@dataclass(frozen=True)
class Pictures:
    """What N rows of C cameras (centre, or centre, left and right) show."""

    faults: list[Fault]
    sizes: NDArray[np.int64]
    """(N, C, 2): height and width in pixels, 0 where there is no picture."""
    digests: NDArray[np.uint64]
    """(N, C): of the files' bytes, 0 where there is no picture."""
    yaw_rad: Floats
    """(N, C): turned since the row before, positive to the right; NaN in the first row, and
    wherever it cannot be measured."""
    side_px: Floats
    """(N, 2): how far the road moves from the left picture to the centre's, and from the centre's
    to the right one, in pixels of a picture 320 wide; NaN where it was not measured."""
    change: Floats
    """(N, C): mean absolute difference of grey levels to the row before; NaN in the first."""
    alike: Floats
    """(N, C): peak of the correlation of the horizon with that of the row before, about 0..1; NaN
    where they were not compared."""


@dataclass(frozen=True)
class Drive:
    """A recording: rows in the order of the log, and its pictures."""

    name: str
    lines: NDArray[np.int64]
    """(N,): of the log, from 1."""
    images: list[tuple[str, ...]]
    time_s: Floats
    """(N,): by the file names; NaN where they carry no time."""
    steering: Floats
    """(N,): -1..1."""
    speed_mps: Floats
    rejections: list[Rejection]
    """Lines of the log that are no rows."""
    pictures: Pictures

    @property
    def step_s(self) -> Floats:
        """(N,): time since the row before; nominal where it is unknown, 0 in the first row."""
        step = np.diff(self.time_s, prepend=self.time_s[:1])
        step[np.isnan(step)] = ROW_S
        step[:1] = 0.0
        return step

    @property
    def period_s(self) -> float:
        """The usual time between two rows."""
        step = self.step_s[1:]
        return float(np.median(step[step > 0])) if (step > 0).any() else ROW_S

    def believed(self, camera: int = 0) -> Flags:
        """Tell in which rows (N,) the turn seen since the row before can be relied on."""
        step = self.step_s
        return (
            (step > 0)
            & (step < CONTINUOUS_S)
            & (self.speed_mps > DRIVING_MPS)
            & np.isfinite(self.pictures.yaw_rad[:, camera])
        )

    def yaw_rate(self, camera: int = 0) -> Floats:
        """(N,): rad/s seen by a camera, positive to the right; 0 where it is not believed."""
        good = self.believed(camera)
        rate = np.zeros(len(good))
        rate[good] = self.pictures.yaw_rad[good, camera] / self.step_s[good]
        return rate

    def expected_yaw_rate(self) -> Floats:
        """(N,): rad/s that the steering should have caused since the row before.

        The kinematic bicycle v·tan(25°·s)/2.87 m through a first-order lag of 0.15 s explains 80 to
        96 % of the variance of the yaw of Udacity's car (docs/protocol.md).
        """
        wanted = self.speed_mps * np.tan(MAX_STEER_RAD * self.steering) / WHEELBASE_M
        kept = np.exp(-np.clip(self.step_s, 0.0, 1.0) / YAW_LAG_S)
        rate = np.zeros(len(wanted))
        for row in range(1, len(wanted)):
            rate[row] = wanted[row - 1] + (rate[row - 1] - wanted[row - 1]) * kept[row]
        return np.asarray((rate + np.concatenate([rate[:1], rate[:-1]])) / 2, dtype=np.float64)


def line_numbers(drive: Drive, rows: NDArray[np.int64] | Sequence[int]) -> list[int]:
    """Return the lines of the log of some rows."""
    return [int(drive.lines[row]) for row in rows]


def runs(flags: Flags) -> list[tuple[int, int]]:
    """Return the runs of true in (N,) flags, as (first, after the last)."""
    edges = np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8))
    pairs = zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True)
    return [(int(first), int(after)) for first, after in pairs]
