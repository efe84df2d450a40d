"""What is drawn for each sample, against the first version, which drew for each sample alone."""

import cv2
import numpy as np
import pytest
from support.data import per_frame_augmentation

from trainer.data.augmentation.variation import (
    HORIZON,
    Augmentation,
    draw,
    random_draws,
    sample_keys,
)
from trainer.data.shared_memory import RECORD

NUMBERS = np.arange(200)
ALL = Augmentation(brightness=0.5, shadow=0.5, blur=0.3, shift_m=1.0, turn_deg=5.0)


def records(count: int, keyed: bool = True) -> np.ndarray:
    made = np.zeros(count, RECORD)
    made["key"] = sample_keys(1, 1, np.arange(count)) if keyed else 0
    made["speed_mps"] = np.linspace(0.0, 13.0, count)
    made["label"] = np.linspace(-1.1, 1.1, count)
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


def test_labels_are_those_of_the_first_version_to_the_bit() -> None:
    """They are part of the proof of an epoch, which must not change."""
    asked = records(1000)
    asked["speed_mps"][::7] = np.nan
    asked["key"][::11] = 0
    drawn = draw(asked, ALL)
    expected = asked.copy()
    per_frame_augmentation.apply(ALL, expected, np.zeros((1000, 128, 128, 3), np.uint8))
    assert drawn.label.tobytes() == expected["label"].tobytes()
    assert (drawn.label != asked["label"]).mean() > 0.7


def test_a_sample_without_a_key_has_values_that_change_nothing() -> None:
    asked = records(50, keyed=False)
    drawn = draw(asked, Augmentation(0.5, 1.0, 1.0, 1.0, 5.0))
    assert drawn.label.tobytes() == asked["label"].tobytes()
    assert not drawn.source_offsets().any()
    assert (drawn.level_tables() == np.arange(256)).all()
    assert not (drawn.shaded | drawn.blurred).any()
    assert not drawn.shadow_widths().any()


def test_a_view_is_not_moved_where_the_speed_is_not_known() -> None:
    asked = records(60)
    asked["speed_mps"][::2] = np.nan
    drawn = draw(asked, ALL)
    assert not drawn.source_offsets()[::2].any()
    assert drawn.source_offsets()[1::2].all()
    np.testing.assert_allclose(drawn.label[::2], asked["label"][::2], rtol=1e-6)
    assert (np.abs(drawn.label[1::2] - asked["label"][1::2]) > 1e-4).all()


def test_what_is_drawn_does_not_depend_on_the_batch() -> None:
    whole, part = draw(records(40), ALL), draw(records(40)[7:19], ALL)
    for name in vars(whole):
        np.testing.assert_array_equal(getattr(whole, name)[7:19], getattr(part, name), name)


@pytest.mark.parametrize(
    "still",
    [Augmentation(brightness=0.5), Augmentation(shadow=1.0), Augmentation(blur=1.0)],
    ids=str,
)
def test_brightness_shadow_and_blur_do_not_change_the_label(still: Augmentation) -> None:
    asked = records(16)
    assert draw(asked, still).label.tobytes() == asked["label"].tobytes()


def test_rows_move_by_the_matrix_of_the_first_version() -> None:
    drawn = draw(records(30), Augmentation(shift_m=1.0, turn_deg=5.0))
    offsets = drawn.source_offsets()
    signed = 2 * per_frame_augmentation.random_draws(records(30)["key"], 2) - 1
    columns = np.tile(np.arange(128, dtype=np.uint8), (128, 1))[..., None].repeat(3, axis=2)
    for number in range(30):
        moved = per_frame_augmentation.warp_view(
            columns, float(signed[number, 0]), float(np.radians(5.0) * signed[number, 1])
        )
        # A picture whose levels are its columns shows where each pixel was taken from.
        expected = np.clip(np.arange(128) + offsets[number][:, None], 0, 127)
        assert np.abs(moved[..., 0] - expected).max() <= 0.51
    at_horizon = offsets[:, round(HORIZON)]
    np.testing.assert_allclose(at_horizon, -drawn.turn, atol=0.5 * np.abs(drawn.shear).max())


def test_level_tables_change_contrast_and_then_brightness() -> None:
    asked = records(60)
    drawn = draw(asked, Augmentation(brightness=0.6))
    for gain, lift, table in zip(drawn.gain, drawn.lift, drawn.level_tables(), strict=True):
        expected = per_frame_augmentation.brightness_table(float(gain), float(lift))
        np.testing.assert_array_equal(table, expected)
    assert drawn.gain.min() < 0.6
    assert drawn.gain.max() > 1.4
    assert drawn.lift.min() < -25
    assert drawn.lift.max() > 25


def test_shadows_have_the_outline_and_the_depth_of_the_first_version() -> None:
    asked = records(200)
    drawn = draw(asked, Augmentation(shadow=0.7))
    grey = np.full((200, 128, 128, 3), 200, np.uint8)
    per_frame_augmentation.apply(Augmentation(shadow=0.7), asked, grey)
    dark = grey[..., 0] != 200
    np.testing.assert_array_equal(drawn.shadow_widths(), dark.sum(axis=2))
    for number in np.flatnonzero(drawn.shaded).tolist():
        level = drawn.shadow_tables()[number, 200]
        assert (grey[number][dark[number]] == level).all()
        sides = dark[number][:, [0, -1]].any(axis=0)
        assert sides[0 if drawn.shadow_left[number] else 1] or not sides.any()
    assert drawn.shaded.mean() == pytest.approx(0.7, abs=0.1)
    assert cv2.countNonZero(dark[drawn.shaded].any(axis=(1, 2)).astype(np.uint8)) > 100
