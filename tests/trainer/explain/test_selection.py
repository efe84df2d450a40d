import numpy as np

from trainer.explain import selection


def test_the_largest_errors_come_first_some_time_apart() -> None:
    error = np.array([0.1, -0.9, 0.8, 0.2, 0.7, 0.0])
    time_s = np.array([0.0, 1.0, 2.0, 4.0, 5.0, 9.0])
    one = np.zeros(6, np.int64)
    assert selection.hardest(error, time_s, one, 3, 2.0) == [1, 4, 5]
    assert selection.hardest(error, time_s, one, 2, 0.0) == [1, 2]
    assert selection.hardest(error, time_s, one, 9, 100.0) == [1]


def test_rows_of_different_recordings_are_never_too_close() -> None:
    error, time_s = np.array([3.0, 2.0, 1.0]), np.zeros(3)
    assert selection.hardest(error, time_s, np.array([0, 0, 1]), 3, 1.0) == [0, 2]


def test_quantiles_reach_from_one_lock_to_the_other() -> None:
    steering = np.array([0.5, -0.5, 0.0, 0.2, -0.1])
    assert selection.at_quantiles(steering, (0.0, 0.5, 1.0)) == [1, 2, 0]
    assert selection.at_quantiles(steering[:1], (0.02, 0.5, 0.98)) == [0]
