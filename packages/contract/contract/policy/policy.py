"""Loads a verified version of a model, and steers with it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from contract.errors import ModelError
from contract.frames import preprocess, spec
from contract.frames.preprocess import Frame
from contract.frames.spec import OWN, FrameSpec
from contract.models import golden
from contract.models.golden import Golden
from contract.models.registry import TFLITE, ModelManifest, Registry

__all__ = ["Backend", "Load", "LoadedPolicy", "load"]


class Backend(Protocol):
    """A loaded network; only one thread may use it at a time.

    LiteRT (litert.py) is one that computes everywhere; inference has a faster one.
    docs/adr/0007-inference.md says which others were tried.
    """

    @property
    def name(self) -> str:
        """The name by which inference says which backend computes."""

    def predict(self, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the steering as float32 (n,) for frames, uint8 (n, height, width, channels)."""


Load = Callable[[Path, tuple[int, int, int]], Backend]
"""Loads the network of the version in a folder, which is given frames of a shape (height, width,
channels); raises ModelError if that fails."""


@dataclass(frozen=True)
class LoadedPolicy:
    """Holds a loaded version with its golden frames, which show whether it answers correctly."""

    manifest: ModelManifest
    backend: Backend
    golden: Golden
    frame_spec: FrameSpec = OWN
    """What the network is given."""

    def prepare(self, picture: Frame) -> Frame:
        """Return the frame that the network is given of a decoded picture, RGB of any size."""
        return preprocess.fit(picture, self.frame_spec)

    def steer_picture(self, picture: Frame) -> float:
        """Return the steering for a decoded picture, RGB of any size, as `steer` does.

        Raises:
            ModelError: the network's answer is not a finite number.
        """
        return self.steer(self.prepare(picture))

    def steer(self, frame: Frame) -> float:
        """Return the steering for a frame, clamped to -1..1; right is positive.

        Args:
            frame: what `prepare` makes of a picture, uint8 of the shape of `frame_spec`.

        Raises:
            ModelError: the network's answer is not a finite number.
        """
        steering = float(self.backend.predict(frame[None])[0])
        if not math.isfinite(steering):
            raise self._answer_error(steering)
        return max(-1.0, min(1.0, steering))

    def check(self) -> None:
        """Compare the network's answers to its golden frames with those in the file.

        Raises:
            ModelError: they differ by more than golden.TOLERANCE, which is relative to answers
                beyond -1..1.
        """
        frames = np.stack([self.prepare(picture) for picture in self.golden.frames])
        answers = self.backend.predict(frames)
        if not np.isfinite(answers).all():
            raise self._answer_error(answers[~np.isfinite(answers)][0])
        difference = float(np.abs(answers - self.golden.steering).max())
        # An imported network may answer in degrees, say, where float32 is coarser.
        accepted = golden.TOLERANCE * max(1.0, float(np.abs(self.golden.steering).max()))
        if not difference <= accepted:  # written so that NaN is refused
            raise ModelError(
                f"model version {self.manifest.version} does not answer its golden frames as it "
                "did where it was made",
                got=f"a difference of {difference:.3g} in steering",
                remedy=f"The maximum is {accepted:g}: restart, or promote another version",
            )

    def _answer_error(self, answer: float) -> ModelError:
        return ModelError(
            f"model version {self.manifest.version} answers with no number",
            got=float(answer),
            remedy="Promote another version, or train again",
        )


def load(registry: Registry, version: int, backend: Load) -> LoadedPolicy:
    """Verify a version, load it, and check its answers to its golden frames.

    Args:
        registry: the model registry.
        version: the version to load.
        backend: function that loads the network.

    Raises:
        ModelError: the version is damaged, was made for other frames, cannot be loaded, or gives
            other answers than on the machine that made it.
    """
    manifest = registry.verify(version)
    if manifest.version != version:
        raise ModelError(
            f"the manifest of model version {version} belongs to another",
            got=manifest.version,
            remedy="Promote another version, or train again",
        )
    try:
        frame = spec.parse(manifest.frame_spec)
    except ModelError as error:
        raise ModelError(
            f"model version {version} was trained on other frames than this service prepares",
            got=manifest.frame_spec,
            remedy=f"{error}. Import it or train with this release",
        ) from error
    # A file that the manifest does not list was not verified.
    for name in (TFLITE, golden.FILE):
        if name not in manifest.files:
            raise ModelError(
                f"the manifest of model version {version} lists no {name}",
                got=sorted(manifest.files),
                remedy="Promote another version, or train again",
            )
    folder = registry.path(version)
    policy = LoadedPolicy(
        manifest, backend(folder, frame.shape), golden.read(folder / golden.FILE), frame
    )
    # This also makes the first prediction, which is slow, before the policy is used.
    policy.check()
    return policy
