import pytest

from driver_bridge.control.frame_age import EVERY_S, RECENT_S, WINDOW, Ages


def test_nothing_is_said_of_no_answers() -> None:
    ages = Ages()
    assert ages.quantiles() == {}
    assert ages.recent_p95_s(0.0) == 0


def test_quantiles_are_of_the_last_answers() -> None:
    ages = Ages()
    for number in range(WINDOW + 100):
        ages.add(number, 1.0 if number < 100 else (number % 100) / 1000)
    assert ages.quantiles() == pytest.approx({0.5: 0.05, 0.95: 0.095, 0.99: 0.099}, abs=0.003)


def test_the_recent_ones_forget_after_two_seconds() -> None:
    ages = Ages()
    ages.add(10.0, 0.3)
    assert ages.recent_p95_s(10.0) == 0.3
    ages.add(10.0 + RECENT_S + 0.1, 0.01)
    assert ages.recent_p95_s(10.0 + RECENT_S + 0.1) == 0.01


def test_a_single_late_answer_of_many_is_no_age() -> None:
    ages = Ages()
    for number in range(40):
        ages.add(number / 20, 0.2 if number == 20 else 0.01)
    assert ages.recent_p95_s(2.0) == 0.01


def test_it_looks_again_after_a_tenth_of_a_second_and_not_before() -> None:
    ages = Ages()
    ages.add(10.0, 0.1)
    ages.recent_p95_s(10.0)
    ages.add(10.01, 0.2)
    assert ages.recent_p95_s(10.0 + EVERY_S / 2) == 0.1
    assert ages.recent_p95_s(10.0 + EVERY_S + 0.001) == 0.2
