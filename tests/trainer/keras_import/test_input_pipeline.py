import cv2
import numpy as np
import pytest

from contract.errors import ModelError
from contract.frames import preprocess
from contract.frames.spec import SPEC
from trainer.graph import numpy_backend
from trainer.graph.layers import Conv, NetworkSpec, Rescale
from trainer.graph.shapes import Shape
from trainer.keras_import import affine, input_pipeline
from trainer.keras_import.input_pipeline import InputPipeline

SHAPE = (128, 128, 3)
PICTURE = np.random.default_rng(2).integers(0, 256, (160, 320, 3), np.uint8)


def test_a_networks_frame_and_first_layers_are_the_authors_steps() -> None:
    how = InputPipeline((60, 25), "yuv", "area", affine.parse("x/127.5-1"))
    frame = input_pipeline.frame_spec((66, 200, 3), how)
    network = NetworkSpec(frame.shape, "uint8", input_pipeline.build_layers(how))
    found = numpy_backend.predict(network, preprocess.fit(PICTURE, frame)[None])[0]
    part = cv2.resize(PICTURE[60:-25], (200, 66), interpolation=cv2.INTER_AREA)
    expected = cv2.cvtColor(part, cv2.COLOR_RGB2YUV) / 127.5 - 1
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_network_that_takes_our_frame_has_our_frame() -> None:
    assert input_pipeline.frame_spec(SHAPE, InputPipeline()).document() == SPEC
    assert input_pipeline.build_layers(InputPipeline()) == (Rescale(1.0, 0.0),)


@pytest.mark.parametrize(
    ("wanted", "how", "why"),
    [
        (SHAPE, InputPipeline((100, 60)), "leaves nothing of the image"),
        (SHAPE, InputPipeline((-1, 0)), "leaves nothing of the image"),
        (SHAPE, InputPipeline(color="cmyk"), "the colour space is unknown: got cmyk"),
        (SHAPE, InputPipeline(interpolation="best"), "the interpolation is unknown: got best"),
        ((66, 200, 1), InputPipeline(), "images of 1 channels: got rgb: 3"),
        ((66, 200, 3), InputPipeline(color="gray"), "images of 3 channels: got gray: 1"),
        ((4000, 4000, 3), InputPipeline(), "a size that it cannot have: got 4000 x 4000"),
        ((12,), InputPipeline(), "it needs images"),
    ],
)
def test_options_that_do_not_fit_are_refused(wanted: Shape, how: InputPipeline, why: str) -> None:
    with pytest.raises(ModelError, match=why):
        input_pipeline.frame_spec(wanted, how)


def test_steps_that_seem_to_be_missing_cause_warnings() -> None:
    conv = (Conv(np.zeros((1, 1, 3, 1), np.float32), np.zeros(1, np.float32)),)
    said = input_pipeline.warnings((66, 200, 3), InputPipeline(), conv)
    assert ["--crop" in said[0], "--normalize" in said[1]] == [True, True]
    assert not input_pipeline.warnings((160, 320, 3), InputPipeline(), (Rescale(1 / 255, 0), *conv))
    assert not input_pipeline.warnings(
        (66, 200, 3), InputPipeline((60, 25)), (Rescale(1 / 255, 0),)
    )
