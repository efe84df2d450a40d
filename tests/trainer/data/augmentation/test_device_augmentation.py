"""Frames that are varied on the device, against the CPU's and those of the first version.

These tests run on the Keras backend of the process; data/device/test_backends.py runs them on the
others.
"""

import keras
import numpy as np
import pytest
from support.data import per_frame_augmentation

from trainer.data.augmentation import cpu_augmentation
from trainer.data.augmentation.device_augmentation import DeviceAugmentation
from trainer.data.augmentation.variation import Augmentation, sample_keys
from trainer.data.shared_memory import RECORD

OPTIONS = [
    Augmentation(shift_m=1.0, turn_deg=4.0),
    Augmentation(shift_m=3.0, turn_deg=20.0),
    Augmentation(brightness=0.9),
    Augmentation(shadow=1.0),
    Augmentation(blur=0.5),
    Augmentation(brightness=0.9, shadow=0.5, blur=0.5, shift_m=1.0, turn_deg=4.0),
]


def noise(count: int) -> np.ndarray:
    return np.random.default_rng(4).integers(0, 256, (count, 128, 128, 3)).astype(np.uint8)


def records(count: int) -> np.ndarray:
    """Return records of samples, of which each third is mirrored."""
    made = np.zeros(count, RECORD)
    made["key"] = sample_keys(1, 1, np.arange(count))
    made["speed_mps"], made["label"] = 6.7, np.linspace(-1.0, 1.0, count)
    made["flip"][::3] = True
    return made


def on_device(
    options: Augmentation, asked: np.ndarray, frames: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    device = DeviceAugmentation(options)
    varied, labels = device.apply(asked, keras.ops.convert_to_tensor(frames))
    return keras.ops.convert_to_numpy(varied), labels


def mirrored(asked: np.ndarray, frames: np.ndarray) -> np.ndarray:
    return np.where(asked["flip"][:, None, None, None], frames[:, :, ::-1], frames)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_frames_and_labels_are_the_cpus(options: Augmentation) -> None:
    asked, frames = records(40), noise(40)
    asked["key"][::9] = 0
    asked["speed_mps"][::7] = np.nan
    varied, labels = on_device(options, asked, frames)
    expected, expected_records = frames.copy(), asked.copy()
    cpu_augmentation.apply(options, expected_records, expected)
    difference = np.abs(varied.astype(int) - expected)
    assert difference.max() <= 2
    assert difference.mean() < 0.1
    np.testing.assert_allclose(labels, expected_records["label"], atol=1e-6)


def test_frames_and_labels_are_those_of_the_first_version() -> None:
    options = OPTIONS[-1]
    asked, frames = records(40), noise(40)
    varied, labels = on_device(options, asked, frames)
    expected, expected_records = mirrored(asked, frames), asked.copy()
    per_frame_augmentation.apply(options, expected_records, expected)
    difference = np.abs(varied.astype(int) - expected)
    assert difference.max() <= 2
    assert difference.mean() < 0.1
    np.testing.assert_allclose(labels, expected_records["label"], atol=1e-6)


def test_samples_that_are_neither_mirrored_nor_varied_stay_as_they_are() -> None:
    asked, frames = records(4), noise(4)
    asked["key"], asked["flip"] = 0, False
    varied, labels = on_device(OPTIONS[-1], asked, frames)
    np.testing.assert_array_equal(varied, frames)
    np.testing.assert_array_equal(labels, asked["label"])


@pytest.mark.parametrize("options", [Augmentation(), OPTIONS[-1]], ids=["off", "all"])
def test_mirrored_samples_without_a_key_are_only_mirrored(options: Augmentation) -> None:
    asked, frames = records(7), noise(7)
    asked["key"] = 0
    varied, labels = on_device(options, asked, frames)
    np.testing.assert_array_equal(varied, mirrored(asked, frames))
    np.testing.assert_array_equal(labels, asked["label"])


def test_the_same_key_gives_the_same_image_in_any_batch() -> None:
    asked, frames = records(8), noise(8)
    whole, labels = on_device(OPTIONS[-1], asked, frames)
    part, part_labels = on_device(OPTIONS[-1], asked[3:5], frames[3:5])
    np.testing.assert_array_equal(part, whole[3:5])
    np.testing.assert_array_equal(part_labels, labels[3:5])
