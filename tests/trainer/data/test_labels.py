import numpy as np
import pytest
from support.data import rows

from contract.dataset import stroke_smoothing
from trainer.data.labels import downsample_bins, prepare_labels, smooth

TIME = np.arange(10) * 0.1
ONE_SEGMENT = np.zeros(10, np.int64)
IMPULSE = np.zeros(10, np.float32)
IMPULSE[5] = 1.0


def test_an_impulse_is_spread_over_its_window_and_its_sum_kept() -> None:
    smoothed = smooth(IMPULSE, TIME, ONE_SEGMENT, 0.4)
    assert smoothed[3:8].tolist() == pytest.approx([0.2] * 5)
    assert smoothed.sum() == pytest.approx(1.0)


def test_without_a_window_nothing_changes() -> None:
    assert smooth(IMPULSE, TIME, ONE_SEGMENT, 0.0) is IMPULSE


def test_a_window_does_not_cross_into_another_segment() -> None:
    """The impulse is the only row of its segment: the rows before and after see nothing of it."""
    segments = np.array([0] * 5 + [1] + [2] * 4)
    assert smooth(IMPULSE, TIME, segments, 0.4).tolist() == IMPULSE.tolist()


def test_labels_are_not_smoothed_into_the_session_before_or_after() -> None:
    """A pause of the recording separates two drives, and with them their steering."""
    table = rows.rows(60)
    table["time_s"] = table["time_s"][0] + np.arange(60) / 15
    table["time_s"][30:] += 1.0
    for steered in (slice(0, 30), slice(30, 60)):
        table["steering"] = 0.0
        table["steering"][steered] = 0.5
        (labelled,) = prepare_labels(
            [rows.dataset(table)],
            [np.ones(60, bool)],
            label_smoothing_s=3.0,  # longer than the pause
            max_bin_ratio=0.0,
            seed=3,
        )
        np.testing.assert_allclose(labelled.steering, table["steering"], atol=1e-6)


def test_a_constant_steering_stays_the_same_at_the_ends_too() -> None:
    assert smooth(np.full(10, 0.3, np.float32), TIME, ONE_SEGMENT, 0.7) == pytest.approx(0.3)


def downsampled(max_bin_ratio: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    steering = np.concatenate([np.zeros(80), np.full(10, 0.2), np.full(10, -0.4)]).astype(
        np.float32
    )
    mask = np.ones(100, bool)
    mask[:3] = False
    return steering, downsample_bins(steering, mask, max_bin_ratio, seed)


def test_a_bin_above_the_limit_is_reduced_and_the_others_are_kept() -> None:
    steering, kept = downsampled(1.0)
    assert (kept & (steering == 0)).sum() == round(97 / 3)
    assert kept[steering != 0].all()
    assert not kept[:3].any()


def test_the_seed_decides_which_rows_are_kept() -> None:
    assert downsampled(1.0)[1].tolist() == downsampled(1.0)[1].tolist()
    assert downsampled(1.0, 2)[1].tolist() != downsampled(1.0)[1].tolist()


def test_without_a_limit_all_rows_are_kept() -> None:
    assert downsampled(0.0)[1].sum() == 97


def test_steering_is_smoothed_before_common_steering_is_reduced() -> None:
    table = rows.rows(400)
    table["steering"] = np.where(np.arange(400) % 40 == 0, 0.5, 0.0)
    mask = np.arange(400) < 300
    (recorded,) = prepare_labels(
        [rows.dataset(table)], [mask], label_smoothing_s=0.0, max_bin_ratio=0.0, seed=3
    )
    np.testing.assert_array_equal(recorded.kept, mask)
    np.testing.assert_array_equal(recorded.steering, table["steering"])
    (prepared,) = prepare_labels(
        [rows.dataset(table)], [mask], label_smoothing_s=1.0, max_bin_ratio=1.0, seed=3
    )
    assert prepared.steering.max() < 0.09  # an impulse over six rows or more
    assert 0 < prepared.kept.sum() < mask.sum()
    assert not prepared.kept[300:].any()
    np.testing.assert_array_equal(prepared.mask, mask)


def test_each_recording_drops_rows_of_its_own_and_always_the_same_ones() -> None:
    tables, masks = [rows.rows(300)] * 2, [np.ones(300, bool)] * 2
    for table in tables:
        table["steering"] = 0.0
        table["steering"][:10] = 0.5
    options = {"label_smoothing_s": 0.0, "max_bin_ratio": 1.0, "seed": 1}
    one, other = prepare_labels([rows.dataset(table) for table in tables], masks, **options)
    again, _ = prepare_labels([rows.dataset(table) for table in tables], masks, **options)
    assert not np.array_equal(one.kept, other.kept)
    np.testing.assert_array_equal(one.kept, again.kept)


def test_auto_spreads_the_steering_at_the_recorded_speed() -> None:
    """30 mph are 13.41 m/s: at another speed the path of this bend would allow another window."""
    table = rows.rows(300)
    table["steering"] = np.where(np.abs(np.arange(300) - 150) < 15, 0.25, 0.0)
    table["speed_mph"] = 30.0
    recording = rows.dataset(table)
    (labelled,) = prepare_labels(
        [recording],
        [np.ones(300, bool)],
        label_smoothing_s="auto",
        max_bin_ratio=0,
        seed=1,
    )
    time_s, segment, _ = recording.timeline

    def spread(speed_mps: float) -> np.ndarray:
        speeds = np.full(300, speed_mps)
        return stroke_smoothing.spread_strokes(table["steering"], time_s, segment, speeds)

    np.testing.assert_allclose(labelled.steering, spread(13.4112), atol=1e-6)
    assert np.abs(spread(30.0) - spread(13.4112)).max() > 0.01
    assert labelled.steering.dtype == np.float32
