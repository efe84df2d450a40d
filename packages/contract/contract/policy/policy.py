"""A model that drives: one verified version, loaded and warm, never changed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from contract.errors import ModelError
from contract.frames import spec
from contract.frames.preprocess import Frame
from contract.models import golden
from contract.models.golden import Golden
from contract.models.registry import TFLITE, ModelManifest, Registry

__all__ = ["Backend", "LoadedPolicy", "load"]


class Backend(Protocol):
    """A loaded network. Not to be used by two threads at once.

    LiteRT is the one (litert.py); docs/adr/0007-inference.md tells which others were tried.
    """

    def predict(self, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the steering, float32 (n,), of frames uint8 RGB (n, 128, 128, 3)."""


Load = Callable[[Path], Backend]
"""Loads the network of the version in a folder; raises ModelError."""


@dataclass(frozen=True)
class LoadedPolicy:
    """A loaded version, and what it was seen to answer where it was made."""

    manifest: ModelManifest
    backend: Backend
    golden: Golden

    def steer(self, seen: Frame) -> float:
        """Return the steering, -1..1 (right is positive), for a prepared frame.

        Args:
            seen: uint8 RGB (128, 128, 3).

        Raises:
            ModelError: the network's answer is no number.
        """
        steering = float(self.backend.predict(seen[None])[0])
        if not math.isfinite(steering):
            raise self._no_number(steering)
        return max(-1.0, min(1.0, steering))

    def check(self) -> None:
        """Compare what the network answers to its golden frames with what it answered first.

        Raises:
            ModelError: it differs.
        """
        answers = self.backend.predict(self.golden.frames)
        if not np.isfinite(answers).all():
            raise self._no_number(answers[~np.isfinite(answers)][0])
        difference = float(np.abs(answers - self.golden.steering).max())
        if difference > golden.TOLERANCE:
            raise ModelError(
                f"model version {self.manifest.version} does not answer its golden frames as it "
                "did where it was made",
                got=f"a difference of {difference:.3g} in steering",
                remedy=f"At most {golden.TOLERANCE:g} may be: restart, or promote another version",
            )

    def _no_number(self, answer: float) -> ModelError:
        return ModelError(
            f"model version {self.manifest.version} answers with no number",
            got=float(answer),
            remedy="Promote another version, or train again",
        )


def load(registry: Registry, version: int, backend: Load) -> LoadedPolicy:
    """Verify a version, load it, and see that it answers as it should.

    Raises:
        ModelError: it is damaged, was made for other frames, does not load, or answers otherwise
            than where it was made.
    """
    manifest = registry.verify(version)
    if manifest.version != version:
        raise ModelError(
            f"the manifest of model version {version} belongs to another", got=manifest.version
        )
    if manifest.frame_spec != spec.SPEC:
        raise ModelError(
            f"model version {version} was trained on other frames than this service prepares",
            got=manifest.frame_spec,
            remedy=f"They are {spec.SPEC}: import and train with this release",
        )
    # What the manifest does not list was not verified either.
    for name in (TFLITE, golden.FILE):
        if name not in manifest.files:
            raise ModelError(
                f"the manifest of model version {version} lists no {name}",
                got=sorted(manifest.files),
            )
    folder = registry.path(version)
    pilot = LoadedPolicy(manifest, backend(folder), golden.read(folder / golden.FILE))
    pilot.check()  # and so the first prediction, which is the slow one, is over
    return pilot
