import pytest

from simulator.unity.round_trips import COALESCE_AFTER_S, RoundTrips


def send_all(trips: RoundTrips, *times: float) -> None:
    for time_s in times:
        trips.send(time_s)


def test_answers_match_telemetries_in_their_order() -> None:
    trips = RoundTrips()
    send_all(trips, 0.0, 0.001)
    assert trips.answer(0.010)
    send_all(trips, 0.011)
    assert trips.waiting == 2
    assert trips.answer(0.021)
    assert trips.answer(0.031)
    assert (trips.telemetries, trips.answers, trips.coalesced, trips.waiting) == (3, 3, 0, 0)
    assert trips.percentiles_ms() == pytest.approx((20.0, 20.0))


def test_after_one_answer_to_two_telemetries_the_times_are_those_of_one_loop() -> None:
    trips = RoundTrips()
    send_all(trips, 0.0, 0.0)
    for frame in range(100):  # Each is answered after 5 ms, and the next is sent at the next frame.
        trips.answer(frame / 15 + 0.005)
        trips.send((frame + 1) / 15)
    assert trips.percentiles_ms() == pytest.approx((5.0, 5.0))
    assert trips.waiting == 2  # One is in flight, and one was covered at the start.


def test_telemetries_before_the_last_answer_are_coalesced_after_a_silence() -> None:
    trips = RoundTrips()
    send_all(trips, 0.0, 0.0)
    trips.answer(0.1)
    assert trips.coalesce_after_s(0.1) == pytest.approx(COALESCE_AFTER_S)
    assert trips.coalesce_after_s(1.0) == 0
    trips.coalesce()
    assert (trips.coalesced, trips.waiting) == (1, 0)


def test_a_telemetry_after_the_last_answer_needs_its_own_answer() -> None:
    trips = RoundTrips()
    send_all(trips, 0.0, 0.0)
    trips.answer(0.1)
    send_all(trips, 0.2)
    assert trips.coalesce_after_s(9.0) is None
    trips.coalesce()
    assert (trips.coalesced, trips.waiting) == (1, 1)


def test_an_answer_without_a_telemetry_is_not_counted() -> None:
    trips = RoundTrips()
    assert not trips.answer(0.1)
    assert (trips.answers, trips.percentiles_ms()) == (0, (0.0, 0.0))


def test_a_lost_connection_keeps_its_round_trip_times() -> None:
    trips = RoundTrips()
    send_all(trips, 0.0, 0.0)
    trips.answer(0.004)
    trips.discard()
    assert trips.waiting == 0
    send_all(trips, 1.0, 1.0)
    trips.answer(1.006)
    assert trips.percentiles_ms() == pytest.approx((5.0, 6.0))
