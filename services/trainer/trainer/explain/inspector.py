"""Inspects how a network sees one frame: its input, its saliency and its feature maps."""

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
    """The feature maps of one convolution for one frame."""

    maps: Values
    """(height, width, filters), after the activation."""
    kernel: tuple[int, int]
    strides: tuple[int, int]


class ModelInspector:
    """Inspects a network whose inputs are the contract's frames.

    Raises:
        ModelError: the network has no convolution.
    """

    def __init__(self, network: NetworkSpec) -> None:
        self.network = network
        self._stages = maps.conv_stages(network)
        self._box = maps.conv_input_box(network)

    def inspect(self, name: str, frame: npt.NDArray[np.uint8], driver: float | None) -> FrameView:
        """Return a frame (128, 128, 3) as the network sees it.

        Args:
            name: what captions call the frame.
            frame: RGB.
            driver: the recorded steering, -1..1, if it is known.
        """
        outputs = maps.layer_outputs(self.network, frame[None])
        mask = saliency.visual_backprop(self.network, outputs)
        crop = maps.conv_input(self.network, frame[None])[0]
        return FrameView(
            name=name,
            frame=frame,
            crop=np.rint(crop).clip(0, 255).astype(np.uint8),
            saliency=maps.conv_input(self.network, mask[..., None])[0, ..., 0],
            box=self._box,
            network_deg=float(outputs[-1].reshape(-1)[0]) * MAX_STEER_DEG,
            driver_deg=None if driver is None else driver * MAX_STEER_DEG,
        )

    def feature_maps(self, frame: npt.NDArray[np.uint8]) -> list[FeatureMaps]:
        """Return the feature maps of each convolution for a frame (128, 128, 3)."""
        outputs = maps.layer_outputs(self.network, frame[None])
        return [_feature_maps(self.network, stage, outputs) for stage in self._stages]


def _feature_maps(network: NetworkSpec, stage: ConvStage, outputs: list[Values]) -> FeatureMaps:
    layer = network.layers[stage.conv]
    assert isinstance(layer, Conv)
    rows, columns = layer.kernel.shape[:2]
    return FeatureMaps(outputs[stage.maps][0], (rows, columns), layer.strides)
