"""Draws all images of a version into one folder, and lists them in its explanation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from trainer.explain import provenance, selection
from trainer.explain.explanation import Explanation
from trainer.explain.inspector import ModelInspector
from trainer.explain.plots import feature_maps, frames, steering
from trainer.explain.plots.frames import FrameView
from trainer.explain.plots.steering import LabelStage, SteeringTrace
from trainer.explain.validation import RowPrediction

Frame = npt.NDArray[np.uint8]

HARDEST: Final = 12
"""Maximum number of the hardest frames."""
MIN_INTERVAL_S: Final = 2.0
"""Minimum time between two of the hardest frames of a recording."""


@dataclass(frozen=True, eq=False)
class Renderer:
    """Draws into a folder, and adds to the explanation what it drew."""

    data_dir: Path
    explanation: Explanation
    inspector: ModelInspector
    out: Path

    @property
    def version_name(self) -> str:
        """The version as titles name it."""
        return f"Version {self.explanation.version}"

    def read_frame(self, prediction: RowPrediction) -> Frame:
        """Return the frame (128, 128, 3) of a row."""
        recording = prediction.predictions.recording
        (frame,) = provenance.read_frames(self.data_dir, recording, [prediction.row])
        return np.asarray(frame)

    def draw_validation(self, predictions: Sequence[RowPrediction]) -> None:
        """Draw the hardest frames, and the steering over time."""
        worst = _hardest(predictions)
        self._draw_hardest(worst)
        traces = []
        for recording in dict.fromkeys(prediction.predictions for prediction in predictions):
            ranks = {
                prediction.index: f"{rank}"
                for rank, prediction in enumerate(worst, 1)
                if prediction.predictions is recording
            }
            traces.append(
                SteeringTrace(
                    recording.recording.name,
                    recording.time_s,
                    recording.block,
                    recording.driver,
                    recording.network,
                    ranks,
                )
            )
        steering.draw_steering(
            traces,
            f"{self.version_name}: steering over time, on rows that it was not trained on",
            self.out / "over-time.png",
        )
        self.explanation.add_image("over-time.png", "the network's steering beside the driver's")

    def _draw_hardest(self, worst: Sequence[RowPrediction]) -> None:
        views = [
            self.inspector.inspect(prediction.name, self.read_frame(prediction), prediction.driver)
            for prediction in worst
        ]
        frames.draw_frame_grid(
            views,
            f"{self.version_name}: the {len(views)} hardest of the frames that it was not "
            "trained on",
            "The frames on which the network differs most from the driver, the largest difference "
            f"first, at least {MIN_INTERVAL_S:g} s apart. Left: what the network sees. Right: "
            "where it looks. The driver is not always right: an impulse on a keyboard counts as an "
            "error of the network here.",
            self.out / "hardest.png",
        )
        self.explanation.add_image("hardest.png", "the validation frames with the largest errors")
        for prediction, view in zip(worst, views, strict=True):
            self.explanation.hardest.append(
                {
                    "dataset": prediction.predictions.recording.name,
                    "row": prediction.row,
                    "time_s": prediction.time_s,
                    **_degrees(view),
                }
            )

    def draw_label_stages(self, stages: Sequence[LabelStage]) -> None:
        """Draw the labels at each stage of their preparation."""
        steering.draw_label_histograms(
            stages,
            f"The labels of {self.version_name.lower()}: the steering at each stage",
            self.out / "steering.png",
        )
        self.explanation.add_image(
            "steering.png", "the labels before and after each step of their preparation"
        )
        for stage in stages:
            zeros = float(np.mean(stage.steering == 0))
            self.explanation.add_figure(stage.name, len(stage.steering), "labels")
            self.explanation.add_figure(f"{stage.name}: share that is exactly 0", zeros, "1")

    def draw_frame(self, name: str, picture: Frame, driver: float | None) -> None:
        """Draw a picture, RGB of any size, and the feature maps of each convolution for it."""
        number = len(self.explanation.frames) + 1
        view, files = self.inspector.inspect(name, picture, driver), [f"frame-{number}.png"]
        frames.draw_frame(view, f"{self.version_name} on {name}", self.out / files[0])
        self.explanation.add_image(files[0], f"{name}: the frame, the crop, the saliency")
        convolutions = []
        for order, conv in enumerate(self.inspector.feature_maps(picture), 1):
            height, width, filters = conv.maps.shape
            kernel = f"{conv.kernel[0]} x {conv.kernel[1]}, stride {conv.strides[0]}"
            files.append(f"frame-{number}-convolution-{order}.png")
            feature_maps.draw_feature_maps(
                conv.maps,
                view.aspect,
                f"{self.version_name}, convolution {order} ({kernel}): {filters} maps of "
                f"{width} x {height}",
                name,
                self.out / files[-1],
            )
            self.explanation.add_image(
                files[-1], f"{name}: the {filters} maps of convolution {order}"
            )
            convolutions.append(
                {
                    "maps": filters,
                    "height_px": height,
                    "width_px": width,
                    "silent_maps": feature_maps.count_dead(conv.maps),
                }
            )
        self.explanation.frames.append(
            {"name": name, "files": files, **_degrees(view), "convolutions": convolutions}
        )


def _hardest(predictions: Sequence[RowPrediction]) -> list[RowPrediction]:
    recordings = list(dict.fromkeys(id(prediction.predictions) for prediction in predictions))
    rows = selection.hardest(
        np.array([prediction.network - prediction.driver for prediction in predictions]),
        np.array([prediction.time_s for prediction in predictions]),
        np.array([recordings.index(id(prediction.predictions)) for prediction in predictions]),
        HARDEST,
        MIN_INTERVAL_S,
    )
    return [predictions[row] for row in rows]


def _degrees(view: FrameView) -> dict[str, float]:
    """Return the steering of a view in degrees at the wheels."""
    degrees = {"network_deg": view.network_deg}
    if view.driver_deg is not None:
        degrees |= {"driver_deg": view.driver_deg, "error_deg": view.network_deg - view.driver_deg}
    return degrees
