"""Frames that are varied as a batch, against the first version, which varied each with OpenCV."""

import math
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from support.data import per_frame_augmentation
from support.data.roads import straight

from contract.frames.row_range import RowRange
from simulator.rendering.appearance import Appearance
from simulator.rendering.camera import Camera
from trainer.data.augmentation import cpu_augmentation
from trainer.data.augmentation.variation import HORIZON, Augmentation, sample_keys
from trainer.data.shared_memory import RECORD

ROAD = straight(200.0)
OPTIONS = [
    Augmentation(shift_m=1.0, turn_deg=4.0),
    Augmentation(shift_m=2.0, turn_deg=10.0),
    Augmentation(brightness=0.6),
    Augmentation(shadow=1.0),
    Augmentation(brightness=0.4, shadow=1.0),
    Augmentation(blur=1.0),
    Augmentation(brightness=0.3, shadow=0.5, blur=0.5, shift_m=1.0, turn_deg=4.0),
]


def noise(count: int) -> np.ndarray:
    return np.random.default_rng(4).integers(0, 256, (count, 128, 128, 3)).astype(np.uint8)


def records(count: int, keyed: bool = True) -> np.ndarray:
    made = np.zeros(count, RECORD)
    made["key"] = sample_keys(1, 1, np.arange(count)) if keyed else 0
    made["speed_mps"] = 6.7
    return made


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_frames_and_labels_are_those_of_the_first_version(options: Augmentation) -> None:
    frames, asked = noise(40), records(40)
    asked["key"][::9] = 0
    asked["speed_mps"][::7] = np.nan
    expected, expected_records = frames.copy(), asked.copy()
    per_frame_augmentation.apply(options, expected_records, expected)
    cpu_augmentation.apply(options, asked, frames)
    difference = np.abs(frames.astype(int) - expected)
    assert difference.max() <= 2
    assert difference.mean() < 0.1
    np.testing.assert_array_equal(asked["label"], expected_records["label"])


@pytest.mark.parametrize("options", [each for each in OPTIONS if not each.blur], ids=str)
def test_some_rows_are_varied_as_in_the_whole_frame(options: Augmentation) -> None:
    """The network sees rows 43 to 115 alone, and each moves within itself."""
    whole, asked = noise(20), records(20)
    asked["flip"][::2] = True
    part, asked_part = np.ascontiguousarray(whole[:, 43:116]), asked.copy()
    cpu_augmentation.apply(options, asked, whole)
    cpu_augmentation.apply(options, asked_part, part, RowRange(43, 116))
    np.testing.assert_array_equal(part, whole[:, 43:116])
    np.testing.assert_array_equal(asked_part["label"], asked["label"])


def test_a_blur_stops_at_the_first_and_the_last_row() -> None:
    frames = np.ascontiguousarray(noise(8)[:, 43:116])
    expected = np.stack([cv2.blur(frame, (3, 3)) for frame in frames])
    cpu_augmentation.apply(Augmentation(blur=1.0), records(8), frames, RowRange(43, 116))
    assert np.abs(frames.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("options", [Augmentation(), OPTIONS[0], OPTIONS[-1]], ids=str)
def test_a_mirrored_sample_is_mirrored_before_it_is_varied(options: Augmentation) -> None:
    frames, asked = noise(12), records(12)
    asked["flip"][::2] = True
    expected = frames.copy()
    expected[::2] = frames[::2, :, ::-1]
    cpu_augmentation.apply(options, records(12), expected)
    cpu_augmentation.apply(options, asked, frames)
    np.testing.assert_array_equal(frames, expected)


def test_a_sample_without_a_key_is_not_varied() -> None:
    frames, asked = noise(4), records(4, keyed=False)
    cpu_augmentation.apply(Augmentation(0.5, 1.0, 1.0, 1.0, 5.0), asked, frames)
    assert (frames == noise(4)).all()
    assert (asked["label"] == 0).all()


def test_the_same_key_gives_the_same_image_in_any_batch() -> None:
    varied = Augmentation(0.5, 0.5, 0.5, 1.0, 5.0)
    whole = noise(8)
    alone, asked, part = whole[3:4].copy(), records(8), records(8)[3:4]
    cpu_augmentation.apply(varied, asked, whole)
    cpu_augmentation.apply(varied, part, alone)
    assert (alone[0] == whole[3]).all()
    assert part["label"][0] == asked["label"][3]


def test_a_view_is_not_moved_where_the_speed_is_not_known() -> None:
    frames, asked = noise(6), records(6)
    asked["speed_mps"][::2] = np.nan
    cpu_augmentation.apply(Augmentation(shift_m=1.0, turn_deg=4.0), asked, frames)
    np.testing.assert_array_equal(frames[::2], noise(6)[::2])
    assert (frames[1::2] != noise(6)[1::2]).any(axis=(1, 2, 3)).all()


@pytest.fixture(scope="module")
def camera() -> Iterator[Camera]:
    with Camera(ROAD, Appearance()) as camera:
        yield camera


def small(picture: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.resize(picture, (128, 128), interpolation=cv2.INTER_AREA))


@pytest.mark.parametrize("options", [(0.8, 0.0), (0.0, 4.0), (0.8, 4.0)], ids=str)
def test_a_moved_view_is_what_a_moved_camera_sees(
    camera: Camera, options: tuple[float, float]
) -> None:
    """Among views of cameras at different places, the true one is most like the varied frame."""
    moves = Augmentation(shift_m=options[0], turn_deg=options[1])
    asked = records(12)
    here = small(camera.render(ROAD.pose_at(60.0)))
    frames = np.stack([here] * len(asked))
    cpu_augmentation.apply(moves, asked, frames)
    signed = 2 * per_frame_augmentation.random_draws(asked["key"], 2) - 1
    # Pixels of the ground, without the bonnet and without those that enter at the borders.
    ground = slice(round(HORIZON) + 6, 112), slice(20, 108)
    for frame, (shift, turn) in zip(frames, signed, strict=True):
        if max(abs(shift) * (options[0] > 0), abs(turn) * (options[1] > 0)) < 0.4:
            continue

        differ = {}
        for share in (1.0, -1.0, 0.0, 0.4, 1.6):
            place = options[0] * shift * share, math.radians(options[1] * turn * share)
            there = small(camera.render(ROAD.pose_at(60.0, *place)))
            one, other = (cv2.blur(each[ground], (5, 5)).astype(int) for each in (frame, there))
            differ[share] = np.abs(one - other).mean()
        assert min(differ, key=differ.__getitem__) == 1.0
