import pytest

from contract.errors import RecordingError
from contract.recordings import driving_log

VALUES = {
    "center": "c.jpg",
    "left": "l.jpg",
    "right": "r.jpg",
    "steering": "-0.25",
    "throttle": "0.5",
    "brake": "0.125",
    "speed": "12.5",
}


def row_of(titles: dict[str, str], separator: str = ",") -> driving_log.Row:
    """Read a log whose columns have these titles, by what they hold, and return its row."""
    cells = [VALUES.get(role.strip("0123456789"), role) for role in titles]
    lines = [separator.join(titles.values()), separator.join(cells)]
    log = driving_log.read("".join(f"{line}\n" for line in lines).encode())
    assert log.rejections == []
    (row,) = log.rows
    return row


def assert_values(row: driving_log.Row) -> None:
    assert row.images == ("c.jpg", "l.jpg", "r.jpg")
    assert (row.steering, row.throttle, row.brake, row.speed_mph) == (-0.25, 0.5, 0.125, 12.5)


@pytest.mark.parametrize(
    "change",
    [
        {"steering": "Steering Angle"},
        {"steering": "steering_angle", "speed": "Speed (mph)"},
        {"brake": "reverse"},
        {"throttle": "gas", "brake": "Break", "speed": "velocity"},
        {"center": "CenterImage", "left": "left camera", "right": "right_img_path"},
    ],
)
def test_titles_may_be_other_words_for_the_same(change: dict[str, str]) -> None:
    assert_values(row_of({role: role for role in VALUES} | change))


def test_columns_may_stand_in_another_order_and_others_between_them() -> None:
    titles = {
        "lap": "lap",
        "speed": "Speed",
        "right": "Right",
        "steering": "Steering Angle",
        "7": "target speed",
        "center": "Center",
        "brake": "Brake",
        "left": "Left",
        "throttle": "Throttle",
        "1": "Unnamed: 0",
    }
    assert_values(row_of(titles, ";"))


def test_a_word_of_the_recorder_counts_more_than_another_word_for_it() -> None:
    titles = {role: role for role in VALUES}
    assert_values(row_of({"9": "reverse", **titles, "90": "angle", "8": "image id"}))


def test_the_columns_that_are_used_and_not_used_are_noted() -> None:
    raw = b"center,steer,gas,brake,speed,lap\nc.jpg,0,0,0,1,2\n"
    assert driving_log.read(raw).notes == [
        "header line",
        "columns by their titles: steering from 'steer', throttle from 'gas'",
        "columns that are not used: 'lap'",
    ]


@pytest.mark.parametrize(
    ("titles", "message"),
    [
        ("center,left,right,steering,throttle,speed", "no column for brake: got center, left"),
        ("center,left,steering,throttle,brake,speed", "no column for right"),
        (
            "center,steering,steering angle,throttle,brake,speed",
            "two columns of the driving log may be the steering: got 'steering' and 'steering an",
        ),
        ("center,steering,throttle,brake,speed (km/h)", "another unit .*km/h: got 'speed .km/h.'"),
        (
            "center,steering_deg,throttle,brake,speed",
            "degrees: got 'steering_deg'.*--steering-unit",
        ),
        ("centro,izquierda,derecha,volante,acelerador,freno,velocidad", "no column for center and"),
    ],
)
def test_a_header_that_leaves_a_column_open_is_refused(titles: str, message: str) -> None:
    cells = ",".join(["c.jpg", *"0001"[: titles.count(",")]])
    with pytest.raises(RecordingError, match=message):
        driving_log.read(f"{titles}\n{cells}\n".encode())


def test_a_title_with_a_unit_of_the_steering_is_taken_if_the_unit_is_told() -> None:
    raw = b"center,steering (deg),throttle,brake,speed\nc.jpg,-12.5,0,0,1\n"
    assert driving_log.read(raw, full_lock=25).rows[0].steering == -0.5


def test_a_line_with_other_fields_than_the_header_is_rejected() -> None:
    raw = b"steering,throttle,brake,speed,center\n0,0,0,1,c.jpg\n0,5,0,0,1,c.jpg\n"
    log = driving_log.read(raw)
    assert [row.line for row in log.rows] == [2]
    assert [(one.line, one.field, one.reason) for one in log.rejections] == [
        (3, "fields", "not the 5 fields that the header names")
    ]


def test_a_column_without_images_is_named() -> None:
    raw = b"frame,steering,throttle,brake,speed,center\n1,0,0,0,1,c.gif\n"
    (rejection,) = driving_log.read(raw).rejections
    assert (rejection.field, rejection.got) == ("center", "c.gif")
