"""Kills a gate at every step of its decision; the drives are kept, so this is fast."""

import subprocess
import sys
from pathlib import Path

from support.data import candidates, samples
from support.data.candidates import Driven

from contract.files import atomic_files
from contract.models.registry import H5, Registry
from evaluator.jobs import gate

# Forks for each step, and ends the child at its n-th call that changes the disk, like a kill.
KILLED = """
import os, shutil, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from support.data import candidates
from evaluator.jobs import gate
template, track = Path(sys.argv[1]), Path(sys.argv[2])

def dying(call, when, at, so_far):
    def instead(*given, **named):
        so_far.append(call)
        if len(so_far) == at and when == "before":
            os._exit(9)
        try:
            return call(*given, **named)
        finally:
            if len(so_far) == at:
                os._exit(9)
    return instead

def killed(root, when, at):
    shutil.copytree(template, root, symlinks=True)
    child = os.fork()
    if not child:
        so_far = []
        for name in ("replace", "link", "symlink", "unlink", "fsync"):
            setattr(os, name, dying(getattr(os, name), when, at, so_far))
        gate.decide(candidates.settings(root, track), "gate-1", 2, lambda **fields: None)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

for when in ("before", "after"):
    at = 0
    while status := killed(template.parent / f"{when}-{(at := at + 1)}", when, at):
        assert status == 9, status
"""


def test_a_kill_at_any_step_leaves_one_current_version(tmp_path: Path, driven: Driven) -> None:
    """One of the two versions is current at each step; a repeated gate completes the decision."""
    template = Registry(tmp_path / "template" / "models")
    driven.publish(template, "left", "one")
    driven.publish(template, "straight", "two")
    tests = str(samples.TESTS)
    subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "template"), str(driven.track), tests],
        check=True,
        timeout=300,
    )
    seen = {1: 0, 2: 0}
    for when in ("before", "after"):
        steps = len(list(tmp_path.glob(f"{when}-*")))
        assert steps > 12
        for at in range(1, steps + 1):
            settings = candidates.settings(tmp_path / f"{when}-{at}", driven.track)
            registry = Registry(settings.model_dir)
            current = registry.current()  # read at once, as inference does
            assert current in (1, 2)
            assert registry.verify(current).version == current
            seen[current] += 1
            decision = gate.decide(settings, "gate-1", 2, lambda **fields: None)
            assert (decision.accepted, decision.version, decision.id) == (True, 2, "gate-1")
            assert registry.current() == 2
            assert atomic_files.sha256(registry.root / H5) == registry.manifest(2).sha256
            assert [each.version for each in registry.decisions()] == [1, 2]
            assert {path.name for path in registry.root.iterdir()} == {
                ".lock",
                "current",
                "journal.json",
                H5,
                "versions",
            }
    assert min(seen.values()) > 3  # there are kills before the switch and after it
