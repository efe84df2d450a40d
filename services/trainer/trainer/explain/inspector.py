"""Inspects how a network sees one frame: its input, its saliency and its feature maps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from contract.frames import preprocess
from contract.frames.spec import OWN, FrameSpec
from contract.vehicle import IMAGE_HEIGHT, IMAGE_WIDTH, MAX_STEER_DEG
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
    """Inspects a network.

    Args:
        network: the network.
        frame_spec: what the network is given of a picture.

    Raises:
        ModelError: the network has no convolution.
    """

    def __init__(self, network: NetworkSpec, frame_spec: FrameSpec = OWN) -> None:
        self.network = network
        self._frame_spec = frame_spec
        kept_rows = IMAGE_HEIGHT - sum(frame_spec.crop)
        self._stretch = (kept_rows / frame_spec.height) / (IMAGE_WIDTH / frame_spec.width)
        self._stages = maps.conv_stages(network)
        self._box = maps.conv_input_box(network)

    def inspect(self, name: str, picture: npt.NDArray[np.uint8], driver: float | None) -> FrameView:
        """Return a picture as the network sees it, in the picture's own colours.

        Args:
            name: what captions call the picture.
            picture: RGB of shape (height, width, 3), of any size, such as a frame of a store.
            driver: the recorded steering, -1..1, if it is known.
        """
        outputs = self._outputs(picture)
        mask = saliency.visual_backprop(self.network, outputs)
        # Other colours than RGB would be drawn as wrong ones.
        shown = preprocess.fit(picture, replace(self._frame_spec, color="rgb"))
        crop = maps.conv_input(self.network, shown[None])[0]
        return FrameView(
            name=name,
            frame=shown,
            crop=np.rint(crop).clip(0, 255).astype(np.uint8),
            saliency=maps.conv_input(self.network, mask[..., None])[0, ..., 0],
            box=self._box,
            network_deg=float(outputs[-1].reshape(-1)[0]) * MAX_STEER_DEG,
            driver_deg=None if driver is None else driver * MAX_STEER_DEG,
            stretch=self._stretch,
        )

    def _outputs(self, picture: npt.NDArray[np.uint8]) -> list[Values]:
        frame = preprocess.fit(picture, self._frame_spec)
        return maps.layer_outputs(self.network, frame[None])

    def feature_maps(self, picture: npt.NDArray[np.uint8]) -> list[FeatureMaps]:
        """Return the feature maps of each convolution for a picture, RGB of any size."""
        outputs = self._outputs(picture)
        return [_feature_maps(self.network, stage, outputs) for stage in self._stages]


def _feature_maps(network: NetworkSpec, stage: ConvStage, outputs: list[Values]) -> FeatureMaps:
    layer = network.layers[stage.conv]
    assert isinstance(layer, Conv)
    rows, columns = layer.kernel.shape[:2]
    return FeatureMaps(outputs[stage.maps][0], (rows, columns), layer.strides)
