import cv2
import numpy as np
import pytest

from contract.errors import ModelError
from contract.frames import spec
from contract.frames.spec import FrameSpec

OPENCV_NAMES = {"ycrcb": "YCrCb", "lab": "Lab"}


def test_our_own_frame_is_described_as_in_release_0_1_0() -> None:
    assert spec.SPEC == {
        "height": 128,
        "width": 128,
        "channels": 3,
        "dtype": "uint8",
        "color": "rgb",
        "resize": "linear",
    }
    assert spec.parse(spec.SPEC) == spec.OWN


@pytest.mark.parametrize(
    "frame",
    [FrameSpec(66, 200, "yuv", "area", (60, 25)), FrameSpec(32, 64, "gray", "pil-bicubic")],
)
def test_a_description_is_read_back(frame: FrameSpec) -> None:
    assert spec.parse(frame.document()) == frame


def test_a_frame_is_told_in_words() -> None:
    assert FrameSpec(66, 200, "yuv", "area", (60, 25)).describe() == (
        "rows 60 to 134 of 160, resized to 200 x 66 (area), yuv"
    )
    assert spec.OWN.describe() == "the whole picture, resized to 128 x 128 (linear), rgb"


@pytest.mark.parametrize("color", spec.COLORS)
def test_a_frame_has_the_channels_that_opencv_makes(color: str) -> None:
    frame = FrameSpec(color=color)
    conversion = getattr(cv2, f"COLOR_RGB2{OPENCV_NAMES.get(color, color.upper())}", None)
    pixels = np.zeros((128, 128, 3), np.uint8)
    converted = pixels if conversion is None else cv2.cvtColor(pixels, conversion)
    assert (conversion is None) == (color == "rgb")
    assert frame.shape == (*converted.shape, 1)[:3]
    assert frame.document()["channels"] == frame.shape[2]


@pytest.mark.parametrize(
    "changes",
    [
        {"height": 66.0},
        {"height": True},
        {"width": None},
        {"height": 0},
        {"width": 1 << 20},
        {"channels": 1},
        {"dtype": "float32"},
        {"color": "cmyk"},
        {"resize": "best"},
        {"crop": [60]},
        {"crop": "60,25"},
        {"crop": [100, 60]},
        {"crop": [-1, 0]},
        {"rotate": 90},
    ],
)
def test_a_frame_that_cannot_be_prepared_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ModelError):
        spec.parse({**spec.SPEC, **changes})
