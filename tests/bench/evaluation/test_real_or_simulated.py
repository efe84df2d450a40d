import numpy as np
import pytest
from bench.evaluation import real_or_simulated
from bench.evaluation.real_or_simulated import Drive, build_sample, draw_sheet, looks, smooth

from simulator.rendering.scene_preset import BUILT_IN, CameraPose, ScenePreset
from trainer.training.networks import find_network


def drive(shade: int, steering: np.ndarray) -> Drive:
    count = len(steering)
    pictures = [np.full((160, 320, 3), shade + number, np.uint8) for number in range(count)]
    return Drive(np.full((count, 128, 128, 3), shade, np.uint8), pictures, steering)


STRAIGHT = np.zeros(30)


def test_a_recording_is_held_out_whole_with_one_drive() -> None:
    sample = build_sample(
        [drive(10, STRAIGHT), drive(20, STRAIGHT)],
        [drive(30, STRAIGHT), drive(40, STRAIGHT)],
        "recording",
    )
    shades = {fold: set(np.unique(sample.pictures[sample.fold == fold])) for fold in (0, 1)}
    assert shades == {0: {10, 30}, 1: {20, 40}}


def test_blocks_of_time_are_held_out_in_turn() -> None:
    sample = build_sample([drive(10, STRAIGHT)], [drive(30, STRAIGHT)], "block")
    for kind in (False, True):
        mask = sample.simulated == kind
        assert len(np.unique(sample.block[mask])) == 10
        assert {len(np.unique(sample.fold[mask & (sample.block == 3)]))} == {1}
        assert sample.fold[mask].mean() == pytest.approx(0.5)


def test_a_steering_of_strokes_becomes_its_running_mean() -> None:
    strokes = np.where(np.arange(90) % 15 < 5, 0.3, 0.0)
    assert smooth(strokes)[20:70] == pytest.approx(np.full(50, 0.1))
    assert len(smooth(strokes)) == 90


def test_pairs_are_matched_by_steering_and_use_a_picture_once() -> None:
    real = drive(0, np.linspace(-0.5, 0.5, 24))
    ours = drive(100, np.linspace(0.5, -0.5, 30))
    sheet = draw_sheet([real], [ours])
    assert sheet.shape == (8 * 160, 3 * 640, 3)
    pairs = sheet[::160, ::320, 0].reshape(24, 2).astype(int)
    assert len(set(pairs[:, 1])) == 24
    # The real drive steers ever more to the right, and ours less: the pairs run backwards.
    assert np.corrcoef(pairs.T)[0, 1] < -0.95


def test_looks_differ_in_one_step_after_the_other() -> None:
    preset = ScenePreset(CameraPose(height_m=1.3), hood=(0.5, 0.5, 0.5))
    found = looks(preset)
    assert found["built-in"] == (BUILT_IN, False)
    assert found["calibrated cameras"] == (ScenePreset(preset.camera), False)
    assert found["calibrated colours"] == (preset, False)
    assert found["randomised around the calibrated"] == (preset, True)


def test_the_rows_that_the_network_sees_are_those_its_cropping_leaves() -> None:
    crop = find_network("nvidia-like").rows[0]
    seen = real_or_simulated.SEEN["what the network sees"]
    assert (seen.start, 128 - seen.stop) == (crop.values["top"], crop.values["bottom"])
