import logging

from driver_bridge.log_limit import LINES, PERIOD_S, Limit


def record(name: str = "a", text: str = "%d clients") -> logging.LogRecord:
    return logging.LogRecord(name, logging.INFO, "", 0, text, (5,), None)


def test_so_many_lines_pass_and_no_more() -> None:
    limit = Limit(lambda: 100.0)
    assert sum(limit.filter(record()) for _ in range(3 * LINES)) == LINES


def test_each_logger_has_lines_of_its_own() -> None:
    limit = Limit(lambda: 100.0)
    assert sum(limit.filter(record()) for _ in range(3 * LINES)) == LINES
    assert limit.filter(record("b"))


def test_the_next_period_begins_with_how_many_were_left_out() -> None:
    now = 100.0
    limit = Limit(lambda: now)
    for _ in range(LINES + 7):
        limit.filter(record())
    now += PERIOD_S
    first, second = record(), record()
    assert limit.filter(first)
    assert limit.filter(second)
    assert first.getMessage() == "5 clients (7 lines before this one were left out)"
    assert second.getMessage() == "5 clients"


def test_a_quiet_log_is_left_as_it_is() -> None:
    now = 0.0
    limit = Limit(lambda: now)
    for _ in range(1000):
        now += 1.0
        line = record()
        assert limit.filter(line)
        assert line.getMessage() == "5 clients"
