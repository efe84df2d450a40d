import math
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from support.data.roads import straight

from simulator.rendering.appearance import Appearance
from simulator.rendering.camera import Camera
from trainer.data.augmentation import (
    HORIZON,
    Augmentation,
    brightness_table,
    cast_shadow,
    random_draws,
    sample_keys,
    warp_view,
)
from trainer.data.shared_memory import RECORD

NUMBERS = np.arange(200)
ROAD = straight(200.0)
GROUND = slice(round(HORIZON) + 6, 112), slice(20, 108)
"""Pixels of the ground, without the bonnet and without those that enter at the borders."""


def grey(count: int, level: int = 100) -> np.ndarray:
    return np.full((count, 128, 128, 3), level, np.uint8)


def records(count: int, keyed: bool = True) -> np.ndarray:
    made = np.zeros(count, RECORD)
    made["key"] = sample_keys(1, 1, np.arange(count)) if keyed else 0
    made["speed_mps"] = 6.7
    return made


def test_a_key_depends_on_seed_epoch_and_number_alone() -> None:
    some = sample_keys(1, 2, NUMBERS)
    assert len(set(some.tolist())) == 200
    assert (sample_keys(1, 2, NUMBERS[50:]) == some[50:]).all()
    assert not set(some.tolist()) & set(sample_keys(1, 3, NUMBERS).tolist())
    assert not set(some.tolist()) & set(sample_keys(2, 2, NUMBERS).tolist())
    assert some.min() > 0


def test_random_draws_are_uniform_and_independent() -> None:
    drawn = random_draws(sample_keys(1, 1, np.arange(20_000)), 3)
    assert 0 <= drawn.min() < drawn.max() < 1
    assert drawn.mean(axis=0) == pytest.approx(0.5, abs=0.01)
    assert np.abs(np.corrcoef(drawn.T) - np.eye(3)).max() < 0.03


def test_a_sample_without_a_key_is_not_varied() -> None:
    frames, asked = grey(4), records(4, keyed=False)
    Augmentation(0.5, 1.0, 1.0, 1.0, 5.0).apply(asked, frames)
    assert (frames == 100).all()
    assert (asked["label"] == 0).all()


def test_the_same_key_gives_the_same_image_in_any_batch() -> None:
    varied = Augmentation(0.5, 0.5, 0.5, 1.0, 5.0)
    whole, alone = grey(8), grey(1)
    asked = records(8)
    varied.apply(asked, whole)
    part = records(8)[3:4]
    varied.apply(part, alone)
    assert (alone[0] == whole[3]).all()
    assert part["label"][0] == asked["label"][3]


@pytest.mark.parametrize("changes", [{"brightness": 0.5}, {"shadow": 1.0}, {"blur": 1.0}])
def test_brightness_shadow_and_blur_do_not_change_the_label(changes: dict[str, float]) -> None:
    frames = np.random.default_rng(1).integers(0, 256, (16, 128, 128, 3), dtype=np.uint8)
    before, asked = frames.copy(), records(16)
    Augmentation(**changes).apply(asked, frames)
    assert (asked["label"] == 0).all()
    assert all((one != other).any() for one, other in zip(frames, before, strict=True))


def test_the_brightness_table_changes_contrast_and_brightness() -> None:
    assert brightness_table(1.0, 0.0).tolist() == list(range(256))
    assert brightness_table(2.0, 0.0)[[0, 100, 128, 200]].tolist() == [0, 72, 128, 255]
    assert brightness_table(1.0, -30.0)[[10, 100]].tolist() == [0, 70]


def test_a_shadow_darkens_one_side() -> None:
    left, right = grey(1)[0], grey(1)[0]
    cast_shadow(left, 0.5, 0.5, 0.0, 0.0)
    cast_shadow(right, 0.5, 0.5, 0.0, 0.9)
    assert (left[:, :60] == 35).all()
    assert (left[:, 70:] == 100).all()
    assert (right[:, 70:] == 35).all()


@pytest.fixture(scope="module")
def camera() -> Iterator[Camera]:
    with Camera(ROAD, Appearance()) as camera:
        yield camera


@pytest.mark.parametrize(("left_m", "turn_deg"), [(0.8, 0.0), (-0.8, 0.0), (0.0, 4.0), (0.8, 4.0)])
def test_a_moved_view_is_what_a_moved_camera_sees(
    camera: Camera, left_m: float, turn_deg: float
) -> None:
    """Among views moved by different distances, the true one is most like the simulator's image."""
    here = small(camera.render(ROAD.pose_at(60.0)))
    there = small(camera.render(ROAD.pose_at(60.0, left_m, math.radians(turn_deg))))

    def differ(share: float) -> float:
        moved = warp_view(here, share * left_m, math.radians(share * turn_deg))
        one, other = (cv2.blur(each[GROUND], (5, 5)).astype(int) for each in (moved, there))
        return float(np.abs(one - other).mean())

    truth = differ(1.0)
    assert all(truth < differ(share) for share in (-1.0, 0.0, 0.5, 1.5))
    assert truth < 0.75 * differ(0.0)


def small(picture: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.resize(picture, (128, 128), interpolation=cv2.INTER_AREA))


def test_a_view_is_not_moved_where_the_speed_is_not_known() -> None:
    noise = np.random.default_rng(4).integers(0, 256, (6, 128, 128, 3)).astype(np.uint8)
    frames, asked = noise.copy(), records(6)
    asked["label"] = 0.25
    asked["speed_mps"][::2] = np.nan
    Augmentation(shift_m=1.0, turn_deg=4.0).apply(asked, frames)
    np.testing.assert_array_equal(frames[::2], noise[::2])
    np.testing.assert_allclose(asked["label"][::2], 0.25, rtol=1e-6)
    assert (frames[1::2] != noise[1::2]).any(axis=(1, 2, 3)).all()
    assert (np.abs(asked["label"][1::2] - 0.25) > 1e-3).all()
