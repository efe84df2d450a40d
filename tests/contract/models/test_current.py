import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.data import samples
from support.data.versions import publish_one

from contract import atomic_files
from contract.errors import ModelError
from contract.models import journal
from contract.models.registry import H5, Registry


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path)


@pytest.mark.parametrize("target", ["versions/newest", "versions"])
def test_a_link_to_no_version_is_refused(registry: Registry, target: str) -> None:
    (registry.root / "current").symlink_to(target)
    with pytest.raises(ModelError, match="cannot be read as a link to a version"):
        registry.current()


def test_a_file_in_the_place_of_the_link_is_refused(registry: Registry) -> None:
    (registry.root / "current").touch()
    with pytest.raises(ModelError, match="cannot be read as a link to a version"):
        registry.current()


def test_what_was_intended_for_a_version_that_never_came_is_forgotten(registry: Registry) -> None:
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


# Ends this process at the n-th call that changes a disk, as a kill would, before or after it.
KILLED = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from support.data import versions as here
from contract.models import promotion
registry, when, at = here.Registry(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
made = here.publish_one(registry, "zero")
count = 0
def dying(call):
    def instead(*given, **named):
        global count
        count += 1
        if count == at and when == "before":
            os._exit(9)
        try:
            return call(*given, **named)
        finally:
            if count == at:
                os._exit(9)
    return instead
staged = here.staged(registry.root, "one")
for name in ("replace", "link", "symlink", "unlink", "fsync"):
    setattr(os, name, dying(getattr(os, name)))
registry.publish(staged, here.manifest("one"))
promotion.decide(registry, 2, 1, "gate-2", "better", {"n": 1}, accepted=True)
"""


def killed(root: Path, when: str, at: int) -> bool:
    """Publish a second version and have the gate promote it; tell whether that was cut off."""
    root.mkdir()
    tests = str(samples.TESTS)
    words = [sys.executable, "-c", KILLED, str(root), when, str(at), tests]
    status = subprocess.run(words, check=False, timeout=60).returncode
    assert status in (0, 9)
    return status == 9


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_at_any_step_leaves_one_current_version(tmp_path: Path, when: str) -> None:
    """And whoever looks next finds either nothing done, or all of it."""
    at, promoted = 0, 0
    while killed(root := tmp_path / str(at := at + 1), when, at):
        registry = Registry(root)
        assert registry.current() in (1, 2)  # at once, as inference looks
        registry.published_by("one")  # the next writer ends what was begun
        current = registry.current()
        assert current in (1, 2)
        assert registry.verify(current).version == current
        assert atomic_files.sha256(root / H5) == registry.manifest(current).sha256
        accepted = [each.version for each in registry.decisions()]
        assert accepted == ([1] if current == 1 else [1, 2])
        assert not [
            path for path in root.iterdir() if path.name.startswith((".cur", ".jou", ".sw"))
        ]
        promoted += current == 2
    assert at > 15  # as many steps were tried
    assert 0 < promoted < at - 1


def test_the_intent_is_readable_to_whoever_looks(registry: Registry) -> None:
    decision = journal.decide(1, journal.FORCED, "wanted", None)
    registry.current_version.record_intent(decision)
    document = json.loads((registry.root / ".switching.json").read_text())
    assert journal.Decision(**document) == decision
