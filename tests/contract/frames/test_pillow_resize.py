import numpy as np
import pytest
from PIL import Image

from contract.frames import pillow_resize

FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((75, 320), (66, 200)),
        ((160, 320), (64, 64)),
        ((160, 320), (160, 100)),
        ((40, 30), (66, 200)),
        ((1, 3), (5, 2)),
    ],
)
def test_it_resizes_as_pillow(name: str, before: tuple[int, int], after: tuple[int, int]) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (*before, 3), np.uint8)
    expected = np.asarray(Image.fromarray(picture).resize(after[::-1], FILTERS[name]))
    found = pillow_resize.resize(picture, *after, name)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected)


def test_a_very_wide_picture_needs_little_memory() -> None:
    picture = np.full((2, 65_500, 3), 77, np.uint8)
    assert (pillow_resize.resize(picture, 66, 200, "lanczos") == 77).all()
