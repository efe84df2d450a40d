from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from support.data import circuits

from ingest.doctor.recording_arrays import RecordingArrays
from ingest.doctor.runner import read_recordings


@pytest.fixture(scope="session")
def forwards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clean lap of the simulator. Tests copy it before they put faults into it."""
    return circuits.drive(tmp_path_factory.mktemp("clean") / "forwards", 1)


@pytest.fixture(scope="session")
def backwards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clean lap in the other direction."""
    return circuits.drive(tmp_path_factory.mktemp("clean") / "backwards", -1, seed=2)


@pytest.fixture(scope="session")
def other_way(
    backwards: Path, tmp_path_factory: pytest.TempPathFactory
) -> Sequence[RecordingArrays]:
    """Return the lap backwards, read once, so that a test's recordings have both directions."""
    return read_recordings([backwards], tmp_path_factory.mktemp("scratch"))
