from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from lapwing.output import log_files
from lapwing.output.log_files import LogFile, LogFollower


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Yield a stack that closes what a test opens."""
    with ExitStack() as stack:
        yield stack


def test_a_log_that_has_grown_begins_anew_and_the_oldest_part_goes(
    tmp_path: Path, stack: ExitStack
) -> None:
    log = stack.enter_context(closing(LogFile(tmp_path / "one.log", max_bytes=100)))
    for number in range(100):
        assert log.write(f"line {number:03}\n") == ""
    log.close()
    files = sorted(tmp_path.iterdir())
    assert [path.name for path in files] == ["one.log", "one.log.1", "one.log.2"]
    assert all(path.stat().st_size <= 100 for path in files)
    kept = [line for path in reversed(files) for line in path.read_text().splitlines()]
    assert kept == [f"line {number:03}" for number in range(100 - len(kept), 100)]
    assert len(kept) > 20


def test_a_large_log_of_an_earlier_release_is_turned_too(tmp_path: Path, stack: ExitStack) -> None:
    (tmp_path / "one.log").write_bytes(b"x" * 500)
    log = stack.enter_context(closing(LogFile(tmp_path / "one.log", max_bytes=100)))
    for _ in range(2):
        log.write("a line\n")
    assert (tmp_path / "one.log").read_text() == "a line\n"


def test_a_full_disk_costs_lines_and_is_told_once(tmp_path: Path, stack: ExitStack) -> None:
    (tmp_path / "one.log").symlink_to("/dev/full")  # the kernel's own full disk
    log = stack.enter_context(closing(LogFile(tmp_path / "one.log")))
    told = [log.write(f"line {number}\n") for number in range(1000)]
    assert told == ["its log is not written: No space left on device"] + [""] * 999
    (tmp_path / "one.log").unlink()
    assert log.write("there is space\n") == (
        "its log is written again; 1,000 lines are missing in it"
    )
    assert log.write("more\n") == ""
    assert (tmp_path / "one.log").read_text().splitlines() == [
        "",
        "[lapwing] its log is written again; 1,000 lines are missing in it",
        "there is space",
        "more",
    ]


def test_the_last_lines_are_found_in_older_files_too(tmp_path: Path, stack: ExitStack) -> None:
    log = stack.enter_context(closing(LogFile(tmp_path / "one.log", max_bytes=30)))
    for number in range(9):
        log.write(f"line {number}\n")
    assert len((tmp_path / "one.log").read_text().splitlines()) < 5
    assert log_files.last_lines(tmp_path / "one.log", 5) == [f"line {n}" for n in range(4, 9)]


@pytest.mark.parametrize("lines_between", [1, 3, 5])
def test_a_reader_misses_no_line_when_a_new_file_begins(
    tmp_path: Path, stack: ExitStack, lines_between: int
) -> None:
    log = stack.enter_context(closing(LogFile(tmp_path / "one.log", max_bytes=30)))
    log.write("before\n")
    reader = LogFollower(tmp_path / "one.log", skip=True)
    read = []
    for first in range(0, 20 * lines_between, lines_between):
        for number in range(first, first + lines_between):
            log.write(f"line {number}\n")
        read += list(reader.new_lines())
    assert read == [f"line {number}" for number in range(20 * lines_between)]


def test_a_reader_waits_for_the_end_of_a_line(tmp_path: Path) -> None:
    (tmp_path / "one.log").write_text("whole\nha")
    reader = LogFollower(tmp_path / "one.log", skip=False)
    assert list(reader.new_lines()) == ["whole"]
    with (tmp_path / "one.log").open("a") as file:
        file.write("lf\n")
    assert list(reader.new_lines()) == ["half"]
