import numpy as np
import pytest
from support.data.rows import rows

from contract.dataset import timeline
from contract.errors import TrainingError
from contract.train_config import TrainConfig

ONE_SEGMENT = np.zeros(8, np.int64)


def test_file_names_without_time_get_the_nominal_clock() -> None:
    time_s, segment, nominal = timeline.build(np.full(30, np.nan))
    np.testing.assert_allclose(time_s, np.arange(30) / 15)
    assert nominal.all()
    assert not segment.any()


def test_a_row_without_a_stamp_costs_itself_and_not_the_others() -> None:
    stamps_s = 1000 + np.arange(30) / 10
    stamps_s[7] = np.nan
    time_s, segment, nominal = timeline.build(stamps_s)
    assert np.flatnonzero(nominal).tolist() == [7]
    assert segment.tolist() == [0] * 7 + [1] + [2] * 22
    for part in (slice(0, 7), slice(8, 30)):
        np.testing.assert_allclose(np.diff(time_s[part]), 0.1)
    assert (np.diff(time_s) >= 0).all()


def test_a_step_back_ends_a_segment_and_both_parts_keep_their_clock() -> None:
    time_s, segment, nominal = timeline.build([10.0, 10.3, 10.1, 10.2])
    assert not nominal.any()
    assert segment.tolist() == [0, 0, 1, 1]
    np.testing.assert_allclose(np.diff(time_s), [0.3, timeline.SESSION_BREAK_S, 0.1])


def test_sessions_end_segments_and_a_later_one_keeps_its_true_time() -> None:
    time_s, segment, _ = timeline.build([10.0, 10.1, 10.2, 10.3], session=[0, 0, 1, 1])
    assert segment.tolist() == [0, 0, 1, 1]
    assert time_s.tolist() == [10.0, 10.1, 10.2, 10.3]


def test_sessions_without_stamps_are_kept_apart() -> None:
    time_s, segment, nominal = timeline.build(np.full(4, np.nan), session=[0, 0, 1, 1])
    assert nominal.all()
    assert segment.tolist() == [0, 0, 1, 1]
    np.testing.assert_allclose(np.diff(time_s), [1 / 15, timeline.SESSION_BREAK_S, 1 / 15])


def test_times_that_never_decrease_are_used_as_they_are() -> None:
    time_s, _, nominal = timeline.build([10.0, 10.5, 10.5])
    assert not nominal.any()
    assert time_s.tolist() == [10.0, 10.5, 10.5]


def test_the_break_between_sessions_is_longer_than_any_validation_gap() -> None:
    TrainConfig(validation_gap_s=60.0)
    with pytest.raises(TrainingError):
        TrainConfig(validation_gap_s=timeline.SESSION_BREAK_S)


def test_a_pause_separates_two_segments() -> None:
    table = rows(6)
    table["time_s"][3:] += 5
    assert timeline.build(table["time_s"]).segment.tolist() == [0, 0, 0, 1, 1, 1]


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


def test_a_pause_is_longer_than_half_a_second() -> None:
    time_s, segment, _ = timeline.build([0.0, 0.5, 1.01, 1.34])
    assert segment.tolist() == [0, 0, 1, 1]
    assert time_s.tolist() == [0.0, 0.5, 1.01, 1.34]


def test_rows_of_one_moment_are_one_segment() -> None:
    assert timeline.build([10.0, 10.0, 10.1]).segment.tolist() == [0, 0, 0]
