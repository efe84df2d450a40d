import errno
import io
import os
import socket
from pathlib import Path

import pytest

from contract.files import regular_files


def test_a_file_is_read_up_to_a_size(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert regular_files.read(tmp_path / "a", 5) == b"12345"
    with pytest.raises(OSError, match="5 bytes, and at most 4") as caught:
        regular_files.read(tmp_path / "a", 4)
    assert caught.value.errno == errno.EFBIG


def test_a_file_that_comes_in_parts_is_read_to_its_end(tmp_path: Path) -> None:
    content = bytes(range(200))
    for each in (1, 7, 199, 200):
        file = io.BytesIO(content)
        assert (
            regular_files.read_fully(lambda n, f=file, e=each: f.read(min(n, e)), 150)
            == (content[:150])
        )
        assert file.tell() == 150
    shortened = io.BytesIO(content[:90])  # cut off after its size was read
    assert regular_files.read_fully(shortened.read, 150) == content[:90]


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero"), tmp_path / "s"):
            with pytest.raises(OSError, match=r"it is not a regular|No such device"):
                regular_files.read(path, 10)


def test_a_link_is_followed_only_if_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with pytest.raises(OSError, match="symbolic links") as caught:
        regular_files.read(tmp_path / "link", 10)
    assert caught.value.errno == errno.ELOOP
    os.close(regular_files.open_descriptor(tmp_path / "link", follow=True))


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    """A service that refuses a thousand files would otherwise open no more."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a").write_bytes(b"12345")
    before = sorted(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the numbers alone
    assert regular_files.read(tmp_path / "a", 5) == b"12345"
    for path in (tmp_path / "a", tmp_path / "pipe", tmp_path):
        with pytest.raises(OSError, match=r"at most 4|not a regular"):
            regular_files.read(path, 4)
    assert sorted(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
