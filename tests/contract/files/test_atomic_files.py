import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from contract.files import atomic_files


def test_a_temporary_path_is_hidden_and_keeps_the_suffix(tmp_path: Path) -> None:
    path = atomic_files.temporary_path(tmp_path / "model.h5")
    assert path.parent == tmp_path
    assert path.name.startswith(".model.")
    assert path.suffix == ".h5"


def test_leftovers_of_killed_writers_are_found_by_their_stem(tmp_path: Path) -> None:
    leftover = atomic_files.temporary_path(tmp_path / "lake-1234.h5")
    leftover.touch()
    atomic_files.temporary_path(tmp_path / "jungle.h5").touch()
    (tmp_path / "lake-1234.h5").touch()
    assert atomic_files.temporary_paths(tmp_path, "lake-1234") == [leftover]


def test_a_document_replaces_the_old_one_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    atomic_files.write_json(tmp_path / "a.json", {"n": 1})
    atomic_files.write_json(tmp_path / "a.json", {"n": 2})
    assert (tmp_path / "a.json").read_text() == '{\n  "n": 2\n}\n'
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_equal_documents_are_equal_files(tmp_path: Path) -> None:
    for name, document in (("a.json", {"x": 1, "n": 2}), ("b.json", {"n": 2, "x": 1})):
        atomic_files.write_json(tmp_path / name, document)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_a_document_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    atomic_files.write_json(tmp_path / "a.json", 1)
    with pytest.raises(TypeError):
        atomic_files.write_json(tmp_path / "a.json", object())
    assert (tmp_path / "a.json").read_text() == "1\n"


def test_a_folder_that_another_process_writes_is_no_leftover(tmp_path: Path) -> None:
    """Two evaluations of one version, or two reports into one folder, do not harm each other."""
    code = f"""
from pathlib import Path
from contract.files import atomic_files
with atomic_files.replace_folder(Path({str(tmp_path / "folder")!r})) as folder:
    print("written", flush=True)
    input()
    (folder / "theirs.txt").touch()
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as other:  # type: ignore[call-overload]
        assert other.stdout is not None
        assert other.stdout.readline() == b"written\n"
        with atomic_files.replace_folder(tmp_path / "folder") as folder:
            (folder / "mine.txt").touch()
        assert [path.name for path in (tmp_path / "folder").iterdir()] == ["mine.txt"]
        other.communicate(b"\n")
    assert other.returncode == 0
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["theirs.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_folder_replaces_the_old_one_completely(tmp_path: Path) -> None:
    for number in (1, 2):
        with atomic_files.replace_folder(tmp_path / "folder") as folder:
            (folder / f"{number}.txt").touch()
            (folder / "subfolder").mkdir()
    assert sorted(path.name for path in (tmp_path / "folder").iterdir()) == ["2.txt", "subfolder"]
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    with atomic_files.replace_folder(tmp_path / "new" / "too" / "folder") as folder:
        (folder / "1.txt").touch()
    assert [path.name for path in (tmp_path / "new" / "too").rglob("*")] == ["folder", "1.txt"]


def test_a_folder_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    with atomic_files.replace_folder(tmp_path / "folder") as folder:
        (folder / "1.txt").touch()
    with pytest.raises(KeyError), atomic_files.replace_folder(tmp_path / "folder") as folder:
        raise KeyError
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["1.txt"]


def test_the_leftover_of_a_killed_writer_of_a_folder_is_removed(tmp_path: Path) -> None:
    atomic_files.temporary_path(tmp_path / "folder").mkdir()
    with atomic_files.replace_folder(tmp_path / "folder"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_the_name_of_a_folder_may_have_dots_and_brackets(tmp_path: Path) -> None:
    """A new lake-20x0.5 is no leftover of lake-20x0.25, and [1] is not a pattern."""
    for name in ("lake-20x0.25-seed1", "my[1]-20x1"):
        leftover = tmp_path / f".{name}.{'0' * 32}.tmp"
        leftover.mkdir()
        with atomic_files.replace_folder(tmp_path / "lake-20x0.5-seed1") as other:
            with atomic_files.replace_folder(tmp_path / name):
                assert not leftover.exists()
            assert other.is_dir()
    assert {path.name for path in tmp_path.iterdir()} == {
        "lake-20x0.25-seed1",
        "my[1]-20x1",
        "lake-20x0.5-seed1",
    }


def test_a_folder_that_cannot_be_replaced_is_there_as_it_was(tmp_path: Path) -> None:
    final = tmp_path / "folder"
    with atomic_files.replace_folder(final) as folder:
        (folder / "1.txt").touch()
    with pytest.raises(FileNotFoundError), atomic_files.replace_folder(final) as folder:
        folder.rmdir()
    # In a mount point files are renamed one by one. One of these would replace its own folder.
    new = final / ".folder.1.tmp"
    (new / new.name).mkdir(parents=True)
    with pytest.raises(OSError, match=new.name):
        atomic_files.publish_folder(new, final)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert [path.name for path in final.iterdir()] == ["1.txt"]


def test_what_a_killed_writer_left_in_a_folder_does_not_count(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / f".folder.{'0' * 32}.tmp").mkdir(parents=True)
    assert atomic_files.is_empty(folder)
    (folder / "1.txt").touch()
    assert not atomic_files.is_empty(folder)


IN_MOUNTED_FOLDERS = """
import sys
from pathlib import Path
from contract.files import atomic_files
for final in map(Path, sys.argv[1:]):
    for number in (1, 2):
        with atomic_files.replace_folder(final) as folder:
            (folder / f"{number}.txt").touch()
            (folder / "subfolder" / "deeper").mkdir(parents=True)
    try:
        with atomic_files.replace_folder(final) as folder:
            raise KeyError
    except KeyError:
        pass
    print(*sorted(path.name for path in final.iterdir()), *final.parent.glob(".*"))
"""


def test_the_content_of_a_mount_point_is_replaced(tmp_path: Path) -> None:
    """A container has such folders: it cannot rename them, and often not write beside them."""
    (tmp_path / "host").mkdir()
    points = [tmp_path / "writable" / "a mount point", tmp_path / "closed" / "mounted"]
    for point in points:
        point.mkdir(parents=True)
    mounts = " && ".join(f"mount --bind '{tmp_path}/host' '{point}'" for point in points)
    close = f"mount --bind '{points[1].parent}' '{points[1].parent}' && mount -o remount,ro,bind "
    script = f"{close} '{points[1].parent}' && {mounts} && exec \"$@\""
    own_namespace = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
    if shutil.which("unshare") is None or subprocess.run([*own_namespace, "true"]).returncode:
        pytest.skip("needs a mount namespace of its own")
    done = subprocess.run(
        [*own_namespace, sys.executable, "-c", IN_MOUNTED_FOLDERS, *map(os.fspath, points)],
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines() == ["2.txt subfolder"] * 2, done.stderr
