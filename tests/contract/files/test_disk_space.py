import errno
import os
import re
from pathlib import Path

import pytest
from support.services import small_disks

from contract.errors import DiskFullError, StoreError
from contract.files import disk_space


def test_too_little_space_is_told_before_anything_is_written(tmp_path: Path) -> None:
    free = disk_space.free_bytes(tmp_path)
    with (
        pytest.raises(DiskFullError) as caught,
        disk_space.writing(tmp_path / "not" / "there", "the import of lake", 2 * free),
    ):
        pytest.fail("it has begun")
    found = re.fullmatch(
        r"the disk is full: the import of lake needs ([\d,]+) bytes in .*/not/there: "
        r"got ([\d,]+) bytes free\. Make space on that disk, .*",
        str(caught.value),
    )
    assert found is not None
    assert int(found[1].replace(",", "")) == 2 * free


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_an_error_is_known_by_what_led_to_it(number: int) -> None:
    def raise_in_two_steps() -> None:
        try:
            raise OSError(number, os.strerror(number))
        except OSError as error:
            raise StoreError("the store could not be written") from error

    with pytest.raises(StoreError) as caught:
        raise_in_two_steps()
    assert disk_space.is_full(caught.value)
    assert disk_space.is_full(RuntimeError(f"HDF5 error: ... errno = {number}, error message"))
    assert not disk_space.is_full(OSError(errno.EIO, "Input/output error"))


@pytest.mark.parametrize("link", ["__cause__", "__context__"])
def test_what_led_to_an_error_is_found_by_either_link(link: str) -> None:
    """`raise … from` sets the one, and an error within a handler the other."""
    for last in (DiskFullError("the disk is full"), OSError(errno.ENOSPC, "no more")):
        error = StoreError("the store could not be written")
        setattr(error, link, last)
        assert disk_space.is_full(error)
        assert disk_space.is_full(last)


def test_errors_that_led_to_each_other_are_looked_at_once() -> None:
    first, second = StoreError("one"), StoreError("other")
    first.__cause__, second.__cause__ = second, first
    assert not disk_space.is_full(first)


def test_the_error_that_a_library_has_lost_is_raised_if_the_disk_is_full(tmp_path: Path) -> None:
    free = disk_space.free_bytes(tmp_path)
    with pytest.raises(OSError, match=str(tmp_path)) as caught:
        disk_space.raise_if_full(tmp_path, 2 * free)
    assert disk_space.is_full(caught.value)
    disk_space.raise_if_full(tmp_path, free // 2)


def test_what_is_known_of_a_full_disk_is_told_once(tmp_path: Path) -> None:
    """The error of what runs within says more than that of the whole."""
    inner = DiskFullError("the disk is full: the copy needs 7 bytes")
    with pytest.raises(DiskFullError) as caught, disk_space.writing(tmp_path, "the import", 1):
        raise inner
    assert caught.value is inner


def test_other_errors_stay_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(KeyError), disk_space.writing(tmp_path, "it", 1), disk_space.explain_full():
        raise KeyError
    with pytest.raises(OSError, match="broken") as caught, disk_space.explain_full(tmp_path):
        raise OSError(errno.EIO, "broken")
    assert caught.value.errno == errno.EIO


def test_the_disk_of_the_file_that_has_no_space_is_told(tmp_path: Path) -> None:
    """Otherwise that of each folder that is written to."""
    free = r"[\d,]+ bytes free for "
    folders = (tmp_path / "one", tmp_path / "two")
    named = OSError(errno.ENOSPC, "no more", str(tmp_path / "file"))
    for error, wanted in (
        (named, f"{free}{tmp_path}/file"),
        (OSError(errno.EDQUOT, "no more"), f"{free}{folders[0]}, {free}{folders[1]}"),
    ):
        with pytest.raises(DiskFullError) as caught, disk_space.explain_full(*folders):
            raise error
        assert re.fullmatch(wanted, str(caught.value.got))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="has no file system without files")
def test_a_file_system_that_counts_no_files_is_not_said_to_have_too_many() -> None:
    """Btrfs tells no number of files, and neither does the one of processes."""
    assert os.statvfs("/proc").f_files == 0
    with pytest.raises(DiskFullError) as caught, disk_space.explain_full(Path("/proc")):
        raise OSError(errno.ENOSPC, "no more")
    assert caught.value.got == "0 bytes free for /proc"


FULL = """
import sys
from pathlib import Path
from contract.errors import DiskFullError
from contract.files import disk_space
from support.services import small_disks
folder = Path(sys.argv[1])
try:
    with disk_space.writing(folder, "the copy", 100_000):
        small_disks.fill(folder, 8192)
        (folder / "copy").write_bytes(bytes(100_000))
except DiskFullError as error:
    print(error.what, error.got, sep="|")
small_disks.fill(folder)
disk_space.require(folder, "nothing", 0)
disk_space.raise_if_full(folder, 0)
try:
    with disk_space.explain_full():
        (folder / "more").write_bytes(b"x")
        raise SystemExit("it was written")
except DiskFullError as error:
    print(error.what, error.got, sep="|")
"""


def test_a_disk_that_other_programs_fill_meanwhile_is_told_with_both_figures(
    tmp_path: Path,
) -> None:
    (tmp_path / "disk").mkdir()
    first, second = small_disks.run_python(FULL, tmp_path / "disk", "1m").stdout.splitlines()
    what, got = first.split("|")
    assert what == f"the disk is full: the copy needs 100,000 bytes in {tmp_path / 'disk'}"
    assert re.fullmatch(r"\d,?\d* bytes free", got)
    assert second.startswith("the disk is full: a file could not be written|")


MANY_FILES = """
import sys
from itertools import count
from pathlib import Path
from contract.errors import DiskFullError
from contract.files import disk_space
folder = Path(sys.argv[1])
try:
    with disk_space.explain_full():
        for number in count():
            (folder / str(number)).touch()
except DiskFullError as error:
    print(number, error.got, sep="|")
(folder / "0").unlink()
try:
    disk_space.require(folder, "the copy", 1 << 40)
except DiskFullError as error:
    print(error.got)
"""


def test_a_disk_that_can_hold_no_more_files_is_told_from_one_without_space(tmp_path: Path) -> None:
    """Its table has ten places, of which the folder itself takes one."""
    (tmp_path / "disk").mkdir()
    disk = "1m,nr_inodes=10"
    full, one_left = small_disks.run_python(MANY_FILES, tmp_path / "disk", disk).stdout.splitlines()
    assert re.fullmatch(r"9\|[\d,]+ bytes free, and no more files are possible for .*", full)
    assert re.fullmatch(r"[\d,]+ bytes free", one_left)
