import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.data import samples

from contract.errors import RecordingError
from contract.recordings import driving_log
from contract.recordings.driving_log import Rejection

ROW = "center_1.jpg,left_1.jpg,right_1.jpg,-0.25,0.5,0,12.5"


def read_row(text: str) -> driving_log.Row:
    log = driving_log.read(text.encode())
    assert log.rejections == []
    (row,) = log.rows
    return row


def test_a_row_is_read() -> None:
    row = read_row(ROW + "\n")
    assert row.images == ("center_1.jpg", "left_1.jpg", "right_1.jpg")
    assert (row.steering, row.throttle, row.brake, row.speed_mph) == (-0.25, 0.5, 0.0, 12.5)
    assert row.line == 1


@pytest.mark.parametrize(
    "path",
    [
        r"C:\Users\A B\IMG\center_1.jpg",
        "/home/a/IMG/center_1.jpg",
        "IMG/center_1.jpg",
        " IMG/center_1.jpg ",
        r"C:\Users\Smith, John\IMG\center_1.jpg",
        '"C:\\Users\\Smith, John\\IMG\\center_1.jpg"',
        "../../etc/center_1.jpg",
    ],
)
def test_only_the_file_name_of_a_path_counts(path: str) -> None:
    assert read_row(f"{path},left_1.jpg,right_1.jpg,0,0,0,1").images[0] == "center_1.jpg"


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + ROW,
        ROW + "\r\n",
        ROW.replace(",", ", "),
        "\n" + ROW + "\n\n",
        "center,left,right,steering,throttle,brake,speed\n" + ROW,
    ],
)
def test_line_ends_spaces_and_headers_do_not_matter(text: str) -> None:
    assert read_row(text).steering == -0.25


@pytest.mark.parametrize("text", ["center_1.jpg,0,0,0,1", "center_1.jpg,,,0,0,0,1"])
def test_a_log_may_have_only_the_centre_camera(text: str) -> None:
    assert read_row(text).images == ("center_1.jpg",)


def test_a_quoted_number_may_have_a_decimal_comma() -> None:
    assert read_row('c.jpg,l.jpg,r.jpg,"-0,25",0,0,"12,5"').speed_mph == 12.5


@pytest.mark.parametrize(
    ("text", "field", "reason"),
    [
        ("c.jpg,l.jpg,r.jpg,x,0,0,1", "steering", "not a number"),
        ("c.jpg,l.jpg,r.jpg,1.5,0,0,1", "steering", "not from -1 to 1"),
        ("c.jpg,l.jpg,r.jpg,nan,0,0,1", "steering", "not from -1 to 1"),
        ("c.jpg,l.jpg,r.jpg,0,inf,0,1", "throttle", "not from 0 to 1"),
        ("c.jpg,l.jpg,r.jpg,0,0,-1,1", "brake", "not from 0 to 1"),
        ("c.jpg,l.jpg,r.jpg,0,0,0,999", "speed", "not from 0 to 200"),
        ("c.jpg,l.jpg,r.jpg,0,0.0,0", "numbers", "not four numbers"),
        ("c.jpg,l.jpg,r.jpg,0,0.1,0,1,1", "numbers", "not four numbers"),
        ("c.jpg,l.jpg,0,0,0,1", "images", "not one or three image names"),
        ("0,0,0,1", "images", "not one or three image names"),
    ],
)
def test_a_bad_row_is_refused_with_line_field_and_reason(
    text: str, field: str, reason: str
) -> None:
    log = driving_log.read(f"{ROW}\n{text}\n{ROW}\n".encode())
    assert len(log.rows) == 2
    (rejection,) = log.rejections
    assert (rejection.line, rejection.field, rejection.reason) == (2, field, reason)


def test_rounding_beyond_the_range_is_clamped() -> None:
    assert read_row("c.jpg,l.jpg,r.jpg,-1.00001,0,0,1").steering == -1


def test_split_numbers_are_rejoined_with_a_note() -> None:
    log = driving_log.read(b"c.jpg,l.jpg,r.jpg,-0,25,1,0,5,678449\nc.jpg,l.jpg,r.jpg,0,0,0,0\n")
    assert [row.steering for row in log.rows] == [-0.25, 0]
    assert log.notes == ["decimal comma: numbers were rejoined by their ranges"]


def test_an_ambiguous_row_is_never_guessed() -> None:
    log = driving_log.read(b"c.jpg,l.jpg,r.jpg,0,1,0,5,0,3\n")
    assert log.rejections == [Rejection(1, "numbers", "ambiguous decimal commas", "0,1,0,5,0,3")]


def test_numbers_are_not_rejoined_in_a_log_with_points() -> None:
    log = driving_log.read(f"{ROW}\nc.jpg,l.jpg,r.jpg,-0,25,1,0,5,6\n".encode())
    assert [rejection.reason for rejection in log.rejections] == ["not four numbers"]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "the driving log is empty"),
        (b"\n\n", "the driving log is empty"),
        (b"steering,center,left,right,throttle,brake,speed\n", "the driving log is empty"),
        (b"center,left,right,steering,throttle,speed\n", "has no column for brake: got center"),
    ],
)
def test_a_file_that_is_no_log_is_refused(raw: bytes, message: str) -> None:
    with pytest.raises(RecordingError, match=message):
        driving_log.read(raw)


def test_zero_bytes_reject_only_their_own_line() -> None:
    log = driving_log.read(f"{ROW}\n".encode() + b"\0" * 40)
    assert len(log.rows) == 1
    assert [(rejection.line, rejection.reason) for rejection in log.rejections] == [
        (2, "zero bytes")
    ]


def test_a_log_that_was_saved_as_utf_16_is_read() -> None:
    assert len(driving_log.read(f"{ROW}\r\n".encode("utf-16")).rows) == 1


def test_side_cameras_without_any_image_are_left_out() -> None:
    log = driving_log.read(f"{ROW}\n".encode())
    only_centre = driving_log.without_missing_sides(log, {"center_1.jpg"})
    assert only_centre.rows[0].images == ("center_1.jpg",)
    assert "centre only" in only_centre.notes[0]
    assert driving_log.without_missing_sides(log, {"center_1.jpg", "left_1.jpg"}) is log


def test_names_that_contradict_the_columns_are_noted() -> None:
    log = driving_log.read(b"left_1.jpg,center_1.jpg,right_1.jpg,0,0,0,1\n")
    assert log.rows[0].images == ("left_1.jpg", "center_1.jpg", "right_1.jpg")
    assert "the images of 1 rows are named left, center, right" in log.notes[0]
    assert driving_log.read(f"{ROW}\n".encode()).notes == []


def test_a_path_in_an_old_encoding_is_read() -> None:
    raw = "C:\\Müller\\IMG\\c.jpg,l.jpg,r.jpg,0,0,0,1".encode("latin-1")
    assert len(driving_log.read(raw).rows) == 1


@pytest.mark.parametrize(
    ("name", "time_s"),
    [
        ("center_1970_01_01_00_01_00_500.jpg", 60.5),
        ("center_2020_13_01_00_00_00_000.jpg", math.nan),
        ("center.jpg", math.nan),
    ],
)
def test_the_time_is_that_of_the_file_name(name: str, time_s: float) -> None:
    assert read_row(f"{name},0,0,0,1").time_s == pytest.approx(time_s, nan_ok=True)


@given(st.binary(max_size=300))
def test_no_bytes_raise_an_unexpected_error(raw: bytes) -> None:
    try:
        log = driving_log.read(b"c.jpg,l.jpg,r.jpg,0,0,0,1\n" + raw)
    except RecordingError:
        return
    for row in log.rows:
        assert -1 <= row.steering <= 1
        assert 0 <= row.speed_mph <= 200


@pytest.mark.parametrize(("name", "rows"), [("lake", 1544), ("lake-2", 613), ("jungle", 1200)])
def test_real_logs_are_read_completely(name: str, rows: int) -> None:
    log = driving_log.read(samples.shared("data", name, "driving_log.csv").read_bytes())
    assert (len(log.rows), log.rejections) == (rows, [])


def test_the_real_log_with_decimal_commas_equals_the_log_with_points() -> None:
    with_points = driving_log.read(samples.shared("data", "lake", "driving_log.csv").read_bytes())
    with_commas = driving_log.read(
        samples.shared("data", "lake-decimal-comma", "driving_log.csv").read_bytes()
    )
    assert len(with_commas.rows) >= 0.95 * 400
    expected = {row.line: row for row in with_points.rows}
    for row in with_commas.rows:
        assert row == expected[row.line]
