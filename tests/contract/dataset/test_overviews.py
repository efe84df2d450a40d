"""The overview of a dataset: it is read only while it is that of the store beside it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest
from support.data.manifests import write_manifest

from contract.dataset import overviews
from contract.dataset.overviews import DatasetOverview

NAME = "lake-12345678"
WRITTEN = {
    "dataset": NAME,
    "manifest_sha256": "",
    "rows": 5,
    "cameras": 3,
    "lines": [[1, 3], [7, 8]],
    "minutes": 0.5,
    "segments": 2,
    "laps": 1.25,
    "speed_mph": 9.5,
    "steering_mean": -0.125,
    "steering_std": 0.25,
    "steering_zero_share": 0.75,
    "pauses": 1,
    "findings": [{"check": "speed"}],
    "schema": 1,
}
"""An overview as release 0.2.0 writes it."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_manifest(tmp_path, NAME)
    return tmp_path


def overview(data: Path) -> DatasetOverview:
    manifest = (data / "stores" / f"{NAME}.json").read_bytes()
    fields = WRITTEN | {
        "manifest_sha256": hashlib.sha256(manifest).hexdigest(),
        "lines": ((1, 3), (7, 8)),
    }
    return DatasetOverview(**fields)  # type: ignore[arg-type]


def test_a_written_overview_is_read_back_and_its_document_is_that_of_the_release(
    data: Path,
) -> None:
    made = overview(data)
    overviews.write(data, made)
    assert overviews.read(data, NAME) == made
    document = json.loads((data / "overviews" / NAME / "overview.json").read_text())
    assert document == WRITTEN | {"manifest_sha256": made.manifest_sha256}


def test_pictures_stay_where_an_overview_is_written_again(data: Path) -> None:
    folder = overviews.folder(data, NAME)
    overviews.write(data, overview(data))
    (folder / overviews.STEERING).write_bytes(b"png")
    overviews.write(data, dataclasses.replace(overview(data), laps=2.0))
    assert (folder / overviews.STEERING).read_bytes() == b"png"
    again = overviews.read(data, NAME)
    assert again is not None
    assert again.laps == 2.0


def test_an_overview_of_another_store_or_release_is_not_used(data: Path) -> None:
    assert overviews.read(data, NAME) is None
    overviews.write(data, dataclasses.replace(overview(data), schema=2))
    assert overviews.read(data, NAME) is None
    overviews.write(data, overview(data))
    write_manifest(data, NAME, recording="jungle")
    assert overviews.read(data, NAME) is None
    (data / "stores" / f"{NAME}.json").unlink()
    assert overviews.read(data, NAME) is None
