"""Compares what a version would steer with what the version that drives steers, frame by frame."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from contract import steering_metrics
from contract.errors import TelemetryError
from contract.frames import preprocess
from contract.frames.preprocess import Frame
from contract.vehicle import MAX_STEER_DEG
from contract.wire.live_view import LiveView

DRIVEN: Final = "model"
"""The answers that are compared: those in which the model steered the frame that was sent."""
MAX_WORST: Final = 8
"""Number of the worst moments whose pictures are kept."""
APART_S: Final = 2.0
"""Shortest time in seconds between two of the worst moments of one drive: a single bend is one
moment."""
OPPOSITE: Final = 0.05
"""Two steerings have opposite directions if both are larger than this, to different sides."""


@dataclass(frozen=True)
class Moment:
    """One frame of a drive, with what both versions steer in it."""

    simulator: str
    """The simulator with its bridge, as LiveView.drive has it."""
    time_s: float
    """Time in seconds since 1970."""
    speed_mph: float
    driven: float
    """Steering with which the car drove, -1..1."""
    shadow: float
    """Steering of the version that goes along unseen, -1..1."""

    @property
    def difference(self) -> float:
        """How much further to the right the unseen version steers."""
        return self.shadow - self.driven


@dataclass
class ShadowComparison:
    """Collects the moments of all drives, and keeps the pictures of the worst.

    Args:
        steer: returns the steering of the unseen version for a picture, RGB of any size.
    """

    steer: Callable[[Frame], float]
    moments: list[Moment] = field(default_factory=list)
    worst: list[tuple[Moment, Frame]] = field(default_factory=list)
    """The worst moments with their pictures, the largest difference first."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Number of views that were not compared, by the reason."""

    def add(self, arrived: Iterable[LiveView]) -> None:
        """Compare the newest view of each simulator; the others are counted as left out.

        Raises:
            TelemetryError: the picture of a view is not in base64.
            FrameError: the picture cannot be decoded.
            ModelError: the version answers with no number.
        """
        newest: dict[str, LiveView] = {}
        for view in arrived:
            if view.how != DRIVEN:
                self.left_out[view.how] += 1
                continue
            if view.drive in newest:
                self.left_out["skipped"] += 1
            newest[view.drive] = view
        for view in newest.values():
            picture = preprocess.decode(_jpeg(view))
            moment = Moment(
                view.drive, view.time_s, view.speed_mph, view.steering, self.steer(picture)
            )
            self.moments.append(moment)
            self._keep_if_worst(moment, picture)

    def _keep_if_worst(self, moment: Moment, picture: Frame) -> None:
        near = [
            kept
            for kept in self.worst
            if kept[0].simulator == moment.simulator
            and abs(kept[0].time_s - moment.time_s) < APART_S
        ]
        if any(abs(kept.difference) >= abs(moment.difference) for kept, _ in near):
            return
        others = [kept for kept in self.worst if not any(kept is one for one in near)]
        others.append((moment, picture))
        others.sort(key=lambda kept: -abs(kept[0].difference))
        self.worst = others[:MAX_WORST]

    def describe_left_out(self) -> str:
        """Return how many views were left out for each reason; "" if none was."""
        return ", ".join(
            f"{count} views {reason}" for reason, count in sorted(self.left_out.items())
        )

    def summary(self) -> dict[str, Any]:
        """Return the figures of the comparison; there must be at least one moment.

        Differences are in degrees at the front wheels, positive to the right, and are those of the
        unseen version from the one that drives. `by_bin` has them by the steering that drove.
        """
        driven = np.array([moment.driven for moment in self.moments])
        shadow = np.array([moment.shadow for moment in self.moments])
        difference_deg = (shadow - driven) * MAX_STEER_DEG
        opposite = (driven * shadow < 0) & (np.minimum(abs(driven), abs(shadow)) > OPPOSITE)
        times_s = [moment.time_s for moment in self.moments]
        return {
            "moments": len(self.moments),
            "simulators": len({moment.simulator for moment in self.moments}),
            "seconds": max(times_s) - min(times_s),
            "mean_deg": float(difference_deg.mean()),
            "mae_deg": float(abs(difference_deg).mean()),
            "rmse_deg": float(np.sqrt(np.mean(difference_deg**2))),
            "p95_deg": float(np.quantile(abs(difference_deg), 0.95)),
            "max_deg": float(abs(difference_deg).max()),
            "correlation": steering_metrics.correlation(shadow, driven),
            "opposite_percent": 100 * float(opposite.mean()),
            "by_bin": steering_metrics.by_bin(shadow, driven),
            "left_out": dict(sorted(self.left_out.items())),
        }


def _jpeg(view: LiveView) -> bytes:
    try:
        return base64.b64decode(view.image, validate=True)
    except (binascii.Error, ValueError) as error:
        raise TelemetryError(
            "the picture of a published view is not in base64", got=error
        ) from error
