"""Loads a verified version of a model, and answers frames with it."""

from __future__ import annotations

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
from contract.policy import answer
from contract.policy.answer import PolicyAnswer

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
        """Return what the network answers to frames, uint8 (n, height, width, channels).

        Returns:
            Its numbers as `answer.read_output` reads them, float32 (n, 1) or (n, 2).
        """


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

    def answer_picture(self, picture: Frame) -> PolicyAnswer:
        """Return the answer to a decoded picture, RGB of any size, as `answer` does.

        Raises:
            ModelError: the network's answer is not a finite number.
        """
        return self.answer(self.prepare(picture))

    def steer_picture(self, picture: Frame) -> float:
        """Return the steering of the answer to a picture, for whoever needs nothing else of it.

        Raises:
            ModelError: the network's answer is not a finite number.
        """
        return self.answer_picture(picture).steering

    def answer(self, frame: Frame) -> PolicyAnswer:
        """Return the answer to a frame, clamped to what the car can do.

        Args:
            frame: what `prepare` makes of a picture, uint8 of the shape of `frame_spec`.

        Raises:
            ModelError: the network's answer is not a finite number.
        """
        numbers = self.backend.predict(frame[None])[0].tolist()
        found = answer.read_output(numbers)
        if found is None:
            raise self._answer_error(numbers)
        return found

    def check(self) -> None:
        """Compare the network's answers to its golden frames with those in the file.

        Raises:
            ModelError: they differ by more than golden.TOLERANCE, which is relative to answers
                beyond -1..1; or the network or the file has another number of them than the
                manifest says.
        """
        frames = np.stack([self.prepare(picture) for picture in self.golden.frames])
        answers, known = self.backend.predict(frames), self.golden.answers
        counts = [answers.shape[1], known.shape[1]]
        expected = answer.output_count(self.manifest.config)
        if counts != [expected, expected]:
            raise ModelError(
                f"model version {self.manifest.version} does not answer the "
                f"{'steering and the speed' if expected == 2 else 'steering alone'}, as its "
                "manifest says",
                got=f"{counts[0]} numbers from the network, {counts[1]} with its golden frames",
                remedy="Promote another version, or train again",
            )
        if not np.isfinite(answers).all():
            raise self._answer_error(answers[~np.isfinite(answers)][:1].tolist())
        difference = float(np.abs(answers - known).max())
        # An imported network may answer in degrees, say, where float32 is coarser.
        accepted = golden.TOLERANCE * max(1.0, float(np.abs(known).max()))
        if not difference <= accepted:  # written so that NaN is refused
            raise ModelError(
                f"model version {self.manifest.version} does not answer its golden frames as it "
                "did where it was made",
                got=f"a difference of {difference:.3g} in "
                f"{'steering' if expected == 1 else 'steering, or in speed / 30 mph'}",
                remedy=f"The maximum is {accepted:g}: restart, or promote another version",
            )

    def _answer_error(self, numbers: list[float]) -> ModelError:
        return ModelError(
            f"model version {self.manifest.version} answers with no number",
            got=", ".join(map(str, numbers)),
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
