import numpy as np
import pytest

from trainer.data.labels import balanced, smoothed

TIME = np.arange(10) * 0.1
STILL = np.zeros(10, np.int64)
IMPULSE = np.zeros(10, np.float32)
IMPULSE[5] = 1.0


def test_an_impulse_is_spread_over_its_window_and_its_sum_kept() -> None:
    smooth = smoothed(IMPULSE, TIME, STILL, 0.4)
    assert smooth[3:8].tolist() == pytest.approx([0.2] * 5)
    assert smooth.sum() == pytest.approx(1.0)


def test_without_a_window_nothing_changes() -> None:
    assert smoothed(IMPULSE, TIME, STILL, 0.0) is IMPULSE


def test_a_window_does_not_reach_into_another_stretch() -> None:
    stretches = np.array([0] * 5 + [1] * 5)
    assert smoothed(IMPULSE, TIME, stretches, 0.4)[:5].tolist() == [0.0] * 5


def test_a_constant_stays_what_it_is_at_the_ends_too() -> None:
    assert smoothed(np.full(10, 0.3, np.float32), TIME, STILL, 0.7) == pytest.approx(0.3)


def common(most: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    steering = np.concatenate([np.zeros(80), np.full(10, 0.2), np.full(10, -0.4)]).astype(
        np.float32
    )
    mask = np.ones(100, bool)
    mask[:3] = False
    return steering, balanced(steering, mask, most, seed)


def test_what_is_too_common_is_thinned_and_the_rest_is_kept() -> None:
    steering, kept = common(1.0)
    assert (kept & (steering == 0)).sum() == round(97 / 3)
    assert kept[steering != 0].all()
    assert not kept[:3].any()


def test_the_choice_is_the_seeds() -> None:
    assert common(1.0)[1].tolist() == common(1.0)[1].tolist()
    assert common(1.0, 2)[1].tolist() != common(1.0)[1].tolist()


def test_without_a_limit_all_are_kept() -> None:
    assert common(0.0)[1].sum() == 97
