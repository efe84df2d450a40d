"""Archives made to do harm: nothing is written outside, nor much inside, and each says why."""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from contract.errors import RecordingError
from contract.recordings.packed.unpack import unpack

LIMITS = {"driving_log.csv": 1000, "a.jpg": 100, "b.jpg": 100}
LOG = "driving_log.csv"


def tar_member(
    name: str, content: bytes = b"log", **fields: object
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def tar(*members: tuple[tarfile.TarInfo, bytes], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as file:  # type: ignore[call-overload]
        for info, content in members:
            file.addfile(info, io.BytesIO(content))
    return out.getvalue()


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return out.getvalue()


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    return tar_member(name, b"", type=kind, linkname=target)


def unpacked(tmp_path: Path, content: bytes) -> dict[str, bytes]:
    """Unpack an archive, and return the files that were made; there must be nothing else."""
    (tmp_path / "in").mkdir(parents=True)
    (tmp_path / "in" / "packed").write_bytes(content)
    folder = tmp_path / "in" / "out"
    folder.mkdir()
    try:
        unpack(tmp_path / "in" / "packed", folder, lambda name: LIMITS.get(name, 0))
    finally:
        others = [path for path in tmp_path.rglob("*") if path.is_symlink()]
        assert not others
        assert {path.name for path in (tmp_path / "in").iterdir()} == {"packed", "out"}
        assert [path.name for path in tmp_path.iterdir() if path.name != "in"] == []
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_regular_files_of_a_recording_are_copied_and_nothing_else(
    tmp_path: Path, mode: str, form: int
) -> None:
    out = io.BytesIO()
    deep = "my data/" + "x" * 60 + "/" + "y" * 60
    with tarfile.open(fileobj=out, mode=mode, format=form) as file:  # type: ignore[call-overload]
        for info, content in (
            tar_member(f"./{deep}/{LOG}", b"1"),
            tar_member("IMG/a.jpg", b"2" * 99),
            tar_member("IMG/b.jpg", b""),
            tar_member("IMG/b.exe", b"3" * 5000),
            tar_member("dev/a.jpg", b"", type=tarfile.CHRTYPE, devmajor=1, devminor=5),
            tar_member("pipe/a.jpg", b"", type=tarfile.FIFOTYPE),
            link("soft/a.jpg", "/etc/passwd"),
            link("hard/a.jpg", "IMG/a.jpg", tarfile.LNKTYPE),
        ):
            file.addfile(info, io.BytesIO(content))
    found = unpacked(tmp_path, out.getvalue())
    assert found == {f"{deep}/{LOG}": b"1", "IMG/a.jpg": b"2" * 99, "IMG/b.jpg": b""}


def test_a_tar_of_long_links_writes_nothing_outside(tmp_path: Path) -> None:
    """CVE-2025-4517: the path of 16 long links is too long for the check of tarfile's filters."""
    folder, members, path = "d" * 247, [], ""
    for step in "abcdefghijklmnop":
        members.append(tar_member(path + folder, b"", type=tarfile.DIRTYPE, mode=0o755))
        members.append(link(path + step, folder))
        path += folder + "/"
    long = "/".join("abcdefghijklmnop") + "/" + "l" * 254
    members.append(link(long, "../" * 16))
    members.append(link("escape", f"{long}/../.."))
    members.append(tar_member(f"escape/{LOG}", b"owned"))
    assert unpacked(tmp_path, tar(*members)) == {f"escape/{LOG}": b"owned"}


@pytest.mark.parametrize("name", ["../a.jpg", "/tmp/a.jpg", "x/../../a.jpg", "C:/a.jpg"])
@pytest.mark.parametrize(
    "pack", [lambda name: tar(tar_member(name)), lambda name: zipped({name: b""})]
)
def test_a_name_that_leads_out_is_refused(
    tmp_path: Path, name: str, pack: Callable[[str], bytes]
) -> None:
    with pytest.raises(RecordingError, match=f"whose name leads out of it: got {name}"):
        unpacked(tmp_path, pack(name))


def test_a_zip_of_windows_may_have_backslashes(tmp_path: Path) -> None:
    content = zipped({"run/IMG/a.jpg": b"1"}).replace(b"run/IMG/", b"run\\IMG\\")
    assert unpacked(tmp_path, content) == {"run/IMG/a.jpg": b"1"}
    with pytest.raises(RecordingError, match="leads out of it"):
        unpacked(tmp_path / "2", zipped({"../IMG/a.jpg": b""}).replace(b"/", b"\\"))


def test_a_link_in_a_zip_is_left_out(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        info = zipfile.ZipInfo("a.jpg")
        info.external_attr = 0o120777 << 16
        file.writestr(info, "/etc/passwd")
    assert unpacked(tmp_path, out.getvalue()) == {}


def encrypted() -> bytes:
    content = bytearray(zipped({"a.jpg": b"1"}))
    for start, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(start) + offset] |= 1
    return bytes(content)


def negative() -> bytes:
    """Return a tar of one member of -1024 bytes, which leads back to itself for ever."""
    info = tarfile.TarInfo("x.jpg")
    info.size = 1
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[124:136] = b"\xff" * 10 + (0x10000 - 1024).to_bytes(2, "big")
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    return bytes(block) + bytes(10240)


def long_name(kind: bytes, content: bytes) -> bytes:
    info = tarfile.TarInfo("long")
    info.type, info.size = kind, len(content)
    padding = bytes(-len(content) % 512)
    return info.tobuf() + content + padding + tar(tar_member("a.jpg"))


def xz_of_1_gib() -> bytes:
    """Return an xz that says that it needs 1 GiB of memory, after the xz file format 1.2, 5.3.1."""
    content = bytearray(lzma.compress(tar(tar_member("a.jpg"))))
    size = (content[12] + 1) * 4
    content[content.index(b"\x21\1", 12) + 2] = 36
    struct.pack_into("<I", content, 12 + size - 4, zlib.crc32(content[12 : 12 + size - 4]))
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (encrypted(), "the zip has a password: got a.jpg"),
        (
            zipped({"a.jpg": b"1"}, zipfile.ZIP_BZIP2),
            "compression that is not read: got a.jpg with",
        ),
        (zipped({"a.jpg": b"1"}, zipfile.ZIP_LZMA), "compression that is not read: got a.jpg with"),
        (b"PK\3\4", "cannot be unpacked: got File is not a zip file"),
        (b"Rar!\x1a\7", "neither a folder nor a zip nor a tar: got .*packed, a rar"),
        (b"7z\xbc\xaf\x27\x1c", "nor a tar: got .*packed, a 7z"),
        (negative(), "a header in the tar is damaged or forged: got a size below zero"),
        (long_name(b"L", b"x" * (1 << 20)), "forged: got more than 65,536 bytes"),
        (long_name(b"x", b"x" * (1 << 20)), "forged: got more than 65,536 bytes"),
        (long_name(b"x", b"1" * 2000), "forged: got a number of more than 64 digits"),
        (long_name(b"L", b"")[:512] * 2000, "forged: got more than 65,536 bytes"),
        (tar(tar_member("a.jpg"), tar_member("a.jpg")), "two files of one name"),
        (tar(tar_member("a.jpg"), tar_member("a.jpg/b.jpg")), "two files of one name"),
        (tar(tar_member("x/" * 20 + "a.jpg")), "lies in more than 16 folders"),
        (tar(tar_member("a.jpg"), tar_member("b.jpg"))[:1024], "its last block is missing"),
        (tar(tar_member("a.jpg"))[:515], "cannot be unpacked: got unexpected end of data"),
        (tar(tar_member("a.jpg"))[:1024] + b"x" * 512, "its last block is missing"),
        (gzip.compress(tar(tar_member("a.jpg")))[:-9], "end-of-stream|cannot be unpacked"),
        (bz2.compress(tar(tar_member("a.jpg")))[:-9], "cannot be unpacked"),
        (lzma.compress(tar(tar_member("a.jpg")))[:-9], "cannot be unpacked"),
        (
            xz_of_1_gib(),
            "cannot be unpacked: got Memory usage limit",
        ),
    ],
    ids=itertools.count(),
)
def test_a_bad_archive_says_what_is_wrong(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(RecordingError, match=message) as caught:
        unpacked(tmp_path, content)
    assert "\n" not in str(caught.value)


def test_a_zip_with_a_long_list_of_members_is_refused_before_it_is_read(tmp_path: Path) -> None:
    size = (64 << 20) + 1
    with (tmp_path / "packed").open("wb") as file:
        file.write(b"PK\3\4")
        file.seek(size + 100)  # the disk does not hold the zeros between
        file.write(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, size, 0, 0))
    (tmp_path / "out").mkdir()
    with pytest.raises(RecordingError, match="too many files: got a list of them of 67,108,865"):
        unpack(tmp_path / "packed", tmp_path / "out", lambda name: 100)


def test_two_files_of_one_name_in_a_zip_are_refused(tmp_path: Path) -> None:
    content = zipped({"a.jpg": b"1", "b.jpg": b"2"}).replace(b"b.jpg", b"a.jpg")
    with pytest.raises(RecordingError, match="two files of one name, or of names that are one"):
        unpacked(tmp_path, content)


def test_names_that_differ_by_case_are_two_files_where_the_disk_has_two(tmp_path: Path) -> None:
    found = unpacked(tmp_path, zipped({"IMG/a.jpg": b"1", "img/a.jpg": b"2"}))
    assert found == {"IMG/a.jpg": b"1", "img/a.jpg": b"2"}


@pytest.mark.parametrize("pack", ["zip", "tar"])
def test_a_file_above_its_limit_becomes_one_that_is_refused_for_its_size(
    tmp_path: Path, pack: str
) -> None:
    big = b"x" * 5000
    content = zipped({LOG: big, "a.jpg": b"1"})
    if pack == "tar":
        content = tar(tar_member(LOG, big), tar_member("a.jpg", b"1"))
    found = unpacked(tmp_path, content)
    assert found == {LOG: bytes(1001), "a.jpg": b"1"}


@pytest.fixture
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have 64 KiB where an archive of any size may have 256 MiB."""
    monkeypatch.setattr("contract.recordings.packed.budget.FREE_BYTES", 1 << 16)


@pytest.mark.usefixtures("small_bounds")
@pytest.mark.parametrize("junk", ["a.jpg", "junk.bin"])
@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_tar_that_gets_a_thousand_times_larger_is_refused(
    tmp_path: Path, mode: str, junk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not copied counts too: it takes time to pass over."""
    monkeypatch.setitem(LIMITS, "a.jpg", 10 << 20)
    content = tar(tar_member(junk, bytes(2_000_000)), mode=mode)
    with pytest.raises(RecordingError, match="the archive unpacks to more than"):
        unpacked(tmp_path, content)


@pytest.mark.usefixtures("small_bounds")
def test_of_a_zip_that_gets_a_thousand_times_larger_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LIMITS, "a.jpg", 10 << 20)
    content = zipped({LOG: b"log", "a.jpg": bytes(2_000_000)})
    with pytest.raises(RecordingError, match="the archive unpacks to more than"):
        unpacked(tmp_path, content)
    assert list((tmp_path / "in" / "out").iterdir()) == []


def test_a_zip_that_lies_about_a_size_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.jpg": b"x" * 90}))
    for start, offset in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        struct.pack_into("<I", content, content.index(start) + offset, 10)
    with pytest.raises(RecordingError, match="cannot be unpacked: got Bad CRC-32"):
        unpacked(tmp_path, bytes(content))


def test_a_zip_of_the_newer_form_is_read(tmp_path: Path) -> None:
    """Programs that write to a pipe make every zip as if it had 4 GiB (zip64)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file, file.open("a.jpg", "w", force_zip64=True) as member:
        member.write(b"1")
    assert unpacked(tmp_path, out.getvalue()) == {"a.jpg": b"1"}


def test_several_compressed_streams_are_one_tar(tmp_path: Path) -> None:
    """pigz, pbzip2 and pixz write a stream for each part."""
    content = tar(tar_member("a.jpg", b"1"))
    for number, compress in enumerate((gzip.compress, bz2.compress, lzma.compress)):
        parts = compress(content[:700]) + compress(content[700:])
        assert unpacked(tmp_path / str(number), parts) == {"a.jpg": b"1"}


def test_half_of_the_free_disk_is_the_bound_of_large_archives(tmp_path: Path) -> None:
    (tmp_path / "packed").write_bytes(tar(tar_member("a.jpg", b"1" * 100)))
    (tmp_path / "out").mkdir()
    with pytest.raises(
        RecordingError, match=r"half of the free space on the disk, 2,000 bytes.*Make"
    ):
        unpack(tmp_path / "packed", tmp_path / "out", lambda name: 100, free_bytes=2000)
