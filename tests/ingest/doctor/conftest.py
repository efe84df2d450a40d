from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from support.data import circuits

from ingest.doctor.recording_arrays import Drive
from ingest.doctor.runner import read


@pytest.fixture(scope="session")
def forwards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean lap of the simulator, to be copied before it is spoilt."""
    return circuits.drive(tmp_path_factory.mktemp("clean") / "forwards", 1)


@pytest.fixture(scope="session")
def backwards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same the other way round."""
    return circuits.drive(tmp_path_factory.mktemp("clean") / "backwards", -1, seed=2)


@pytest.fixture(scope="session")
def other_way(backwards: Path, tmp_path_factory: pytest.TempPathFactory) -> Sequence[Drive]:
    """That one, read once: what a spoilt lap needs beside it so as not to go one way only."""
    return read([backwards], tmp_path_factory.mktemp("scratch"))
