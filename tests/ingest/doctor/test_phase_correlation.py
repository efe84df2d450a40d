import math

import cv2
import numpy as np
import pytest

from ingest.doctor.phase_correlation import HORIZON, band, shift, turn


def scene(height: int = 160, width: int = 320) -> np.ndarray:
    """Draw what has structure at all scales: smoothed noise, (height, 2 * width) grey levels."""
    noise = np.random.default_rng(3).uniform(0, 255, (height, 2 * width)).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 2).astype(np.uint8)


@pytest.mark.parametrize("pixels", [-20, -3, 0, 7])
def test_a_shift_is_measured_with_its_sign(pixels: int) -> None:
    wide = scene()
    before, after = wide[:, 100:420], wide[:, 100 - pixels : 420 - pixels]
    found, peak = shift(band(before, HORIZON), band(after, HORIZON))
    assert found == pytest.approx(pixels, abs=0.1)
    assert peak > 0.7


def test_a_larger_picture_is_measured_in_the_same_pixels() -> None:
    wide = scene(320, 640)
    found, _ = shift(band(wide[:, 100:740], HORIZON), band(wide[:, 86:726], HORIZON))
    assert found == pytest.approx(7, abs=0.1)


def test_pictures_that_cannot_be_compared_have_no_shift() -> None:
    assert band(scene()[:, :300], HORIZON) is None
    small, large = (band(scene(h, w)[:, :w], HORIZON) for h, w in ((160, 320), (320, 640)))
    for pair in ((small, large), (None, small)):
        found, peak = shift(*pair)
        assert math.isnan(found)
        assert peak == 0


def test_what_is_measured_is_left_as_it_is() -> None:
    # OpenCV may lay the window over its arguments, and every picture is compared twice.
    wide = scene()
    before, after = band(wide[:, :320], HORIZON), band(wide[:, 3:323], HORIZON)
    assert before is not None
    kept = before.copy()
    assert shift(before, after) == shift(before, after)
    np.testing.assert_array_equal(before, kept)


def test_turning_right_moves_the_picture_to_the_left() -> None:
    assert turn(-138.6) == pytest.approx(math.radians(45))
