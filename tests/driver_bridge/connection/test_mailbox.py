"""One loop: the mailbox by itself, and a simulator of many loops against it, on a made-up clock."""

import heapq
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_bridge.connection.mailbox import MOST_UNANSWERED, PROBE_S, Mailbox, Received


def put(box: Mailbox, payload: object, at_s: float = 0.0) -> None:
    box.put(Received(payload, at_s))


def holds(box: Mailbox) -> bool:
    """Have a telemetry answered, and tell whether its answer was held for another loop's."""
    put(box, "alone", 50.0)
    box.take()
    held = box.hold_s(50.0) == pytest.approx(PROBE_S)
    box.answered()
    return held


def settled() -> Mailbox:
    """A mailbox that has seen one loop and no other."""
    box = Mailbox()
    for number in range(2):
        put(box, number)
        box.take()
        assert box.answered() == 0
    assert not holds(box)
    return box


def test_nothing_is_there_at_first() -> None:
    assert Mailbox().take() is None


def test_the_newest_wins_and_covers_the_others() -> None:
    box = settled()
    for payload in "abc":
        put(box, payload)
    taken = box.take()
    assert taken is not None
    assert taken.payload == "c"
    assert box.answered() == 2
    assert box.take() is None


def test_what_comes_during_a_prediction_is_covered_and_not_answered_again() -> None:
    box = settled()
    put(box, "a")
    box.take()
    put(box, "b")
    assert box.answered() == 1
    assert box.take() is None


def test_the_first_answers_are_held_for_another_loops_telemetry() -> None:
    box = Mailbox()
    put(box, "a", 10.0)
    box.take()
    assert box.hold_s(10.0) == pytest.approx(PROBE_S)
    assert box.hold_s(10.06) == pytest.approx(PROBE_S - 0.06)
    assert box.hold_s(10.2) == 0
    put(box, "b", 10.07)
    assert box.hold_s(10.07) == 0  # both are answered at once
    assert box.answered() == 1
    assert holds(box)  # there may be a third


def test_a_second_telemetry_without_company_ends_the_probing_for_good() -> None:
    box = settled()
    put(box, "c", 5.0)
    box.take()
    assert box.hold_s(5.0) == 0


def test_the_very_first_alone_ends_no_probing() -> None:
    box = Mailbox()
    put(box, "a")
    box.take()
    box.answered()
    assert holds(box)


def test_more_is_not_read_ahead_than_loops_there_can_be() -> None:
    box = Mailbox()
    for number in range(MOST_UNANSWERED):
        assert not box.full
        put(box, number)
    assert box.full
    box.take()
    assert box.full  # its answer has not gone yet
    box.answered()
    assert not box.full


def simulate(
    starts: list[float], away: list[float], predictions: list[float], until_s: float
) -> tuple[int, list[float]]:
    """Play a simulator's loops against a mailbox, each step at its time.

    Args:
        starts: when each loop sends its first telemetry.
        away: seconds from an answer to the next telemetry, over and over.
        predictions: seconds that they take, over and over.
        until_s: when it ends.

    Returns:
        Loops that are left (telemetries in flight, wherever), and how many seconds longer than its
        prediction each telemetry that was answered by its own answer waited.
    """
    box, order = Mailbox(), itertools.count()
    gaps, works = itertools.cycle(away), itertools.cycle(predictions)
    events: list[tuple[float, int, str]] = []
    for start in starts:
        heapq.heappush(events, (start, next(order), "telemetry"))
    busy: tuple[Received, float] | None = None  # what is predicted, and until when
    waited = []

    def say(now: float) -> None:
        nonlocal busy
        assert busy is not None
        received, done = busy
        waited.append(now - max(done, received.at_s))
        box.answered()
        busy = None
        heapq.heappush(events, (now + next(gaps), next(order), "telemetry"))
        begin(now)

    def begin(now: float) -> None:
        nonlocal busy
        received = box.take()
        if received is not None:
            busy = (received, now + next(works))
            heapq.heappush(events, (busy[1], next(order), "look"))

    while events and events[0][0] <= until_s:
        now, _, what = heapq.heappop(events)
        if what == "telemetry":
            put(box, None, now)
            if busy is None:
                begin(now)
        if busy is not None and now >= busy[1]:
            left = box.hold_s(now)
            if left <= 1e-9:
                say(now)
            elif what == "look":
                heapq.heappush(events, (now + left, next(order), "look"))
    in_flight = sum(what == "telemetry" for _, _, what in events)
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
def test_whatever_the_times_are_at_least_one_loop_lives_and_none_waits_long(
    starts: list[float], away: list[float], predictions: list[float]
) -> None:
    loops, waited = simulate([0.0, *starts], away, predictions, 6.0)
    assert 1 <= loops <= 1 + len(starts)
    assert max(waited) <= PROBE_S + 1e-6


def test_loops_that_take_turns_without_ever_meeting_become_one() -> None:
    loops, waited = simulate([0.0, 0.06], [0.067], [0.002], 3.0)
    assert loops == 1
    assert sum(each > 0.01 for each in waited) <= 3  # and the drive goes on undisturbed
