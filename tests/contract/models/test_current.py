import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.data import samples
from support.data.versions import publish_one
from support.services import small_disks

from contract.errors import ModelError
from contract.files import atomic_files
from contract.models import journal, promotion
from contract.models.registry import H5, Registry


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path)


@pytest.mark.parametrize("target", ["versions/newest", "versions"])
def test_a_link_to_no_version_is_refused(registry: Registry, target: str) -> None:
    (registry.root / "current").symlink_to(target)
    with pytest.raises(ModelError, match="cannot be read as a link to a version"):
        registry.current()


def test_a_file_instead_of_the_link_is_refused(registry: Registry) -> None:
    (registry.root / "current").touch()
    with pytest.raises(ModelError, match="cannot be read as a link to a version"):
        registry.current()


def test_a_decision_for_a_version_that_does_not_exist_is_dropped(registry: Registry) -> None:
    publish_one(registry, "one")
    registry.current_version.record_intent(journal.decide(2, journal.FORCED, "", 1))
    atomic_files.temporary_path(registry.root / "current").symlink_to("versions/2")
    atomic_files.temporary_path(registry.root / H5).touch()
    assert registry.published_by("two") is None
    assert registry.current() == 1
    assert {path.name for path in registry.root.iterdir()} == {
        ".lock",
        "current",
        "journal.json",
        H5,
        "versions",
    }


# Ends its process before or after the n-th call that changes the disk, as a kill would.
SCRIPT = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from support.data import versions
from contract.models import promotion
registry, when, call_number = versions.Registry(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
versions.publish_one(registry, "zero")
count = 0
def exiting(call):
    def wrapper(*args, **kwargs):
        global count
        count += 1
        if count == call_number and when == "before":
            os._exit(9)
        try:
            return call(*args, **kwargs)
        finally:
            if count == call_number:
                os._exit(9)
    return wrapper
staged = versions.staged(registry.root, "one")
for name in ("replace", "link", "symlink", "unlink", "fsync"):
    setattr(os, name, exiting(getattr(os, name)))
registry.publish(staged, versions.manifest("one"))
promotion.decide(registry, 2, 1, "gate-2", "better", {"n": 1}, accepted=True)
"""


def publish_and_exit(root: Path, when: str, call_number: int) -> bool:
    """Publish a second version and promote it; return whether the process ended before that."""
    root.mkdir()
    tests = str(samples.TESTS)
    command = [sys.executable, "-c", SCRIPT, str(root), when, str(call_number), tests]
    status = subprocess.run(command, check=False, timeout=60).returncode
    assert status in (0, 9)
    return status == 9


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_at_any_step_leaves_one_current_version(tmp_path: Path, when: str) -> None:
    """The next process that reads the registry finds either all of the change or nothing of it."""
    step, promoted = 0, 0
    while publish_and_exit(root := tmp_path / str(step := step + 1), when, step):
        registry = Registry(root)
        assert registry.current() in (1, 2)  # without a lock, as inference reads it
        registry.published_by("one")  # the next writer completes the change
        current = registry.current()
        assert current in (1, 2)
        assert registry.verify(current).version == current
        assert atomic_files.sha256(root / H5) == registry.manifest(current).sha256
        accepted = [decision.version for decision in registry.decisions()]
        assert accepted == ([1] if current == 1 else [1, 2])
        assert not [
            path for path in root.iterdir() if path.name.startswith((".cur", ".jou", ".sw"))
        ]
        promoted += current == 2
    assert step > 15  # enough steps were tried
    assert 0 < promoted < step - 1


def test_whatever_is_done_to_the_copy_does_no_harm_to_the_version(registry: Registry) -> None:
    """People open <models>/model.h5, and some programs write into the file that they open."""
    published = publish_one(registry, "one")
    copy = registry.root / H5
    assert copy.read_bytes() == (registry.path(1) / H5).read_bytes()
    with copy.open("r+b") as file:
        file.write(b"scribble")
    assert registry.verify(1) == published
    promotion.force(registry, 1, "it makes a new copy")
    assert atomic_files.sha256(copy) == published.sha256


def test_a_copy_of_its_own_is_left_alone(registry: Registry) -> None:
    publish_one(registry, "one")
    before = (registry.root / H5).stat()
    with registry.current_version.lock():
        assert (registry.root / H5).stat().st_ino == before.st_ino


def test_a_copy_that_an_earlier_release_linked_to_the_version_is_made_one(
    registry: Registry,
) -> None:
    published = publish_one(registry, "one")
    copy = registry.root / H5
    copy.unlink()
    copy.hardlink_to(registry.path(1) / H5)
    registry.published_by("one")  # as any process that writes to the registry
    with copy.open("r+b") as file:
        file.write(b"scribble")
    assert registry.verify(1) == published


FULL = """
import sys
from pathlib import Path
from contract.models import promotion
from contract.models.registry import Registry
from support.data import versions
from support.services import small_disks
registry = Registry(Path(sys.argv[1]))
for name in ("one", "two"):
    versions.publish_one(registry, name)
failed, journal = 0, registry.decisions()
for pages in range(20):
    ballast = small_disks.fill(registry.root, 4096 * pages)
    try:
        promotion.force(registry, 2, "wanted")
    except OSError:
        failed += 1
        assert registry.current() in (1, 2)
        assert registry.verify(registry.current())
    else:
        assert registry.current() == 2
    ballast.unlink()
    was = registry.current()
    registry.published_by("one")  # the next process that writes, with space again
    assert registry.current() == was
    assert [decision.version for decision in registry.decisions()] == ([1] if was == 1 else [1, 2])
    if was == 2:
        break
print(failed, registry.current())
"""


def test_a_promotion_on_a_full_disk_is_done_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    done = small_disks.run_python(FULL, tmp_path / "disk", "256k")
    failed, current = map(int, done.stdout.split())
    assert failed >= 2
    assert current == 2


def test_the_recorded_intent_is_a_decision(registry: Registry) -> None:
    decision = journal.decide(1, journal.FORCED, "wanted", None)
    registry.current_version.record_intent(decision)
    document = json.loads((registry.root / ".switching.json").read_text())
    assert journal.Decision(**document) == decision
