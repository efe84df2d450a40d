import csv
import io
import random
from collections.abc import Sequence

import numpy as np
import pytest
from support.data import samples

from contract.recordings import driving_log, row_order
from contract.recordings.driving_log import Log

DAY = 24 * 3600 * 1000 // samples.ROW_MS
"""Number of rows, of ROW_MS each, in a day."""


def lines(
    first: int, count: int, folder: str = "/home/a/IMG/", speed_mph: float = 20.0
) -> list[str]:
    """Return lines of a log; line i of the drive has the steering i / 10,000 and a slow wave."""
    return [
        f"{folder}center_{samples.stamp(row)}.jpg,{(row - first) / 10_000},0.5,0,"
        f"{speed_mph + np.sin(row / 20):.5f}"
        for row in range(first, first + count)
    ]


def read(*parts: Sequence[str]) -> Log:
    text = "".join(f"{line}\n" for part in parts for line in part)
    return row_order.order_rows(driving_log.read(text.encode()))


def steering(log: Log, session: int = 0) -> list[float]:
    return [row.steering for row in log.rows if row.session == session]


def written(part: Sequence[str]) -> list[float]:
    """Return the steering in lines of a log, as Python's own reader of CSV sees it."""
    return [float(fields[1]) for fields in csv.reader(io.StringIO("\n".join(part)))]


def test_a_log_in_order_is_returned_as_it_is() -> None:
    log = driving_log.read("\n".join(lines(0, 100)).encode())
    assert row_order.order_rows(log) == log


@pytest.mark.parametrize("seed", range(3))
def test_a_shuffled_log_is_put_in_the_order_of_its_stamps(seed: int) -> None:
    drive = lines(0, 300)
    log = read(random.Random(seed).sample(drive, 300))
    assert steering(log) == written(drive)
    assert log.notes[-1] == (
        "lines out of order: the rows were put in the order of their time stamps"
    )


def test_a_log_sorted_by_its_steering_is_one_drive() -> None:
    """In a keyboard driver's log, sorting leaves one long run of zeros in the order of time."""
    drive = [
        line.replace(f",{value},", f",{value if number % 4 == 0 else 0},")
        for number, (line, value) in enumerate(
            zip(lines(0, 400), written(lines(0, 400)), strict=True)
        )
    ]
    log = read(sorted(drive, key=lambda line: float(line.split(",")[1])))
    assert steering(log) == written(drive)


def test_logs_of_several_folders_are_sessions() -> None:
    one, two = lines(2 * DAY, 40, "/home/a/IMG/"), lines(DAY, 30, "/home/b/IMG/")
    log = read(one, two)
    assert (steering(log, 0), steering(log, 1)) == (written(one), written(two))
    assert log.notes[-1] == ("2 sessions in one log: no label is averaged across their borders")


def test_shuffled_logs_of_several_folders_are_told_apart() -> None:
    one, two = lines(0, 60, "/home/a/IMG/"), lines(3, 60, "/home/b/IMG/")
    log = read(random.Random(1).sample([*one, *two], 120))
    assert sorted([steering(log, 0), steering(log, 1)]) == sorted([written(one), written(two)])


def test_drives_at_the_same_time_in_one_folder_are_not_mixed() -> None:
    """Two machines recorded at once; sorted by time, the speed would jump with every row."""
    one = lines(0, 60, speed_mph=10.0)
    two = [line.replace("_000.jpg", "_001.jpg") for line in lines(5, 60, speed_mph=25.0)]
    log = read(one, two)
    assert (steering(log, 0), steering(log, 1)) == (written(one), written(two))


def test_a_clock_that_was_set_back_does_not_mix_rows() -> None:
    before, after = lines(DAY, 50), lines(DAY - 40, 50, speed_mph=5.0)
    log = read(before, after)
    assert (steering(log, 0), steering(log, 1)) == (written(before), written(after))


def test_a_part_that_is_there_twice_counts_once() -> None:
    drive = lines(0, 100)
    log = read(drive, drive[40:80])
    assert steering(log) == written(drive)
    assert log.notes[-1] == "lines that repeat another line: 40; each row counts once"


def test_a_row_without_a_stamp_costs_itself_alone() -> None:
    drive = lines(0, 60)
    damaged = [*drive[:20], drive[20].replace(samples.stamp(20), "copy"), *drive[21:]]
    log = read(damaged)
    assert steering(log) == written([*drive[:20], *drive[21:]])
    (rejection,) = log.rejections
    assert (rejection.line, rejection.got) == (21, "center_copy.jpg")


def test_a_recording_without_stamps_joined_to_one_with_stamps_is_a_session_of_its_own() -> None:
    plain = [f"c_{row:04d}.jpg,{row / 10_000},0.5,0,9" for row in range(20)]
    drive = lines(0, 30)
    log = read(drive, plain)
    assert (steering(log, 0), steering(log, 1)) == (written(drive), written(plain))
    assert not log.rejections


def test_recordings_without_stamps_are_told_apart_by_their_folders() -> None:
    days = [
        [f"/{day}/IMG/c_{row:04d}.jpg,{row / 10_000},0.5,0,9" for row in range(20)]
        for day in ("one", "two")
    ]
    log = read(*days)
    assert [steering(log, number) for number in (0, 1)] == [written(day) for day in days]
