import numpy as np
import pytest
from numpy.typing import NDArray

from contract import driver_speed
from contract.dataset import timeline

HZ = 20.0
ROWS = 400


def times(rows: int = ROWS) -> NDArray[np.float64]:
    return np.arange(rows) / HZ


def label(
    speed_mph: NDArray[np.float64], time_s: NDArray[np.float64] | None = None
) -> NDArray[np.float32]:
    time_s = times(len(speed_mph)) if time_s is None else time_s
    return driver_speed.label_speed(speed_mph, time_s, timeline.segments(time_s))


def test_a_steady_speed_is_the_label_but_for_the_last_half_second() -> None:
    labels = label(np.full(ROWS, 17.0))
    np.testing.assert_allclose(labels[:-10], 17.0, rtol=1e-6)
    assert np.isnan(labels[-9:]).all()  # what was driven half a second later is not known


def test_the_label_is_the_speed_half_a_second_later() -> None:
    """On a ramp, the mean over a window is the value in its middle."""
    ramp = 10.0 + 0.4 * times()
    inside = slice(10, -20)  # where no window is cut off
    np.testing.assert_allclose(label(ramp)[inside], (ramp + 0.4 * 0.5)[inside], rtol=1e-6)


def test_noise_of_the_speed_is_smoothed() -> None:
    noise = np.random.default_rng(1).normal(0, 1, 20 * ROWS)
    labels = label(20.0 + noise)
    # The mean of 13 values has a thirteenth of the variance.
    assert np.nanstd(labels) == pytest.approx(noise.std() / np.sqrt(13), rel=0.1)


def test_a_start_and_a_stop_have_no_label() -> None:
    """The car gains 5 m/s² up to 28 mph, and loses 9 m/s² at the end; its driver wanted 28 mph."""
    time_s, mps = times(), 28.0 * 0.44704
    driven = np.minimum(mps, np.minimum(5.0 * (time_s - 2.0), 9.0 * (18.0 - time_s))).clip(0)
    labels = label(driven / 0.44704)
    known = np.isfinite(labels)
    reached_s, brakes_s = 2.0 + mps / 5.0, 18.0 - mps / 9.0
    assert not known[(time_s < reached_s - 0.4) | (time_s > brakes_s)].any()
    assert known[(time_s > reached_s + 0.3) & (time_s < brakes_s - 1.2)].all()
    np.testing.assert_allclose(labels[known], 28.0, atol=0.6)


def test_a_car_that_slows_for_a_bend_and_goes_on_is_no_start() -> None:
    """Only a standstill is left out with what leads to it: bends are what is to be learned."""
    bends = 20.0 + 8.0 * np.sin(2 * np.pi * times() / 5.0)
    labels = label(bends)
    assert np.isfinite(labels[:-10]).all()
    assert np.nanmin(labels) == pytest.approx(12.0, abs=0.3)
    assert np.nanmax(labels) == pytest.approx(28.0, abs=0.3)


def test_no_label_looks_over_a_pause() -> None:
    time_s = times()
    time_s[200:] += 3.0
    speed = np.where(np.arange(ROWS) < 200, 12.0, 25.0)
    labels = label(speed, time_s)
    assert np.isnan(labels[191:200]).all()
    np.testing.assert_allclose(labels[:190], 12.0, rtol=1e-6)
    np.testing.assert_allclose(labels[200:390], 25.0, rtol=1e-6)


def test_rows_without_a_speed_have_no_label_and_spoil_no_other() -> None:
    speed = np.full(ROWS, 18.0)
    speed[100:110] = np.nan
    labels = label(speed)
    assert np.isnan(labels[91:110]).all()
    np.testing.assert_allclose(labels[:90], 18.0, rtol=1e-6)
    np.testing.assert_allclose(labels[110:390], 18.0, rtol=1e-6)


@pytest.mark.parametrize("speed", [np.nan, 0.0, 3.0], ids=["not told", "standing", "creeping"])
def test_a_recording_may_have_no_label_at_all(speed: float) -> None:
    """At 5 mph and below the car has no brakes, so no policy could hold such a speed."""
    assert np.isnan(label(np.full(ROWS, speed))).all()


def test_an_empty_recording_has_no_labels() -> None:
    assert label(np.zeros(0)).shape == (0,)


def test_a_score_leaves_out_what_has_no_label() -> None:
    labels = np.array([10.0, np.nan, 20.0, 30.0])
    predicted = np.array([13.0, 99.0, 20.0, 27.0])
    assert driver_speed.score_speed(predicted, labels) == {
        "speed_rows": 3.0,
        "speed_rmse_mph": pytest.approx(np.sqrt((9 + 0 + 9) / 3)),
        "speed_rmse_mean_mph": pytest.approx(np.sqrt(200 / 3)),
        "speed_bias_mph": pytest.approx(0.0),
    }


def test_nothing_is_no_score() -> None:
    assert driver_speed.score_speed(np.ones(3), np.full(3, np.nan)) == {}
