"""Cuts the power while files and folders are published: what is visible is whole.

support/power explains how, and names the source of the method.
"""

import json
import platform
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.power.power_cuts import Record

WRITE = """
from contract.files import atomic_files
for number in (1, 2):
    atomic_files.write_json(root / "notes.json", {"number": number, "text": "x" * 2000})
    acknowledge(str(number))
"""


def check_notes(disk: Path, acknowledged: Sequence[str]) -> None:
    path = disk / "notes.json"
    if path.exists() or acknowledged:
        document = json.loads(path.read_text())
        assert document["text"] == "x" * 2000
        assert document["number"] >= int([0, *acknowledged][-1])


def test_a_file_is_the_old_one_or_the_new_one(record_program: Record) -> None:
    recording = record_program(WRITE)
    count, violation = recording.find_violation(check_notes)
    assert violation is None
    assert count > 10
    assert len(recording.syncs) == 4  # the file and the folder, twice
    assert recording.unneeded_syncs(check_notes) == []


@pytest.mark.parametrize(
    ("steps", "wrong"),
    [
        ("write(); rename(); flush_folder()", "JSONDecodeError"),
        ("write(); flush_file(); rename()", "FileNotFoundError"),
        ("write(); rename(); flush_file(); flush_folder()", "JSONDecodeError"),
        ("write(); flush_file(); flush_folder(); rename()", "FileNotFoundError"),
        ("write(); flush_file(); rename(); flush_folder()", None),
    ],
)
def test_every_step_of_a_publication_and_their_order_matter(
    record_program: Record, steps: str, wrong: str | None
) -> None:
    """Programs that lack a step, or take them in another order, are told apart."""
    program = f"""
import json
from contract.files import atomic_files
part, final = root / "part", root / "notes.json"
def write():
    part.write_text(json.dumps({{"number": 1, "text": "x" * 2000}}))
def flush_file():
    atomic_files.fsync(part if part.exists() else final)
def rename():
    part.rename(final)
def flush_folder():
    atomic_files.fsync(root)
{steps}
acknowledge("1")
"""
    _, violation = record_program(program).find_violation(check_notes)
    assert (violation is None) == (wrong is None)
    assert wrong is None or wrong in str(violation)


REPLACE_FOLDER = """
from contract.files import atomic_files
for number in (1, 2):
    with atomic_files.replace_folder(root / "versions" / "3" / "evaluation") as folder:
        for part in (1, 2):
            (folder / f"{number}-{part}.json").write_text(str(number) * 600)
        (folder / "drives").mkdir()
        (folder / "drives" / "1.json").write_text(str(number) * 600)
    acknowledge(str(number))
"""


def check_folder(disk: Path, acknowledged: Sequence[str]) -> None:
    folder = disk / "versions" / "3" / "evaluation"
    if folder.exists() or "2" in acknowledged:
        files = {
            str(path.relative_to(folder)): path.read_text()
            for path in folder.rglob("*")
            if path.is_file()
        }
        number = files["drives/1.json"][0]
        names = {f"{number}-1.json", f"{number}-2.json", "drives/1.json"}
        assert files == dict.fromkeys(names, number * 600)
        assert int(number) >= int([0, *acknowledged][-1])


def test_a_folder_is_the_old_one_or_the_new_one_or_not_there(record_program: Record) -> None:
    """Between two renames there is none: then the job that makes it is run again."""
    recording = record_program(REPLACE_FOLDER)
    count, violation = recording.find_violation(check_folder)
    assert violation is None
    assert count > 100
    # The parent is flushed by the second publication anyway; the first one had to as well.
    assert recording.unneeded_syncs(check_folder_after_one) == []


def check_folder_after_one(disk: Path, acknowledged: Sequence[str]) -> None:
    check_folder(disk, acknowledged)
    if acknowledged == ("1",):
        left = list((disk / "versions" / "3").rglob("drives/1.json"))
        assert left, "neither the old folder nor the new one is there"


INTO_MOUNT_POINT = """
from contract.files import atomic_files
out = root / "out"
atomic_files.make_folder(out)
new = out / ".out.1.tmp"
new.mkdir()
for name in ("a.json", "b.json"):
    (new / name).write_text(name * 200)
atomic_files.publish_folder(new, out)
acknowledge("out")
"""


def check_mount_point(disk: Path, acknowledged: Sequence[str]) -> None:
    for name in ("a.json", "b.json"):
        path = disk / "out" / name
        if path.exists() or acknowledged:
            assert path.read_text() == name * 200


def test_files_that_are_put_into_a_mount_point_are_whole(record_program: Record) -> None:
    recording = record_program(INTO_MOUNT_POINT)
    assert recording.find_violation(check_mount_point)[1] is None


MAKE_FOLDER = """
from contract.files import atomic_files
atomic_files.make_folder(root / "a" / "b" / "c")
acknowledge("c")
"""


def check_made_folder(disk: Path, acknowledged: Sequence[str]) -> None:
    assert (disk / "a" / "b" / "c").is_dir() or not acknowledged


def test_a_folder_that_was_made_stays_with_those_above_it(record_program: Record) -> None:
    recording = record_program(MAKE_FOLDER)
    assert recording.find_violation(check_made_folder)[1] is None
    assert len(recording.syncs) == 3
    assert recording.unneeded_syncs(check_made_folder) == []


WRITE_CALL = 1 if platform.machine() == "x86_64" else 64
"""Number of the system call `write` of this machine."""
OTHER_CALLS = """
import mmap, os, shutil
import numpy as np
(root / "a").write_bytes(bytes(range(256)) * 40)
shutil.copyfile(root / "a", root / "b")
os.link(root / "b", root / "c")
os.symlink("c", root / "d")
file = os.open(root / "d", os.O_RDWR)
os.ftruncate(file, 5000)
os.pwrite(file, b"pwrite", 7000)
os.pwritev(file, [b"one", b"two"], 8000)
copy = os.dup(file)
os.lseek(copy, 10, os.SEEK_SET)
os.writev(copy, [b"three", b"four"])
try:
    mmap.mmap(file, 100)
except OSError:
    os.write(copy, b"no map")
os.mkdir(root / "e")
here = os.open(root / "e", os.O_RDONLY)
os.rename("a", "f", src_dir_fd=os.open(root, os.O_RDONLY), dst_dir_fd=here)
os.chdir(root / "e")
with open("g", "w") as stream:
    stream.write("relative")
os.rename("g", "h")
os.mkdir(root / "i")
shutil.rmtree(root / "i")
os.truncate("h", 3)
np.save("j.npy", np.arange(1000))  # through a stream of the C library
"""


def test_the_recorder_sees_every_call_that_changes_a_file(record_program: Record) -> None:
    """Recording.of compares the files that the record makes with those on the disk."""
    recording = record_program(OTHER_CALLS)
    names = {call.name for call in recording.calls}
    assert names >= {"open", "write", "size", "link", "symlink", "rename", "mkdir", "unlink", "dup"}
    assert (recording.root / "b").read_bytes()[24:30] != b"no map"
    assert b"no map" in (recording.root / "b").read_bytes()


def test_a_change_that_was_not_recorded_is_noticed(record_program: Record) -> None:
    program = f"""
import ctypes
with (root / "a").open("wb") as file:
    ctypes.CDLL(None).syscall({WRITE_CALL}, file.fileno(), b"not by a function", 17)
"""
    with pytest.raises(AssertionError, match="PosixPath"):
        record_program(program)
