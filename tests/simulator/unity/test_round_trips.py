import pytest

from simulator.unity.round_trips import FOLD_S, Trips


def sent(trips: Trips, *times: float) -> None:
    for each in times:
        trips.send(each)


def test_answers_are_to_telemetries_in_their_order() -> None:
    trips = Trips()
    sent(trips, 0.0, 0.001)
    assert trips.answer(0.010)
    sent(trips, 0.011)
    assert trips.waiting == 2
    assert trips.answer(0.021)
    assert trips.answer(0.031)
    assert (trips.telemetries, trips.answers, trips.folded, trips.waiting) == (3, 3, 0, 0)
    assert trips.milliseconds() == pytest.approx((20.0, 20.0))


def test_of_two_that_one_answer_covers_the_later_trips_are_those_of_one_loop() -> None:
    trips = Trips()
    sent(trips, 0.0, 0.0)
    for frame in range(100):  # answered after 5 ms; the next is sent at the next frame
        trips.answer(frame / 15 + 0.005)
        trips.send((frame + 1) / 15)
    assert trips.milliseconds() == pytest.approx((5.0, 5.0))
    assert trips.waiting == 2  # one in flight, and one that was covered at the start


def test_what_was_sent_before_the_last_answer_is_folded_after_a_silence() -> None:
    trips = Trips()
    sent(trips, 0.0, 0.0)
    trips.answer(0.1)
    assert trips.patience_s(0.1) == pytest.approx(FOLD_S)
    assert trips.patience_s(1.0) == 0
    trips.fold()
    assert (trips.folded, trips.waiting) == (1, 0)


def test_what_was_sent_since_must_have_an_answer_of_its_own() -> None:
    trips = Trips()
    sent(trips, 0.0, 0.0)
    trips.answer(0.1)
    sent(trips, 0.2)
    assert trips.patience_s(9.0) is None
    trips.fold()
    assert (trips.folded, trips.waiting) == (1, 1)


def test_an_answer_that_nobody_asked_for_is_not_counted() -> None:
    trips = Trips()
    assert not trips.answer(0.1)
    assert (trips.answers, trips.milliseconds()) == (0, (0.0, 0.0))


def test_a_lost_connection_keeps_what_came_of_it() -> None:
    trips = Trips()
    sent(trips, 0.0, 0.0)
    trips.answer(0.004)
    trips.lose()
    assert trips.waiting == 0
    sent(trips, 1.0, 1.0)
    trips.answer(1.006)
    assert trips.milliseconds() == pytest.approx((5.0, 6.0))
