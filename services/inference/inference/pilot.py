"""A model that drives: one verified version, loaded and warm, never changed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from contract import frame
from contract.errors import ModelError
from contract.frame import Frame
from contract.registry import ModelManifest, Registry
from inference.backend import Backend, Kind


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
        steering = float(self.backend.predict(seen[None])[0])
        if not math.isfinite(steering):
            raise ModelError(
                f"model version {self.manifest.version} answers with no number",
                got=steering,
                remedy="Promote another version, or train again",
            )
        return max(-1.0, min(1.0, steering))


def load(registry: Registry, version: int, kind: Kind) -> Pilot:
    """Verify a version, load it and compute one frame with it.

    Raises:
        ModelError: it is damaged, was made for other frames, does not load, or answers nonsense.
    """
    manifest = registry.verify(version)
    if manifest.version != version:
        raise ModelError(
            f"the manifest of model version {version} belongs to another", got=manifest.version
        )
    if manifest.frame_spec != frame.SPEC:
        raise ModelError(
            f"model version {version} was trained on other frames than this service prepares",
            got=manifest.frame_spec,
            remedy=f"They are {frame.SPEC}: import and train with this release",
        )
    # What the manifest does not list was not verified either.
    if kind.file not in manifest.files:
        raise ModelError(
            f"the manifest of model version {version} lists no {kind.file}",
            got=sorted(manifest.files),
        )
    pilot = Pilot(manifest, kind.load(registry.path(version)))
    # The first prediction is the slow one, and shows whether there will be any.
    pilot.steer(np.full((frame.HEIGHT, frame.WIDTH, frame.CHANNELS), 127, dtype=np.uint8))
    return pilot
