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


def test_other_errors_stay_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(KeyError), disk_space.writing(tmp_path, "it", 1), disk_space.explain_full():
        raise KeyError


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
