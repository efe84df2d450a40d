"""A model that drives: one verified version, loaded and warm, never changed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from contract import frame
from contract.errors import ModelError
from contract.frame import Frame
from contract.registry import ModelManifest, Registry
from inference.backend import BACKENDS, Backend


@dataclass(frozen=True)
class Pilot:
    """A loaded version and the conditions it was made under."""

    manifest: ModelManifest
    backend: Backend

    def steer(self, seen: Frame) -> float:
        """Return the steering, -1..1 (right is positive), for a prepared frame.

        Raises:
            ModelError: the network's answer is no number.
        """
        steering = self.backend.steer(seen)
        if not math.isfinite(steering):
            raise ModelError(
                f"model version {self.manifest.version} answers with no number",
                got=steering,
                remedy="Promote another version, or train again",
            )
        return max(-1.0, min(1.0, steering))


def load(registry: Registry, version: int, backend: str) -> Pilot:
    """Verify a version, load it and compute one frame with it.

    Raises:
        ModelError: it is damaged, was made for other frames, does not load, or answers nonsense.
        SettingError: the backend is not installed here.
    """
    manifest = registry.verify(version)
    if manifest.frame_spec != frame.SPEC:
        raise ModelError(
            f"model version {version} was trained on other frames than this service prepares",
            got=manifest.frame_spec,
            remedy=f"They are {frame.SPEC}: import and train with this release",
        )
    pilot = Pilot(manifest, BACKENDS[backend](registry.path(version)))
    pilot.steer(np.zeros((frame.HEIGHT, frame.WIDTH, frame.CHANNELS), dtype=np.uint8))
    return pilot
