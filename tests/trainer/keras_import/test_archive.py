"""A .keras file is read as data that may be forged: nothing is unpacked, and sizes are bounded."""

import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.data import model_files

from contract.errors import ModelError
from trainer.keras_import import reader

TEXTS = ("metadata.json", "config.json")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return model_files.write_keras(tmp_path / "m.keras", model_files.driver(3), 3)


def _rewritten(path: Path, changes: dict[str, bytes | None], method: int = 0) -> None:
    """Write the archive again with other contents; None leaves a member out."""
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in {**members, **changes}.items():
            if content is not None:
                archive.writestr(name, content)


def _cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-400])


def _flipped(path: Path) -> None:
    """Flip one bit in the middle of a kernel, which HDF5 does not notice."""
    content = bytearray(path.read_bytes())
    kernel = model_files.driver(3)[-2][2][0].tobytes()
    content[content.index(kernel) + 100] ^= 1
    path.write_bytes(content)


def _flipped_text(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[content.index(b"Sequential")] ^= 1
    path.write_bytes(content)


def _twice(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("config.json", "{}")


def _encrypted(path: Path) -> None:
    content = bytearray(path.read_bytes())
    start = content.index(b"PK\x01\x02")
    while start >= 0:
        content[start + 8] |= 1
        start = content.find(b"PK\x01\x02", start + 4)
    path.write_bytes(content)


def _many_members(path: Path) -> None:
    _rewritten(path, {f"assets/{number}": b"" for number in range(300)})


def _zip64(path: Path) -> None:
    content = path.read_bytes()
    end = content.rindex(b"PK\x05\x06")
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, 0, 1)
    path.write_bytes(content[:end] + locator + content[end:])


def _wrong_start(path: Path) -> None:
    """Let the directory say that the weights begin elsewhere."""
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 42 : entry + 46] = (7).to_bytes(4, "little")
    path.write_bytes(content)


def _longer_than_the_file(path: Path) -> None:
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 20 : entry + 28] = (1 << 30).to_bytes(4, "little") * 2
    path.write_bytes(content)


def _bomb(path: Path) -> None:
    """Let 64 kB inflate to 64 MiB, where the directory declares 1 kB."""
    _rewritten(path, {"config.json": b" " * (64 << 20)}, zipfile.ZIP_DEFLATED)
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\x01\x02")
    while content[entry + 46 : entry + 57] != b"config.json":
        entry = content.index(b"PK\x01\x02", entry + 4)
    content[entry + 24 : entry + 28] = (1024).to_bytes(4, "little")
    path.write_bytes(content)


FAULTS: dict[Callable[[Path], None], str] = {
    _cut_off: r"m\.keras is a damaged zip archive: .*Download it again",
    _flipped: r"m\.keras is refused: model\.weights\.h5 is damaged",
    _flipped_text: r"m\.keras is refused: config\.json is damaged",
    _twice: r"m\.keras is a damaged zip archive: got two members of one name",
    _encrypted: r"m\.keras is refused: .* is encrypted",
    _many_members: r"m\.keras is refused: it is not an archive as Keras writes it: got 303 members",
    _zip64: r"m\.keras is refused: it is not an archive as Keras writes it",
    _wrong_start: r"m\.keras is refused: the header of model\.weights\.h5 is damaged",
    _longer_than_the_file: r"m\.keras is refused: model\.weights\.h5 is cut off",
    _bomb: r"m\.keras is refused: config\.json is damaged",
    lambda path: _rewritten(path, {"config.json": b" " * (5 << 20)}): "config.json is too large",
    lambda path: _rewritten(path, {"config.json": b"\xff"}): "config.json is not text",
    lambda path: _rewritten(path, {}, zipfile.ZIP_BZIP2): "compressed",
    lambda path: _rewritten(path, {}, zipfile.ZIP_DEFLATED): (
        r"model\.weights\.h5 is compressed, .*Unpack the archive, and import the folder"
    ),
    lambda path: _rewritten(path, {"model.weights.h5": None}): r"holds no model\.weights\.h5",
    lambda path: _rewritten(path, {"config.json": None}): "a zip file without a model of Keras",
    lambda path: _rewritten(path, {"metadata.json": None}): r"it holds no metadata\.json",
    lambda path: _rewritten(path, {"model.weights.h5": b"no HDF5"}): "cannot be read as HDF5",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_forged_or_damaged_archive_is_refused(path: Path, fault: Callable[[Path], None]) -> None:
    assert reader.read(path).network.layers
    fault(path)
    with pytest.raises(ModelError, match=FAULTS[fault]):
        reader.read(path)


def test_a_bomb_is_not_inflated(path: Path) -> None:
    _bomb(path)
    tracemalloc.start()
    try:
        with pytest.raises(ModelError, match=r"config\.json is damaged"):
            reader.read(path)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


def test_texts_may_be_compressed(path: Path) -> None:
    """Keras does not compress them, but it would not notice."""
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            method = zipfile.ZIP_DEFLATED if name in TEXTS else zipfile.ZIP_STORED
            archive.writestr(name, content, method)
    assert reader.read(path).keras == "3.5.0"
