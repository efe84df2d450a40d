"""A network's eye: of one frame, what it saw, where it looked, and what each layer made of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contract.vehicle import MAX_STEER_DEG
from trainer.explain import feature_maps as maps
from trainer.explain import saliency
from trainer.explain.feature_maps import ConvStage
from trainer.explain.plots.frames import FrameView
from trainer.graph.layers import Conv, NetworkSpec

Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class FeatureMaps:
    """What one convolution made of one frame."""

    maps: Values
    """(height, width, filters), after the non-linearity."""
    kernel: tuple[int, int]
    strides: tuple[int, int]


class ModelInspector:
    """The eye of a network whose input are the contract's frames.

    Raises:
        ModelError: it has no convolution.
    """

    def __init__(self, network: NetworkSpec) -> None:
        self.network = network
        self._stages = maps.conv_stages(network)
        self._box = maps.conv_input_box(network)

    def inspect(self, name: str, frame: npt.NDArray[np.uint8], driver: float | None) -> FrameView:
        """Return a frame (128, 128, 3) as the network sees it.

        Args:
            name: what to call it.
            frame: RGB.
            driver: the recorded steering, -1..1, if there is one.
        """
        trace = maps.layer_outputs(self.network, frame[None])
        seen = saliency.visual_backprop(self.network, trace)
        crop = maps.conv_input(self.network, frame[None])[0]
        return FrameView(
            name=name,
            frame=frame,
            crop=np.rint(crop).clip(0, 255).astype(np.uint8),
            saliency=maps.conv_input(self.network, seen[..., None])[0, ..., 0],
            box=self._box,
            network_deg=float(trace[-1].reshape(-1)[0]) * MAX_STEER_DEG,
            driver_deg=None if driver is None else driver * MAX_STEER_DEG,
        )

    def maps(self, frame: npt.NDArray[np.uint8]) -> list[FeatureMaps]:
        """Return the maps of each convolution for a frame (128, 128, 3)."""
        trace = maps.layer_outputs(self.network, frame[None])
        return [_maps(self.network, each, trace) for each in self._stages]


def _maps(network: NetworkSpec, stage: ConvStage, trace: list[Values]) -> FeatureMaps:
    layer = network.layers[stage.conv]
    assert isinstance(layer, Conv)
    rows, columns = layer.kernel.shape[:2]
    return FeatureMaps(trace[stage.maps][0], (rows, columns), layer.strides)
