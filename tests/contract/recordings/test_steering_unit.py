import math

import pytest

from contract.errors import RecordingError, SettingError
from contract.recordings import driving_log, steering_unit


def log_of(steering: list[float], decimal: str = ".") -> bytes:
    lines = []
    for row, value in enumerate(steering):
        numbers = f"{value:.6g},0,0,30.25".replace(".", decimal)
        lines.append(f"c{row}.jpg,{numbers}\n")
    return "".join(lines).encode()


WAVE = [math.sin(n / 9) for n in range(60)]


@pytest.mark.parametrize("decimal", [".", ","])
def test_degrees_are_named_with_the_option_that_converts_them(decimal: str) -> None:
    raw = log_of([round(25 * value, 2) for value in WAVE], decimal)
    with pytest.raises(RecordingError) as caught:
        driving_log.read(raw)
    message = str(caught.value)
    assert "the steering is beyond -1 to 1 in" in message
    assert "--steering-unit degrees" in message
    assert "such as 2.77 in line 2" in message


@pytest.mark.parametrize("decimal", [".", ","])
def test_a_unit_that_is_told_is_converted(decimal: str) -> None:
    log = driving_log.read(log_of([450 * value for value in WAVE], decimal), full_lock=450)
    by_line = {row.line - 1: row.steering for row in log.rows}
    assert len(by_line) > 50
    assert "steering converted from values of which 450 is the full lock" in log.notes
    for line, value in by_line.items():
        assert value == pytest.approx(WAVE[line], abs=1e-5)


def test_a_wheel_that_turns_further_than_the_front_wheels_is_told_apart() -> None:
    with pytest.raises(RecordingError, match=r"more than the 25 degrees.*at least 450"):
        driving_log.read(log_of([450, -320, 0]))


def test_few_steep_values_are_enough_and_a_single_one_is_a_damaged_line() -> None:
    assert len(driving_log.read(log_of([0.5] * 99 + [2])).rows) == 99
    with pytest.raises(RecordingError, match="in 2 of 100 lines"):
        driving_log.read(log_of([0.5] * 98 + [2, -2]))
    with pytest.raises(RecordingError, match="in 2 of 400 lines"):
        driving_log.read(log_of([0.5] * 398 + [2, -2]))
    assert len(driving_log.read(log_of([0.5] * 399 + [2, -2])).rows) == 399  # fewer than 0.5 %


def test_a_unit_that_the_values_do_not_have_is_refused() -> None:
    for values in (WAVE, [1.0, -1.0, 0.5]):
        with pytest.raises(RecordingError, match="Import it without --steering-unit"):
            driving_log.read(log_of(values), full_lock=25)


@pytest.mark.parametrize(
    ("text", "full_lock"),
    [
        ("lock", 1),
        ("degrees", 25),
        ("radians", math.radians(25)),
        ("450", 450),
        ("0.5", 0.5),
        ("10000", 10_000),
    ],
)
def test_a_unit_is_a_name_or_the_value_at_full_lock(text: str, full_lock: float) -> None:
    assert steering_unit.parse_unit(text) == pytest.approx(full_lock)


@pytest.mark.parametrize("text", ["", "degree", "0", "-25", "1e9", "nan", "99999"])
def test_another_unit_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match="--steering-unit has a value it cannot take"):
        steering_unit.parse_unit(text)
