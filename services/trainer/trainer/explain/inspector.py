"""A network's eye: of one frame, what it saw, where it looked, and what each layer made of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contract.vehicle import MAX_STEER_DEG
from trainer.explain import feature_maps as maps
from trainer.explain import saliency
from trainer.explain.feature_maps import Stage
from trainer.explain.plots.frames import View
from trainer.graph.layers import Conv, Network

Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class FeatureMaps:
    """What one convolution made of one frame."""

    maps: Values
    """(height, width, filters), after the non-linearity."""
    kernel: tuple[int, int]
    strides: tuple[int, int]


class Eye:
    """The eye of a network whose input are the contract's frames.

    Raises:
        ModelError: it has no convolution.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._stages = maps.stages(network)
        self._box = maps.box(network)

    def look(self, name: str, frame: npt.NDArray[np.uint8], driver: float | None) -> View:
        """Return a frame (128, 128, 3) as the network sees it.

        Args:
            name: what to call it.
            frame: RGB.
            driver: the recorded steering, -1..1, if there is one.
        """
        trace = maps.trace(self.network, frame[None])
        seen = saliency.visual_backprop(self.network, trace)
        crop = maps.seen(self.network, frame[None])[0]
        return View(
            name=name,
            frame=frame,
            crop=np.rint(crop).clip(0, 255).astype(np.uint8),
            saliency=maps.seen(self.network, seen[..., None])[0, ..., 0],
            box=self._box,
            network_deg=float(trace[-1].reshape(-1)[0]) * MAX_STEER_DEG,
            driver_deg=None if driver is None else driver * MAX_STEER_DEG,
        )

    def maps(self, frame: npt.NDArray[np.uint8]) -> list[FeatureMaps]:
        """Return the maps of each convolution for a frame (128, 128, 3)."""
        trace = maps.trace(self.network, frame[None])
        return [_maps(self.network, each, trace) for each in self._stages]


def _maps(network: Network, stage: Stage, trace: list[Values]) -> FeatureMaps:
    layer = network.layers[stage.conv]
    assert isinstance(layer, Conv)
    rows, columns = layer.kernel.shape[:2]
    return FeatureMaps(trace[stage.maps][0], (rows, columns), layer.strides)
