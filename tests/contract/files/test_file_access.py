"""What is said of files that may not be read or written, with the modes of a real file system."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from support.services.rights import run_without_privileges

from contract.errors import FileAccessError
from contract.files import file_access

TRIES = """
import sys
from pathlib import Path
from contract.files import file_access
from contract.errors import FileAccessError
home = Path(sys.argv[1])
tries = {
    "a file": lambda: (home / "closed.txt").read_bytes(),
    "a folder": lambda: list((home / "closed").iterdir()),
    "a file in a folder": lambda: (home / "closed" / "file.txt").stat(),
    "a new folder": lambda: (home / "full" / "new").mkdir(),
    "a new file": lambda: (home / "full" / "new.txt").write_text("x"),
    "an old file": lambda: (home / "full" / "old.txt").write_text("x"),
}
for name, attempt in tries.items():
    try:
        with file_access.explain_denied():
            attempt()
    except FileAccessError as error:
        print(f"{name}: {error}; {file_access.remedy(error.__cause__, 'nothing') in str(error)}")
try:
    with file_access.explain_denied(to_write=True):
        list((home / "closed").iterdir())
except FileAccessError as error:
    print(f"a folder to write to: {error}; True")
"""


def test_a_refusal_says_whether_to_change_a_mode_or_the_user(tmp_path: Path) -> None:
    for name in ("closed", "full"):
        (tmp_path / name).mkdir()
    for path, mode in (("closed.txt", 0), ("full/old.txt", 0o444), ("closed", 0), ("full", 0o555)):
        if path.endswith(".txt"):
            (tmp_path / path).touch()
        (tmp_path / path).chmod(mode)
    said = run_without_privileges(["-c", TRIES, str(tmp_path)])
    for name in ("closed", "full"):
        (tmp_path / name).chmod(0o700)
    lines = said.stdout.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        "a file",
        "a folder",
        "a file in a folder",
        "a new folder",
        "a new file",
        "an old file",
        "a folder to write to",
    ], said.stderr
    assert all(line.endswith("; True") for line in lines)  # the remedy is the same without a block
    for line in lines[:3]:
        assert "cannot be read: got Permission denied" in line
        assert "chmod -R a+rX" in line
    for line in lines[3:]:
        assert "cannot be written: got Permission denied" in line
        assert '--user "$(id -u):$(id -g)"' in line


def test_other_errors_are_left_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), file_access.explain_denied():
        (tmp_path / "nothing").read_bytes()
    without_a_name = PermissionError(errno.EACCES, "Permission denied")
    with pytest.raises(PermissionError) as caught, file_access.explain_denied():
        raise without_a_name
    assert caught.value is without_a_name
    others: list[Exception] = [
        FileNotFoundError(errno.ENOENT, "No such file", "x"),
        without_a_name,
        ValueError("no JPEG"),
    ]
    for error in others:
        assert file_access.remedy(error, "Name a JPEG file") == "Name a JPEG file"


def test_something_else_in_the_place_of_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    attempts: list[Callable[[], object]] = [
        (tmp_path / "file" / "inside").read_bytes,
        tmp_path.read_bytes,
        (tmp_path / "file").mkdir,
        (tmp_path / ("x" * 300)).read_bytes,
    ]
    for attempt in attempts:
        told = pytest.raises(FileAccessError, match=r"cannot be used: got .*\. Something else has")
        with told, file_access.explain_denied():
            attempt()


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("lapwing", ["ingest", "--no-wait"]),
        ("ingest.doctor", []),
        ("simulator.cli.video", ["--out", "x.mp4"]),
    ],
)
@pytest.mark.parametrize("closed", ["recording", "recording/lake"])
def test_programs_say_how_to_open_a_recording(
    tmp_path: Path, redis_socket: Path, module: str, words: list[str], closed: str
) -> None:
    """Containers meet such recordings: those that only their owner may read, as of mode 0700."""
    recording = tmp_path / "recording" / "lake"
    (recording / "IMG").mkdir(parents=True)
    (recording / "driving_log.csv").touch()
    (tmp_path / closed).chmod(0)
    environ = {
        "LAPWING_REDIS_URL": f"unix://{redis_socket}",
        "LAPWING_INBOX_DIR": str(tmp_path / "inbox"),
    }
    done = run_without_privileges(["-m", module, *words, str(recording)], environ)
    (tmp_path / closed).chmod(0o700)
    assert done.returncode != 0
    (line,) = done.stderr.splitlines()
    assert "Permission denied" in line
    assert "chmod -R a+rX" in line
