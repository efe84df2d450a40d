"""Cuts the power while versions are published, promoted and annotated."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from support.power.power_cuts import Record

from contract.dataset import split_file, trained_rows
from contract.models import journal, notes
from contract.models.registry import H5, Registry

PROGRAM = """
import numpy as np
from contract.dataset import split_file, trained_rows
from contract.dataset.split_file import DatasetSplit, SplitFile
from contract.dataset.trained_rows import TrainedRows
from contract.models import notes, promotion
from contract.models.registry import H5, SCHEMA, TFLITE, ModelManifest, Registry

registry = Registry(root)

def publish(number):
    staged = root / ".jobs" / f"job-{number}" / "staged"
    staged.mkdir(parents=True)
    (staged / H5).write_bytes(f"weights {number} ".encode() * 100)
    (staged / TFLITE).write_bytes(f"twin {number} ".encode() * 100)
    split_file.write(staged / split_file.FILE,
                     SplitFile(1.0, {"run-1": DatasetSplit(9, ((0, 5),), ((7, 9),))}))
    ids = np.arange(9, dtype=np.uint64)
    trained_rows.write(staged / trained_rows.FILE, TrainedRows.of(ids[:5], ids[5:7], ids[7:]))
    registry.publish(staged, ModelManifest(
        0, SCHEMA, f"job-{number}", "2026-01-02T03:04:05", {}, {}, [], {}, 1, [], {}, {}))
    acknowledge(f"version {number}")

publish(1)
acknowledge("decision 1 1")
publish(2)
promotion.decide(registry, 2, 1, "gate-2", "worse", {}, accepted=False)
acknowledge("decision 2 1")
promotion.force(registry, 2, "nevertheless")
acknowledge("decision 3 2")
notes.write(registry, 2, note="drives the bridge", pinned=True)
acknowledge("note")
"""
DECISIONS = [1, 1, 2]
"""The current version after each decision."""


def check(disk: Path, acknowledged: Sequence[str]) -> None:
    registry = Registry(disk)
    promised = [said.split() for said in acknowledged]
    versions = registry.versions()
    assert set(versions) >= {int(said[1]) for said in promised if said[0] == "version"}
    for version in versions:
        registry.verify(version)
        folder = registry.path(version)
        assert split_file.read(folder / split_file.FILE) is not None
        assert trained_rows.read(folder / trained_rows.FILE) is not None
    decided = max((int(said[1]) for said in promised if said[0] == "decision"), default=0)
    before = registry.current()
    assert before in DECISIONS[max(decided - 1, 0) : decided + 1] or (before, decided) == (None, 0)
    with registry.current_version.lock():  # it completes what the power cut interrupted
        decisions = registry.decisions()
    assert len(decisions) >= decided
    current = registry.current()
    assert (current is None) == (not decisions)
    if current is not None:
        assert current == DECISIONS[len(decisions) - 1] == journal.chain(decisions)[-1]
        assert (disk / H5).read_bytes() == (registry.path(current) / H5).read_bytes()
    assert not (disk / ".switching.json").exists()
    said = notes.read(disk)
    assert said == ({2: notes.VersionNote("drives the bridge", True)} if said else {})
    assert said or "note" not in acknowledged


def test_a_version_is_whole_and_what_was_decided_is_carried_out(record_program: Record) -> None:
    count, violation = record_program(PROGRAM).find_violation(check)
    assert violation is None
    assert count > 200


@pytest.mark.soak
def test_each_flush_of_the_registry_is_needed(record_program: Record) -> None:
    # The folder `versions` is flushed with the intent, which stands in the same folder. Until the
    # journal is written, the intent makes sure that the links `current` and model.h5 are changed.
    assert record_program(PROGRAM).unneeded_syncs(check) == [6, 10, 11, 25, 26]
