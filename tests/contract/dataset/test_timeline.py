import numpy as np
import pytest
from support.data.rows import rows

from contract.dataset import timeline

ONE_SEGMENT = np.zeros(8, np.int64)


def test_file_names_without_time_get_the_nominal_clock() -> None:
    table = rows(30)
    table["time_s"][7] = np.nan
    np.testing.assert_allclose(timeline.row_times(table), np.arange(30) / 15)
    assert timeline.clock(table["time_s"]).nominal


def test_a_clock_that_steps_back_is_not_used() -> None:
    time_s, nominal = timeline.clock([10.0, 10.5, 10.4])
    assert nominal
    assert time_s.tolist() == pytest.approx([0.0, 1 / 15, 2 / 15])


def test_times_that_never_decrease_are_used_as_they_are() -> None:
    time_s, nominal = timeline.clock([10.0, 10.5, 10.5])
    assert not nominal
    assert time_s.tolist() == [10.0, 10.5, 10.5]


def test_a_pause_separates_two_segments() -> None:
    table = rows(6)
    table["time_s"][3:] += 5
    assert timeline.row_segments(table).tolist() == [0, 0, 0, 1, 1, 1]


def test_a_row_that_is_left_out_separates_two_segments() -> None:
    time_s = np.array([0.0, 0.1, 0.2])
    assert timeline.segments(time_s, np.array([False, True])).tolist() == [0, 0, 1]


def test_no_rows_have_no_segments() -> None:
    assert len(timeline.segments(np.zeros(0))) == 0


def test_a_window_is_the_mean_of_the_rows_around_it() -> None:
    """The expected means are computed row by row, from the definition."""
    rng = np.random.default_rng(1)
    time_s = np.cumsum(rng.uniform(0.02, 0.2, 50))
    segment, values = np.arange(50) // 20, rng.normal(size=50)
    means = timeline.window_means(values, time_s, segment, 0.6)
    for row in range(50):
        in_window = (np.abs(time_s - time_s[row]) <= 0.3) & (segment == segment[row])
        assert means[row] == pytest.approx(values[in_window].mean())


def test_no_window_crosses_a_pause() -> None:
    two_segments = np.array([0] * 4 + [1] * 4)
    label = np.array([0.0, 0.0, 0.0, 0.6, 0.0, 0.0, 0.0, 0.0])
    time_s = np.arange(8) / 10
    assert timeline.window_means(label, time_s, two_segments, 0.6)[4] == 0.0
    assert timeline.window_means(label, time_s, ONE_SEGMENT, 0.6)[4] == pytest.approx(0.6 / 7)
