"""A recording as arrays: its log, features of its images, and the yaw rate that both imply.

The images are measured once (frame_features.py), and all checks share the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.recordings.driving_log import Rejection
from contract.vehicle import MAX_STEER_RAD, ROW_S, WHEELBASE_M, YAW_LAG_S

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MAX_STEP_S: Final = 0.3
"""Rows that are farther apart in time show too little of the same scene to measure a yaw."""
MOVING_MPS: Final = 1.0
"""Speed above which no two images can be alike."""
DRIVING_MPS: Final = 3.0
"""Speed above which a yaw can be measured. Below, it is lost in the noise."""
MIN_PEAK: Final = 0.3
"""Smallest peak of a phase correlation that is trusted.

In real recordings 0.5 to 1 % of the rows are below it, and 5 % of those of the jungle track."""


@dataclass(frozen=True)
class ImageFault:
    """An image that is missing or cannot be read."""

    line: int
    name: str
    missing: bool
    reason: str


@dataclass(frozen=True)
class FrameFeatures:
    """Features of the images of N rows from C cameras: centre alone, or centre, left, right.

    In a row without side cameras, those of the side cameras are unknown.
    """

    faults: list[ImageFault]
    sizes: NDArray[np.int64]
    """(N, C, 2): height and width in pixels, 0 if there is no image."""
    digests: NDArray[np.uint64]
    """(N, C): digest of the file's bytes, 0 if there is no image."""
    yaw_rad: Floats
    """(N, C): yaw since the row before, positive to the right; NaN in the first row and if it
    cannot be measured."""
    side_px: Floats
    """(N, 2): shift of the road from the left image to the centre one, and from the centre one to
    the right one, in pixels of an image 320 wide; NaN if it was not measured."""
    change: Floats
    """(N, C): mean absolute difference of grey levels to the row before; NaN in the first row."""
    alike: Floats
    """(N, C): peak of the correlation between the horizon and that of the row before, about 0..1;
    NaN if they were not compared."""


@dataclass(frozen=True)
class RecordingArrays:
    """A recording: its rows in the order of the log, and the features of its images."""

    name: str
    lines: NDArray[np.int64]
    """(N,): line of the log, counted from 1."""
    images: list[tuple[str, ...]]
    time_s: Floats
    """(N,): time by the file name; NaN if it has no time stamp."""
    steering: Floats
    """(N,): steering, -1..1."""
    speed_mps: Floats
    """(N,): speed."""
    rejections: list[Rejection]
    """Lines of the log that cannot be used."""
    features: FrameFeatures
    notes: list[str] = field(default_factory=list)
    """Remarks on the form of the log, and on its cameras."""

    @property
    def cameras(self) -> int:
        """Number of cameras, 1 or 3; single rows may have the centre camera alone."""
        return max(len(names) for names in self.images)

    @property
    def step_s(self) -> Floats:
        """(N,): time since the row before; the nominal one if unknown, and 0 in the first row."""
        step = np.diff(self.time_s, prepend=self.time_s[:1])
        step[np.isnan(step)] = ROW_S
        step[:1] = 0.0
        return step

    @property
    def period_s(self) -> float:
        """The median time between two rows."""
        step = self.step_s[1:]
        return float(np.median(step[step > 0])) if (step > 0).any() else ROW_S

    def trusted_rows(self, camera: int = 0) -> Flags:
        """Return in which rows (N,) the yaw that a camera shows can be trusted."""
        step = self.step_s
        return (
            (step > 0)
            & (step < MAX_STEP_S)
            & (self.speed_mps > DRIVING_MPS)
            & np.isfinite(self.features.yaw_rad[:, camera])
        )

    def seen_yaw_rate(self, camera: int = 0) -> Floats:
        """Return the yaw rate (N,) that a camera shows, in rad/s, positive to the right.

        It is 0 in rows that are not trusted.
        """
        trusted = self.trusted_rows(camera)
        rate = np.zeros(len(trusted))
        rate[trusted] = self.features.yaw_rad[trusted, camera] / self.step_s[trusted]
        return rate

    def expected_yaw_rate(self) -> Floats:
        """Return the yaw rate (N,) in rad/s that the steering should have caused.

        The kinematic bicycle v·tan(25°·s)/2.87 m through a first-order lag of 0.15 s explains 80 to
        96 % of the variance of the yaw of Udacity's car (docs/protocol.md).
        """
        target = self.speed_mps * np.tan(MAX_STEER_RAD * self.steering) / WHEELBASE_M
        decay = np.exp(-np.clip(self.step_s, 0.0, 1.0) / YAW_LAG_S)
        rate = np.zeros(len(target))
        for row in range(1, len(target)):
            rate[row] = target[row - 1] + (rate[row - 1] - target[row - 1]) * decay[row]
        return np.asarray((rate + np.concatenate([rate[:1], rate[:-1]])) / 2, dtype=np.float64)


def log_lines(recording: RecordingArrays, rows: NDArray[np.int64] | Sequence[int]) -> list[int]:
    """Return the lines of the log that some rows come from."""
    return [int(recording.lines[row]) for row in rows]


def true_runs(flags: Flags) -> list[tuple[int, int]]:
    """Return the runs of true values in flags (N,), as pairs (first, end) with end excluded."""
    edges = np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8))
    pairs = zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True)
    return [(int(first), int(end)) for first, end in pairs]
