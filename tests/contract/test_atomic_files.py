import subprocess
import sys
import time
from pathlib import Path

import pytest

from contract import atomic_files


def test_a_temporary_is_hidden_and_keeps_the_suffix(tmp_path: Path) -> None:
    path = atomic_files.temporary_path(tmp_path / "model.h5")
    assert path.parent == tmp_path
    assert path.name.startswith(".model.")
    assert path.suffix == ".h5"


def test_what_killed_writers_left_is_found_by_its_stem(tmp_path: Path) -> None:
    left = atomic_files.temporary_path(tmp_path / "lake-1234.h5")
    left.touch()
    atomic_files.temporary_path(tmp_path / "jungle.h5").touch()
    (tmp_path / "lake-1234.h5").touch()
    assert atomic_files.temporary_paths(tmp_path, "lake-1234") == [left]


def test_a_document_replaces_the_one_before_and_leaves_no_trace(tmp_path: Path) -> None:
    atomic_files.write_json(tmp_path / "a.json", {"n": 1})
    atomic_files.write_json(tmp_path / "a.json", {"n": 2})
    assert (tmp_path / "a.json").read_text() == '{\n  "n": 2\n}\n'
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_document_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    atomic_files.write_json(tmp_path / "a.json", 1)
    with pytest.raises(TypeError):
        atomic_files.write_json(tmp_path / "a.json", object())
    assert (tmp_path / "a.json").read_text() == "1\n"


def test_a_lock_is_let_go_when_its_holder_is_killed(tmp_path: Path) -> None:
    code = f"""
import time
from pathlib import Path
from contract import atomic_files
with atomic_files.lock(Path({str(tmp_path / "lock")!r})):
    print("held", flush=True)
    time.sleep(60)
"""
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    with holder.stdout:
        assert holder.stdout.readline() == b"held\n"
        holder.kill()
        holder.wait()
    began = time.monotonic()
    with atomic_files.lock(tmp_path / "lock"):
        assert time.monotonic() - began < 5


def test_a_folder_replaces_the_one_before_whole(tmp_path: Path) -> None:
    for number in (1, 2):
        with atomic_files.replace_folder(tmp_path / "made") as folder:
            (folder / f"{number}.txt").touch()
            (folder / "within").mkdir()
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["2.txt", "within"]
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_folder_that_fails_leaves_the_one_before(tmp_path: Path) -> None:
    with atomic_files.replace_folder(tmp_path / "made") as folder:
        (folder / "1.txt").touch()
    with pytest.raises(KeyError), atomic_files.replace_folder(tmp_path / "made") as folder:
        raise KeyError
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["1.txt"]


def test_what_a_killed_maker_of_a_folder_left_is_removed(tmp_path: Path) -> None:
    atomic_files.temporary_path(tmp_path / "made").mkdir()
    with atomic_files.replace_folder(tmp_path / "made"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_folder_s_name_may_have_dots_and_marks(tmp_path: Path) -> None:
    """What is being made of lake-20x0.5 is no leftover of lake-20x0.25, nor is [1] a choice."""
    for name in ("lake-20x0.25-seed1", "my[1]-20x1"):
        left = tmp_path / f".{name}.{'0' * 32}.tmp"
        left.mkdir()
        with atomic_files.replace_folder(tmp_path / "lake-20x0.5-seed1") as other:
            with atomic_files.replace_folder(tmp_path / name):
                assert not left.exists()
            assert other.is_dir()
    assert {path.name for path in tmp_path.iterdir()} == {
        "lake-20x0.25-seed1",
        "my[1]-20x1",
        "lake-20x0.5-seed1",
    }
