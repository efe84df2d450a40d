"""Locks among real processes, each of which is held at the step that matters.

A process stops where Python announces a call of the system ("fcntl.flock"), says so, and goes on
when it is told to. So every interleaving is the one that the test wants, and no time is measured.
Where the other one needs no lock, what it does is done in the same process, at the same place.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from contract.files import locks

STOPPING = """
import sys
from pathlib import Path
from contract.files import locks
def stop(event, arguments):
    if event == "fcntl.flock" and stops:
        stops.pop()
        print("about to lock", flush=True)
        sys.stdin.readline()
stops = [1] * int(sys.argv[2])
sys.addaudithook(stop)
path = Path(sys.argv[1])
"""
FOLDER = """
with locks.new_folder(path):
    (path / "content").write_text("mine")
    print(sorted(entry.name for entry in path.iterdir()), flush=True)
    sys.stdin.readline()
print("end", flush=True)
"""
FILE = """
with locks.new_file(path) as file:
    file.write(b"mine")
    file.flush()
    print(path.read_bytes(), flush=True)
    sys.stdin.readline()
print("end", flush=True)
"""
LOCK = """
with locks.lock(path, remove=True):
    print("held", path.exists(), flush=True)
    sys.stdin.readline()
print("end", flush=True)
"""


class Stepped:
    """A process that goes on line by line."""

    def __init__(self, code: str, path: Path, stops: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", STOPPING + code, str(path), str(stops)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()


@contextmanager
def stepped(code: str, path: Path, stops: int = 1) -> Iterator[Stepped]:
    running = Stepped(code, path, stops)
    with running.process:
        try:
            yield running
        finally:
            running.process.kill()


@pytest.mark.parametrize(
    ("code", "content"), [(FOLDER, "['content']"), (FILE, "b'mine'")], ids=["folder", "file"]
)
def test_what_is_removed_before_it_was_locked_is_made_again(
    tmp_path: Path, code: str, content: str
) -> None:
    path = tmp_path / "scratch"
    with stepped(code, path) as writer:
        assert writer.said() == "about to lock"
        assert locks.remove_abandoned(path)  # it cannot know better: nobody holds it
        assert not path.exists()
        writer.go_on()
        assert writer.said() == content
        assert not locks.remove_abandoned(path)
        assert path.exists()
        writer.go_on()
        assert writer.said() == "end"
    assert locks.remove_abandoned(path)


def test_of_two_that_wait_for_a_lock_that_is_removed_only_one_holds_it(tmp_path: Path) -> None:
    """Both have opened the file that the first holder removes: neither may take it for the lock."""
    path = tmp_path / "a.lock"
    with ExitStack() as stack:
        with locks.lock(path, remove=True):
            waiting = [stack.enter_context(stepped(LOCK, path, 2)) for _ in range(2)]
            for process in waiting:
                assert process.said() == "about to lock"
        assert not path.exists()
        first, second = waiting
        for _ in range(2):  # the file that is gone, and the one that it makes in its place
            first.go_on()
            assert first.said() in ("about to lock", "held True")
        second.go_on()
        assert second.said() == "about to lock"  # not the lock of the file that is gone
        second.go_on()
        with locks.try_lock(path) as held:
            assert not held
        first.go_on()
        assert first.said() == "end"
        assert second.said() == "held True"
        second.go_on()
        assert second.said() == "end"
    assert not path.exists()


def test_a_lock_is_released_when_its_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with stepped(LOCK, path) as holder:
        holder.said()
        holder.go_on()
        assert holder.said() == "held True"
        with locks.try_lock(path) as held:
            assert not held
        holder.process.kill()
        holder.process.wait()
        with locks.lock(path), locks.try_lock(path) as again:
            assert not again


def test_what_a_killed_process_held_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "scratch"
    with stepped(FOLDER, path) as writer:
        writer.said()
        writer.go_on()
        assert writer.said() == "['content']"
        writer.process.kill()
        writer.process.wait()
    assert locks.remove_abandoned(path)
    assert not path.exists()


def test_what_is_not_there_and_a_link_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    assert not locks.remove_abandoned(tmp_path / "gone")
    assert not locks.remove_abandoned(tmp_path / "link")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "there"]


def test_a_folder_that_exists_is_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(FileExistsError), locks.new_folder(tmp_path / "there"):
        pass
    with pytest.raises(FileNotFoundError), locks.new_folder(tmp_path / "no" / "parent"):
        pass


def test_a_lock_can_be_taken_again_when_it_was_released(tmp_path: Path) -> None:
    """Its file stays where it is not asked to go, with the mode of other new files."""
    path, umask = tmp_path / "made" / "too" / "a.lock", os.umask(0)
    os.umask(umask)
    with locks.lock(path):
        pass
    for _ in range(2):
        with locks.try_lock(path) as held:
            assert held
    with locks.new_file(path.with_name("file")):
        pass
    for made in (path, path.with_name("file")):
        assert made.stat().st_mode & 0o777 == 0o666 & ~umask
    with locks.lock(path, remove=True):
        path.unlink()  # somebody cleaned up
    with locks.new_folder(path):
        pass
    assert locks.remove_abandoned(path)


def test_a_path_that_cannot_be_looked_at_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError), locks.try_lock(tmp_path / "file" / "inside"):
        pass


MEANWHILE = """
import os
import sys
from pathlib import Path
from contract.files import locks
def interfere(event, arguments):
    if event in meanwhile:
        meanwhile.pop(event)()
meanwhile = {}
sys.addaudithook(interfere)
def open_files():
    return len(os.listdir("/dev/fd"))
def interrupt():
    raise KeyboardInterrupt
path, before = Path(sys.argv[1]), open_files()
def replace():
    path.unlink()
    path.touch()
for event in ("open", "fcntl.flock"):
    meanwhile[event] = path.rmdir
    with locks.new_folder(path):
        print("folder", event, path.is_dir(), open_files() - before)
    path.rmdir()
for other, action in (("removed", path.unlink), ("replaced", replace)):
    path.touch()
    meanwhile["fcntl.flock"] = action
    with locks.try_lock(path) as held:
        print("try", other, held, open_files() - before)
path.touch()
for taken in (locks.lock, locks.try_lock):
    meanwhile["fcntl.flock"] = interrupt
    try:
        with taken(path):
            print("not interrupted")
    except KeyboardInterrupt:
        print("interrupted", open_files() - before)
"""


def test_what_happens_between_opening_and_locking_leaves_no_file_open(tmp_path: Path) -> None:
    """The lock belongs to what the path names in the end, and to nobody after an interruption."""
    command = [sys.executable, "-c", MEANWHILE, str(tmp_path / "scratch")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        "folder open True 1",
        "folder fcntl.flock True 1",
        "try removed False 0",
        "try replaced False 0",
        "interrupted 0",
        "interrupted 0",
    ], done.stderr
