import pytest

from contract.errors import RecordingError
from contract.recordings import driving_log

NUMBERS = (
    ("-0.25", "1", "0", "9.123456"),
    ("0", "0.5", "0", "30.25"),
    ("1", "0", "0.5", "1.5E-05"),
)
ROWS = [
    (*(f"C:\\run\\IMG\\{camera}{row}.jpg" for camera in "clr"), *numbers)
    for row, numbers in enumerate(NUMBERS)
]
STEERING = [-0.25, 0, 1]


def text(separator: str = ",", decimal: str = ".", begin: str = "", end: str = "") -> str:
    return "".join(
        begin + separator.join([*row[:3], *(n.replace(".", decimal) for n in row[3:])]) + end + "\n"
        for row in ROWS
    )


def steering(raw: str, encoding: str = "utf-8") -> list[float]:
    log = driving_log.read(raw.encode(encoding))
    assert log.rejections == []
    return [row.steering for row in log.rows]


@pytest.mark.parametrize("separator", [";", "\t", "|"])
@pytest.mark.parametrize("decimal", [".", ","])
def test_a_spreadsheet_may_choose_separator_and_decimal_sign(separator: str, decimal: str) -> None:
    assert steering(text(separator, decimal)) == STEERING
    notes = driving_log.read(text(separator, decimal).encode()).notes
    assert notes[0].startswith("fields separated by")
    assert ("decimal comma: numbers are written with it" in notes) == (decimal == ",")


def test_a_log_for_excel_is_read() -> None:
    assert steering("sep=;\r\n" + text(";", ",")) == STEERING
    assert steering(text("\t", ","), "utf-16") == STEERING
    assert steering(text("\t", ","), "utf-16-le") == STEERING


def test_each_line_may_end_with_a_separator() -> None:
    assert steering(text(end=",")) == STEERING
    assert steering(text(";", ",", end=";")) == STEERING
    assert steering(text(decimal=",", end=",")) == STEERING


def test_one_line_that_ends_with_a_decimal_comma_is_not_completed() -> None:
    log = driving_log.read((text(decimal=",") + "c.jpg,l.jpg,r.jpg,0,1,1,0,\n").encode())
    assert [row.line for row in log.rows] == [1, 2, 3]


def test_the_index_of_pandas_is_left_out() -> None:
    with_index = "".join(f"{n},{line}\n" for n, line in enumerate(text().splitlines()))
    assert steering(with_index) == STEERING
    names = ",center,left,right,steering,throttle,brake,speed\n"
    assert steering(names + with_index) == STEERING
    assert steering(",0,1,2,3,4,5,6\n" + with_index) == STEERING


def test_a_first_row_that_pandas_took_for_titles_is_rejected() -> None:
    """pandas 2.3 writes this for a first row of 0,0,0,1.8E-05: equal titles get a number."""
    titles = "c0.jpg,l0.jpg,r0.jpg,0,0.1,0.2,1.8E-05\n"
    log = driving_log.read((titles + text()).encode())
    assert [row.line for row in log.rows] == [2, 3, 4]
    assert "pandas" in log.rejections[0].reason


def test_a_header_in_the_middle_begins_another_form() -> None:
    second = "speed;brake;throttle;steering;center\n" + "7,5;0;0;0,125;IMG/c9.jpg\n"
    log = driving_log.read((text() + second).encode())
    assert [row.steering for row in log.rows] == [*STEERING, 0.125]
    assert log.rows[-1].speed_mph == 7.5
    assert log.notes[:3] == [
        "header line",
        "fields separated by semicolons",
        "decimal comma: numbers are written with it",
    ]


def test_a_line_with_another_separator_is_rejected_with_its_name() -> None:
    log = driving_log.read((text() + "c.jpg;l.jpg;r.jpg;-0,25;0;0;1\n").encode())
    assert [row.line for row in log.rows] == [1, 2, 3]
    (rejection,) = log.rejections
    assert rejection.reason == "not separated by commas as the other lines"
    assert rejection.got == "semicolons"


@pytest.mark.parametrize(("separator", "name"), [(" ", "spaces"), (":", "':'")])
def test_an_unknown_separator_is_named(separator: str, name: str) -> None:
    with pytest.raises(RecordingError, match=f"not known: got {name}. Save it with commas"):
        driving_log.read(text(separator).encode())


def test_a_missing_number_is_not_taken_for_an_empty_side_camera() -> None:
    log = driving_log.read((text(decimal=",") + "c.jpg,l.jpg,r.jpg,,1,0,0,3\n").encode())
    assert [row.line for row in log.rows] == [1, 2, 3]


def test_the_image_of_a_side_camera_is_not_taken_for_the_centre() -> None:
    log = driving_log.read(b",l.jpg,,0,0,0,1\nc.jpg,,,0,0,0,1\n")
    assert [row.images for row in log.rows] == [("c.jpg",)]


def test_a_last_line_without_an_end_is_noted() -> None:
    assert driving_log.read(text().encode()).notes == []
    assert "may be cut off" in driving_log.read(text().rstrip("\n").encode()).notes[0]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
        (b"<!DOCTYPE html>\n<html></html>\n", "is a web page"),
    ],
)
def test_what_stands_in_place_of_a_log_is_named(raw: bytes, message: str) -> None:
    with pytest.raises(RecordingError, match=message):
        driving_log.read(raw)
