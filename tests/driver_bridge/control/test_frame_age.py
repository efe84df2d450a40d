import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_bridge.control.frame_age import MAX_ANSWERS, RECENT_S, REFRESH_S, FrameAges, quantile


def test_there_are_no_ages_before_the_first_answer() -> None:
    ages = FrameAges()
    assert ages.quantiles() == {}
    assert ages.recent_p95_s(0.0) == 0


def test_quantiles_cover_the_latest_answers() -> None:
    ages = FrameAges()
    for number in range(MAX_ANSWERS + 100):
        ages.add(number, 1.0 if number < 100 else (number % 100) / 1000)
    assert ages.quantiles() == pytest.approx({0.5: 0.05, 0.95: 0.095, 0.99: 0.099}, abs=0.003)


def test_an_age_counts_as_recent_for_two_seconds() -> None:
    ages = FrameAges()
    ages.add(10.0, 0.3)
    assert ages.recent_p95_s(10.0) == 0.3
    ages.add(10.0 + RECENT_S + 0.1, 0.01)
    assert ages.recent_p95_s(10.0 + RECENT_S + 0.1) == 0.01


def test_a_single_late_answer_among_many_does_not_raise_the_recent_age() -> None:
    ages = FrameAges()
    for number in range(40):
        ages.add(number / 20, 0.2 if number == 20 else 0.01)
    assert ages.recent_p95_s(2.0) == 0.01


def test_the_recent_age_is_calculated_at_most_every_tenth_of_a_second() -> None:
    ages = FrameAges()
    ages.add(10.0, 0.1)
    ages.recent_p95_s(10.0)
    ages.add(10.01, 0.2)
    assert ages.recent_p95_s(10.0 + REFRESH_S / 2) == 0.1
    assert ages.recent_p95_s(10.0 + REFRESH_S + 0.001) == 0.2


def test_the_periods_are_two_seconds_and_a_tenth() -> None:
    ages = FrameAges()
    ages.add(10.0, 0.3)
    ages.add(10.0, 0.2)
    assert ages.recent_p95_s(10.0) == 0.3
    ages.add(10.05, 0.4)
    assert ages.recent_p95_s(10.09) == 0.3  # calculated a moment ago
    assert ages.recent_p95_s(10.2) == 0.4
    assert ages.recent_p95_s(12.05) == 0.4
    assert ages.recent_p95_s(12.25) == 0.0


@given(st.lists(st.floats(0, 10), min_size=1, max_size=50).map(sorted), st.floats(0.01, 1.0))
def test_a_quantile_is_the_least_age_above_its_share(ages: list[float], share: float) -> None:
    """NumPy's inverted_cdf is the definition; at a border between two ages, either will do."""
    index = share * len(ages)
    if abs(index - round(index)) < 1e-9:
        index = round(index)
        assert quantile(ages, share) in ages[max(0, index - 1) : index + 1]
    else:
        assert quantile(ages, share) == np.quantile(ages, share, method="inverted_cdf")


def test_nothing_is_old_before_the_first_answer() -> None:
    """Also where the clock has not gone on since the service began."""
    assert FrameAges().recent_p95_s(-1e9) == 0.0


def test_a_quantile_of_all_is_the_greatest() -> None:
    assert quantile([1.0, 2.0], 1.0) == 2.0
