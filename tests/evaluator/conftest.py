"""Fixtures of all tests of the evaluator: drives and recordings that are made once."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.data import samples
from support.data.candidates import Driven

from ingest.job import import_source
from ingest.settings import Settings


@pytest.fixture(scope="session")
def driven(tmp_path_factory: pytest.TempPathFactory, networks: Path) -> Driven:
    return Driven(tmp_path_factory.mktemp("driven"), networks)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data volume with 4 s from three cameras and 17 s from one camera."""
    folder = tmp_path_factory.mktemp("data")
    settings = Settings(data_dir=folder / "data")
    for name, rows, cameras, seed in (
        ("short", 60, ("center", "left", "right"), 1),
        ("long", 252, ("center",), 0),
    ):
        source = samples.recording(folder / name, rows, cameras, seed)
        import_source(settings, source, None, 0.0, lambda **_: None)
    return folder / "data"
