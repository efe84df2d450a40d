import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.data import samples

from contract.errors import TelemetryError
from contract.wire import telemetry
from contract.wire.culture_numbers import UNKNOWN, NumberSpelling

POINT, COMMA = NumberSpelling("."), NumberSpelling(",")

IMAGE = base64.b64encode(b"\xff\xd8\xff").decode()


def payload(**changes: object) -> dict[str, object]:
    return {
        "steering_angle": "12.5000",
        "throttle": "0.2000",
        "speed": "9.1300",
        "image": IMAGE,
        **changes,
    }


def test_degrees_are_converted_to_a_steering_command() -> None:
    parsed = telemetry.parse(payload())
    assert (parsed.steering, parsed.throttle, parsed.speed_mph) == (0.5, 0.2, 9.13)
    assert parsed.jpeg == b"\xff\xd8\xff"
    assert parsed.spelling == POINT


@pytest.mark.parametrize(
    ("text", "value", "mark"),
    [
        ("0.0000", 0.0, "."),
        ("-25.0000", -25.0, "."),
        ("1,234.5000", 1234.5, "."),
        ("0,0000", 0.0, ","),
        ("-12,5000", -12.5, ","),
        ("12.500,0000", 12500.0, ","),
        ("1\u202f234,5000", 1234.5, ","),
        ("1\u00a0234,5000", 1234.5, ","),
        ("1\u2019234.5000", 1234.5, "."),
        ("\u22123,2500", -3.25, ","),
        ("0.12", 0.12, "."),
        ("3", 3.0, None),
        ("1e-05", 1e-05, None),
    ],
)
def test_numbers_are_read_with_their_decimal_mark(
    text: str, value: float, mark: str | None
) -> None:
    found, spelling = telemetry.number({"x": text}, "x")
    assert (found, spelling.decimal_mark) == (value, mark)


@pytest.mark.parametrize(
    "bad", [None, "", "abc", "nan", "inf", "1,2,3", True, [], {}, float("nan")]
)
def test_a_field_that_is_no_number_is_refused_by_name(bad: object) -> None:
    with pytest.raises(TelemetryError, match="the telemetry's speed means nothing"):
        telemetry.parse(payload(speed=bad))


@pytest.mark.parametrize(
    "missing", [["throttle"], ["steering_angle"], ["throttle", "steering_angle"]]
)
@pytest.mark.parametrize("null", [False, True])
def test_driving_needs_only_speed_and_image(missing: list[str], null: bool) -> None:
    """A client may leave the other fields out, or send null for them."""
    sent = payload(speed="9,1300", steering_angle="12,5000", throttle="0,2000")
    for name in missing:
        if null:
            sent[name] = None
        else:
            del sent[name]
    parsed = telemetry.parse(sent)
    assert (parsed.speed_mph, parsed.jpeg) == (9.13, b"\xff\xd8\xff")
    assert parsed.steering == (None if "steering_angle" in missing else 0.5)
    assert parsed.throttle == (None if "throttle" in missing else 0.2)
    assert parsed.spelling == COMMA


@pytest.mark.parametrize("field", ["throttle", "steering_angle"])
@pytest.mark.parametrize("bad", ["", "abc", "nan", True, []])
def test_a_field_that_is_there_must_be_a_number(field: str, bad: object) -> None:
    with pytest.raises(TelemetryError, match=f"the telemetry's {field} means nothing"):
        telemetry.parse(payload(**{field: bad}))


@pytest.mark.parametrize("field", ["speed", "image"])
def test_what_driving_needs_may_not_be_missing(field: str) -> None:
    sent = payload()
    del sent[field]
    with pytest.raises(TelemetryError, match=f"the telemetry's {field} means nothing"):
        telemetry.parse(sent)


@pytest.mark.parametrize(
    ("fields", "mark"),
    [
        ({"speed": 9.13}, "."),
        ({"speed": "9,1300", "steering_angle": 12.5, "throttle": 0}, ","),
        ({"speed": 9, "steering_angle": "12,5000", "throttle": "0"}, ","),
        ({"speed": "9", "steering_angle": 3, "throttle": "0,2000"}, ","),
        ({"speed": "9", "steering_angle": 3, "throttle": 0.5}, "."),
        ({"speed": "9", "steering_angle": "3", "throttle": "0"}, None),
    ],
)
def test_any_field_shows_the_decimal_mark(fields: dict[str, object], mark: str | None) -> None:
    assert telemetry.parse(payload(**fields)).spelling == NumberSpelling(mark)


@pytest.mark.parametrize("speed", ["9,1300", "9/1300"])
def test_two_decimal_marks_are_refused(speed: str) -> None:
    """An answer with the wrong one of them would be read as full lock, or not at all."""
    with pytest.raises(TelemetryError, match=rf"numbers have two decimal marks: got .*{speed}"):
        telemetry.parse(payload(speed=speed))


@pytest.mark.parametrize("plain", ["9.13", "0.5"])
def test_a_decimal_point_contradicts_a_decimal_comma(plain: str) -> None:
    comma = {"steering_angle": "1,0000", "throttle": "0,0000"}
    with pytest.raises(TelemetryError, match="two decimal marks"):
        telemetry.parse(payload(speed=plain, **comma))


def test_two_kinds_of_minus_are_refused() -> None:
    with pytest.raises(TelemetryError, match="numbers have two kinds of minus"):
        telemetry.parse(payload(steering_angle="-1.0000", throttle="\u22121.0000"))


@pytest.mark.parametrize(
    ("known", "changes", "expected"),
    [
        (NumberSpelling(".", "\u2212"), {}, NumberSpelling(".", "\u2212")),
        (NumberSpelling(".", "\u2212"), {"throttle": "-1.0000"}, NumberSpelling(".", "-")),
        (NumberSpelling(",", "\u2212"), {}, POINT),
        (COMMA, {"speed": 9, "steering_angle": 0, "throttle": 0}, COMMA),
        (COMMA, {"speed": "9", "steering_angle": "0", "throttle": "0"}, COMMA),
    ],
)
def test_marks_of_earlier_telemetries_stay_in_force(
    known: NumberSpelling, changes: dict[str, object], expected: NumberSpelling
) -> None:
    """A minus is known after the first negative number, of the same culture."""
    assert telemetry.parse(payload(**changes), known).spelling == expected


def test_a_number_of_more_than_64_characters_is_refused() -> None:
    assert telemetry.parse(payload(speed=f"{'0' * 62}.5")).speed_mph == 0.5
    with pytest.raises(TelemetryError, match="the telemetry's speed means nothing"):
        telemetry.parse(payload(speed=f"{'0' * 63}.5"))


@pytest.mark.parametrize("bad", [None, 5, "not base64!", "ä", f"{IMAGE}!", f"{IMAGE}\n"])
def test_an_image_that_is_no_base64_is_refused(bad: object) -> None:
    with pytest.raises(TelemetryError, match="the telemetry's image means nothing"):
        telemetry.parse(payload(image=bad))


def test_answers_are_text_with_the_simulators_marks() -> None:
    assert telemetry.steer(0.1, -1.0, NumberSpelling(",", "\u2212")) == {
        "steering_angle": "0,100000",
        "throttle": "\u22121,000000",
    }


def test_answers_to_a_client_that_has_shown_no_mark_have_none() -> None:
    """Whole numbers and exponents are read alike in every culture."""
    assert telemetry.steer(0.0, -1.0, UNKNOWN) == {"steering_angle": "0", "throttle": "-1"}
    assert telemetry.steer(-0.25, 1.0, UNKNOWN)["steering_angle"] == "-250000e-6"


def test_answers_are_clamped() -> None:
    assert telemetry.steer(7, -7, POINT) == {"steering_angle": "1.000000", "throttle": "-1.000000"}


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_an_answer_that_is_no_number_is_never_sent(bad: float) -> None:
    with pytest.raises(TelemetryError):
        telemetry.steer(bad, 0, POINT)


def test_an_answer_that_the_simulator_cannot_read_is_never_sent() -> None:
    with pytest.raises(TelemetryError, match="until the simulator has shown its minus"):
        telemetry.steer(-0.1, 0, NumberSpelling("\u066b"))


@given(st.floats(-1, 1), st.sampled_from([".", ","]))
def test_a_written_answer_is_read_back(steering: float, mark: str) -> None:
    text = telemetry.steer(steering, 0, NumberSpelling(mark))["steering_angle"]
    assert float(text.replace(mark, ".")) == pytest.approx(steering, abs=1e-6)
    assert not text.startswith("-0.000000")


@pytest.mark.parametrize(("name", "mark"), [("en-US", "."), ("de-DE", ",")])
def test_messages_of_the_real_client_are_read(name: str, mark: str) -> None:
    count = 0
    for line in samples.shared("protocol", f"{name}.jsonl").read_text().splitlines():
        message = json.loads(line)
        if message["from"] != "client" or not message.get("data", "").startswith(
            '42["telemetry",{'
        ):
            continue
        parsed = telemetry.parse(json.loads(message["data"][2:])[1])
        assert parsed.spelling.decimal_mark == mark
        assert parsed.jpeg.startswith(b"\xff\xd8\xff")
        count += 1
    assert count > 20
