import logging

from driver_bridge.log_limit import MAX_LINES, PERIOD_S, LogRateLimit


def record(name: str = "a", text: str = "%d clients") -> logging.LogRecord:
    return logging.LogRecord(name, logging.INFO, "", 0, text, (5,), None)


def test_a_limited_number_of_lines_passes() -> None:
    limit = LogRateLimit(lambda: 100.0)
    assert sum(limit.filter(record()) for _ in range(3 * MAX_LINES)) == MAX_LINES


def test_each_logger_has_its_own_limit() -> None:
    limit = LogRateLimit(lambda: 100.0)
    assert sum(limit.filter(record()) for _ in range(3 * MAX_LINES)) == MAX_LINES
    assert limit.filter(record("b"))


def test_the_next_period_begins_with_the_number_of_lines_left_out() -> None:
    now = 100.0
    limit = LogRateLimit(lambda: now)
    for _ in range(MAX_LINES + 7):
        limit.filter(record())
    now += PERIOD_S
    first, second = record(), record()
    assert limit.filter(first)
    assert limit.filter(second)
    assert first.getMessage() == "5 clients (7 lines before this one were left out)"
    assert second.getMessage() == "5 clients"


def test_a_log_below_the_limit_is_not_changed() -> None:
    now = 0.0
    limit = LogRateLimit(lambda: now)
    for _ in range(1000):
        now += 1.0
        line = record()
        assert limit.filter(line)
        assert line.getMessage() == "5 clients"
