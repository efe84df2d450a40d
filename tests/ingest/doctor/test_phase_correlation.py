import math

import cv2
import numpy as np
import pytest

from ingest.doctor.phase_correlation import HORIZON_ROWS, crop_band, measure_shift, shift_to_yaw


def scene(height: int = 160, width: int = 320) -> np.ndarray:
    """Return smoothed noise, which has structure everywhere: (height, 2 * width) grey levels."""
    noise = np.random.default_rng(3).uniform(0, 255, (height, 2 * width)).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 2).astype(np.uint8)


@pytest.mark.parametrize("pixels", [-20, -3, 0, 7])
def test_a_shift_is_measured_with_its_sign(pixels: int) -> None:
    wide = scene()
    before, after = wide[:, 100:420], wide[:, 100 - pixels : 420 - pixels]
    shift_px, peak = measure_shift(crop_band(before, HORIZON_ROWS), crop_band(after, HORIZON_ROWS))
    assert shift_px == pytest.approx(pixels, abs=0.1)
    assert peak > 0.7


def test_the_shift_of_a_larger_image_is_in_the_same_pixels() -> None:
    wide = scene(320, 640)
    shift_px, _ = measure_shift(
        crop_band(wide[:, 100:740], HORIZON_ROWS), crop_band(wide[:, 86:726], HORIZON_ROWS)
    )
    assert shift_px == pytest.approx(7, abs=0.1)


def test_images_that_cannot_be_compared_have_no_shift() -> None:
    assert crop_band(scene()[:, :300], HORIZON_ROWS) is None
    small, large = (
        crop_band(scene(h, w)[:, :w], HORIZON_ROWS) for h, w in ((160, 320), (320, 640))
    )
    for pair in ((small, large), (None, small)):
        shift_px, peak = measure_shift(*pair)
        assert math.isnan(shift_px)
        assert peak == 0


def test_measured_images_are_not_changed() -> None:
    # OpenCV may change its arguments, and every image is compared twice.
    wide = scene()
    before, after = crop_band(wide[:, :320], HORIZON_ROWS), crop_band(wide[:, 3:323], HORIZON_ROWS)
    assert before is not None
    original = before.copy()
    assert measure_shift(before, after) == measure_shift(before, after)
    np.testing.assert_array_equal(before, original)


def test_a_turn_to_the_right_moves_the_image_to_the_left() -> None:
    assert shift_to_yaw(-138.6) == pytest.approx(math.radians(45))
