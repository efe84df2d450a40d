"""Tests of the mailbox alone, and against a simulator with several loops on a simulated clock."""

import heapq
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_bridge.connection.mailbox import MAX_UNANSWERED, PROBE_S, Mailbox, ReceivedTelemetry


def put(box: Mailbox, payload: object, at_s: float = 0.0) -> None:
    box.put(ReceivedTelemetry(payload, at_s, at_s))


def holds(box: Mailbox) -> bool:
    """Answer a lone telemetry, and return whether its answer was held for another loop."""
    put(box, "alone", 50.0)
    box.take()
    held = box.hold_s(50.0) == pytest.approx(PROBE_S)
    box.mark_answered()
    return held


def settled() -> Mailbox:
    """Return a mailbox that has received the telemetry of one loop only."""
    box = Mailbox()
    for number in range(2):
        put(box, number)
        box.take()
        assert box.mark_answered() == 0
    assert not holds(box)
    return box


def test_a_new_mailbox_is_empty() -> None:
    assert Mailbox().take() is None


def test_the_newest_telemetry_is_answered_and_covers_the_others() -> None:
    box = settled()
    for payload in "abc":
        put(box, payload)
    taken = box.take()
    assert taken is not None
    assert taken.payload == "c"
    assert box.mark_answered() == 2
    assert box.take() is None


def test_a_telemetry_that_arrives_during_a_prediction_is_covered_by_its_answer() -> None:
    box = settled()
    put(box, "a")
    box.take()
    put(box, "b")
    assert box.mark_answered() == 1
    assert box.take() is None


def test_the_first_answers_are_held_for_the_telemetry_of_another_loop() -> None:
    box = Mailbox()
    put(box, "a", 10.0)
    box.take()
    assert box.hold_s(10.0) == pytest.approx(PROBE_S)
    assert box.hold_s(10.06) == pytest.approx(PROBE_S - 0.06)
    assert box.hold_s(10.2) == 0
    put(box, "b", 10.07)
    assert box.hold_s(10.07) == 0  # one answer covers both at once
    assert box.mark_answered() == 1
    assert holds(box)  # there may be a third loop


def test_a_second_lone_telemetry_ends_the_probing() -> None:
    box = settled()
    put(box, "c", 5.0)
    box.take()
    assert box.hold_s(5.0) == 0


def test_the_very_first_telemetry_alone_does_not_end_the_probing() -> None:
    box = Mailbox()
    put(box, "a")
    box.take()
    box.mark_answered()
    assert holds(box)


def test_the_mailbox_is_full_until_an_answer_is_sent() -> None:
    box = Mailbox()
    for number in range(MAX_UNANSWERED):
        assert not box.full
        put(box, number)
    assert box.full
    box.take()
    assert box.full  # its answer is not sent yet
    box.mark_answered()
    assert not box.full


def simulate(
    starts: list[float], away: list[float], predictions: list[float], until_s: float
) -> tuple[int, list[float]]:
    """Play the loops of a simulator against a mailbox, each event at its time.

    Args:
        starts: times in seconds at which the loops send their first telemetry.
        away: seconds from an answer to the next telemetry, used in turn.
        predictions: seconds that the predictions take, used in turn.
        until_s: end of the simulation in seconds.

    Returns:
        The number of loops that are left (telemetries in flight), and for each telemetry that got
        its own answer the seconds that it waited beyond its prediction.
    """
    box, order = Mailbox(), itertools.count()
    gaps_s, predictions_s = itertools.cycle(away), itertools.cycle(predictions)
    events: list[tuple[float, int, str]] = []
    for start in starts:
        heapq.heappush(events, (start, next(order), "telemetry"))
    # The telemetry that is being predicted, and the time at which its prediction ends.
    busy: tuple[ReceivedTelemetry, float] | None = None
    waited = []

    def send(now: float) -> None:
        nonlocal busy
        assert busy is not None
        received, done = busy
        waited.append(now - max(done, received.at_s))
        box.mark_answered()
        busy = None
        heapq.heappush(events, (now + next(gaps_s), next(order), "telemetry"))
        begin(now)

    def begin(now: float) -> None:
        nonlocal busy
        received = box.take()
        if received is not None:
            busy = (received, now + next(predictions_s))
            heapq.heappush(events, (busy[1], next(order), "check"))

    while events and events[0][0] <= until_s:
        now, _, event = heapq.heappop(events)
        if event == "telemetry":
            put(box, None, now)
            if busy is None:
                begin(now)
        if busy is not None and now >= busy[1]:
            hold_s = box.hold_s(now)
            if hold_s <= 1e-9:
                send(now)
            elif event == "check":
                heapq.heappush(events, (now + hold_s, next(order), "check"))
    in_flight = sum(event == "telemetry" for _, _, event in events)
    return in_flight + (busy is not None), waited


@given(
    starts=st.lists(st.floats(0, 0.09), min_size=1, max_size=3),
    away=st.lists(st.floats(0.001, 0.09), min_size=1, max_size=5),
    predictions=st.lists(st.floats(0.001, 0.05), min_size=1, max_size=5),
)
def test_every_client_ends_with_exactly_one_loop(
    starts: list[float], away: list[float], predictions: list[float]
) -> None:
    loops, waited = simulate([0.0, *starts], away, predictions, 5.0)
    assert loops == 1
    assert max(waited) <= PROBE_S + 1e-6


@given(
    starts=st.lists(st.floats(0, 3), min_size=0, max_size=4),
    away=st.lists(st.floats(0.001, 0.5), min_size=1, max_size=5),
    predictions=st.lists(st.floats(0.001, 0.2), min_size=1, max_size=5),
)
def test_with_any_times_at_least_one_loop_is_left_and_none_waits_long(
    starts: list[float], away: list[float], predictions: list[float]
) -> None:
    loops, waited = simulate([0.0, *starts], away, predictions, 6.0)
    assert 1 <= loops <= 1 + len(starts)
    assert max(waited) <= PROBE_S + 1e-6


def test_loops_that_take_turns_without_ever_meeting_become_one() -> None:
    loops, waited = simulate([0.0, 0.06], [0.067], [0.002], 3.0)
    assert loops == 1
    assert sum(wait_s > 0.01 for wait_s in waited) <= 3  # the later answers are not delayed


def test_an_answer_is_held_from_the_last_bytes_of_its_telemetry() -> None:
    """A client on a slow line needs longer for one telemetry than an answer is held."""
    box = Mailbox()
    box.put(ReceivedTelemetry("slow", 10.0, 10.5))
    box.take()
    assert box.hold_s(10.5) == pytest.approx(PROBE_S)
