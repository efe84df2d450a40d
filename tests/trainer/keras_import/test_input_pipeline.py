import cv2
import numpy as np
import pytest

from contract.errors import ModelError
from contract.frames import preprocess
from trainer.graph import numpy_backend
from trainer.graph.layers import Conv, Crop, NetworkSpec, Rescale
from trainer.graph.shapes import Shape
from trainer.keras_import import affine, input_pipeline
from trainer.keras_import.input_pipeline import InputPipeline

SHAPE = (128, 128, 3)


def seen(wanted: Shape, how: InputPipeline, picture: np.ndarray) -> np.ndarray:
    """Return the network's input for an image of the simulator's size."""
    made = NetworkSpec(SHAPE, "uint8", input_pipeline.build_layers(wanted, how))
    return numpy_backend.predict(made, preprocess.prepare(_jpeg(picture))[None])[0]


def _jpeg(picture: np.ndarray) -> bytes:
    done, encoded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 100])
    assert done
    return encoded.tobytes()


def smooth() -> np.ndarray:
    """Return an image, uint8 (160, 320, 3), that loses no detail when it is squeezed."""
    y, x = np.mgrid[0:160, 0:320]
    return (255 * np.stack([x / 320, y / 160, 1 - x / 640 - y / 320], -1)).astype(np.uint8)


@pytest.mark.parametrize(
    ("wanted", "crop"),
    [
        ((66, 200, 3), (60, 25)),
        ((66, 200, 3), (61, 24)),
        ((160, 320, 3), (0, 0)),
        ((64, 64, 3), (0, 0)),
        ((128, 128, 3), (0, 0)),
        ((80, 160, 3), (50, 30)),
    ],
)
@pytest.mark.parametrize("color", ["rgb", "bgr", "yuv"])
def test_the_image_is_what_opencv_makes_of_the_whole_image(
    wanted: Shape, crop: tuple[int, int], color: str
) -> None:
    picture = smooth()
    part = cv2.resize(picture[crop[0] : 160 - crop[1]], (wanted[1], wanted[0]))
    codes = {"bgr": cv2.COLOR_RGB2BGR, "yuv": cv2.COLOR_RGB2YUV}
    expected = cv2.cvtColor(part, codes[color]) if color in codes else part
    found = seen(wanted, InputPipeline(crop, color), picture)
    assert found.shape == wanted
    # JPEG, and OpenCV's rounding after each step.
    assert np.abs(found - expected.astype(float)).max() <= 4


def test_gray_has_one_channel() -> None:
    found = seen((40, 80, 1), InputPipeline((40, 0), "gray"), smooth())
    expected = cv2.cvtColor(cv2.resize(smooth()[40:], (80, 40)), cv2.COLOR_RGB2GRAY)
    assert np.abs(found[..., 0] - expected.astype(float)).max() <= 4


def test_yuv_is_limited_as_in_opencv() -> None:
    colors = np.array([[255, 0, 0], [0, 0, 255], [0, 255, 255], [255, 255, 0]], np.uint8)
    picture = np.zeros((1, 128, 128, 3), np.uint8)
    picture[0, :4, 0] = colors
    made = NetworkSpec(
        SHAPE, "uint8", input_pipeline.build_layers(SHAPE, InputPipeline(color="yuv"))
    )
    found = numpy_backend.predict(made, picture)[0, :4, 0]
    expected = cv2.cvtColor(colors[None], cv2.COLOR_RGB2YUV)[0]
    assert np.abs(found - expected).max() <= 1


def test_a_scaling_outside_the_network_comes_last() -> None:
    how = InputPipeline(scaling=affine.parse("x/255"))
    last = input_pipeline.build_layers(SHAPE, how)[-1]
    assert isinstance(last, Rescale)
    assert last.scale == pytest.approx(1 / 255)


def test_a_crop_of_whole_frame_rows_needs_no_enlargement() -> None:
    kinds = [
        type(each) for each in input_pipeline.build_layers((66, 128, 3), InputPipeline((60, 25)))
    ]
    assert kinds.count(Crop) == 1
    assert len(kinds) == 3  # float32, crop, resize


@pytest.mark.parametrize(
    ("wanted", "how", "why"),
    [
        (SHAPE, InputPipeline((100, 60)), "leaves nothing of the image"),
        (SHAPE, InputPipeline((-1, 0)), "leaves nothing of the image"),
        (SHAPE, InputPipeline(color="hsv"), "the colour space is unknown: got hsv"),
        ((66, 200, 1), InputPipeline(), "images of 1 channels: got rgb: 3"),
        ((66, 200, 3), InputPipeline(color="gray"), "images of 3 channels: got gray: 1"),
    ],
)
def test_options_that_do_not_fit_are_refused(wanted: Shape, how: InputPipeline, why: str) -> None:
    with pytest.raises(ModelError, match=why):
        input_pipeline.build_layers(wanted, how)


def test_steps_that_seem_to_be_missing_cause_warnings() -> None:
    conv = (Conv(np.zeros((1, 1, 3, 1), np.float32), np.zeros(1, np.float32)),)
    said = input_pipeline.warnings((66, 200, 3), InputPipeline(), conv)
    assert ["--crop" in said[0], "--normalize" in said[1]] == [True, True]
    assert not input_pipeline.warnings((160, 320, 3), InputPipeline(), (Rescale(1 / 255, 0), *conv))
    assert not input_pipeline.warnings(
        (66, 200, 3), InputPipeline((60, 25)), (Rescale(1 / 255, 0),)
    )
