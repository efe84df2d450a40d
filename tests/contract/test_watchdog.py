import pytest

from contract.watchdog import Watchdog


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s

    def pass_by(self, seconds: float) -> float:
        self.now_s += seconds
        return self.now_s


def watch(limit_s: float = 30.0, period_s: float = 5.0) -> tuple[Watchdog, Clock]:
    clock = Clock()
    return Watchdog(limit_s, period_s, clock), clock


def look_every(watchdog: Watchdog, clock: Clock, seconds: float, times: int) -> None:
    for _ in range(times):
        clock.pass_by(seconds)
        watchdog.look()


def test_who_is_silent_while_the_watcher_is_awake_is_overdue_after_the_limit() -> None:
    watchdog, clock = watch()
    heard_s = watchdog.look()
    look_every(watchdog, clock, 5, 6)
    assert not watchdog.is_overdue(heard_s)
    look_every(watchdog, clock, 1, 1)
    assert watchdog.is_overdue(heard_s)
    assert watchdog.silence_s(heard_s) == 31


def test_the_time_in_which_the_watcher_stood_still_is_granted() -> None:
    watchdog, clock = watch()
    heard_s = watchdog.look()
    look_every(watchdog, clock, 1, 1)
    clock.pass_by(3600)
    watchdog.look()
    assert watchdog.delay_s == 3595
    assert watchdog.silence_s(heard_s) == 1 + 5
    look_every(watchdog, clock, 4, 6)
    assert not watchdog.is_overdue(heard_s)
    assert watchdog.delay_s == 0
    look_every(watchdog, clock, 1, 1)
    assert watchdog.is_overdue(heard_s)


def test_who_was_heard_amid_or_after_a_standstill_is_granted_only_the_rest() -> None:
    watchdog, clock = watch()
    clock.pass_by(100)
    amid_s = clock.now_s
    clock.pass_by(50)
    after_s = watchdog.look()
    look_every(watchdog, clock, 5, 2)
    assert watchdog.silence_s(amid_s) == 10
    assert watchdog.silence_s(after_s) == 10
    assert not watchdog.is_overdue(after_s)


def test_several_standstills_are_granted_together() -> None:
    watchdog, clock = watch()
    heard_s = watchdog.look()
    look_every(watchdog, clock, 45, 3)
    assert watchdog.silence_s(heard_s) == 15


def test_old_standstills_are_forgotten_without_a_change_of_the_judgement() -> None:
    watchdog, clock = watch()
    heard_s = watchdog.look()
    clock.pass_by(1000)
    watchdog.look()
    look_every(watchdog, clock, 5, 20_000)
    assert len(watchdog._delays) == 0
    assert watchdog.is_overdue(heard_s)


def test_standstills_without_end_are_not_all_remembered() -> None:
    """A machine that swaps is late at each look, in which it is awake for a period of 5 s."""
    watchdog, clock = watch()
    look_every(watchdog, clock, 45, 1000)
    assert len(watchdog._delays) <= 30 / 5 + 1
    assert watchdog.silence_s(clock.now_s - 45 * 3) == 15


def test_a_clock_that_is_set_harms_nobody() -> None:
    """Forwards it looks like a standstill; backwards, nobody is overdue for that."""
    watchdog, clock = watch()
    heard_s = watchdog.look()
    clock.pass_by(86_400)
    watchdog.look()
    assert not watchdog.is_overdue(heard_s)
    clock.pass_by(-2 * 86_400)
    awake_s = watchdog.awake_s
    watchdog.look()
    assert watchdog.awake_s == awake_s
    assert watchdog.silence_s(heard_s) == 0
    heard_s = clock.now_s
    look_every(watchdog, clock, 5, 7)
    assert watchdog.is_overdue(heard_s)


def test_its_own_limit_passes_only_while_it_is_awake() -> None:
    watchdog, clock = watch()
    clock.pass_by(10_000)
    watchdog.look()
    assert not watchdog.is_expired
    look_every(watchdog, clock, 5, 5)
    assert watchdog.awake_s == 30
    assert not watchdog.is_expired
    look_every(watchdog, clock, 1, 1)
    assert watchdog.is_expired


@pytest.mark.parametrize("late_s", [0.0, 4.5, 5.0])
def test_a_look_within_its_period_is_not_late(late_s: float) -> None:
    watchdog, clock = watch()
    clock.pass_by(late_s)
    watchdog.look()
    assert watchdog.delay_s == 0
    assert watchdog.awake_s == late_s
