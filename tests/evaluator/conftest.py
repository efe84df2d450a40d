"""Fixtures of all tests of the evaluator: drives and recordings that are made once."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from support.data import roads, samples
from support.data.candidates import Driven

from ingest.job import import_source
from ingest.settings import Settings
from simulator.drivers.expert import DrivingStyle
from simulator.recording.demonstrations import DemonstrationConfig, record_demonstration
from simulator.rendering.appearance import Appearance
from simulator.unity.number_format import LOCALES


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


@pytest.fixture(scope="session")
def asphalt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a recording of 11 s on a straight road of 8 m, 1.2 m to the left of its middle."""
    folder = tmp_path_factory.mktemp("asphalt") / "asphalt"
    track = dataclasses.replace(roads.straight(100.0), lane_m=1.2)
    config = DemonstrationConfig(mph=(20.0, 20.0), style=DrivingStyle(weave_m=0.0))
    record_demonstration(track, Appearance("clear", 1), config, folder, LOCALES["en-US"])
    return folder
