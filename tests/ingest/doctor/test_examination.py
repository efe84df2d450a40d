"""Excludes what the doctor finds, in datasets and by way of the recordings they come from."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.data import samples

from contract.dataset import exclusions, store, store_catalog
from contract.settings import load
from ingest.job import import_source
from ingest.settings import Settings

REPEATED = (41, 42, 43)
"""Lines that list the images of earlier lines, with another throttle."""


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of 40 rows, of which three are listed again with another throttle."""
    run = samples.recording(tmp_path_factory.mktemp("spoilt") / "run", rows=40)
    lines = (run / "driving_log.csv").read_text().splitlines()
    repeated = [line.replace(",0.5,", ",0.4,") for line in lines[10:13]]
    (run / "driving_log.csv").write_text("\n".join([*lines, *repeated]) + "\n")
    return run


@pytest.fixture
def data(tmp_path: Path, spoilt: Path) -> Path:
    settings = load(Settings, {"LAPWING_DATA_DIR": str(tmp_path / "data")})
    import_source(settings, spoilt, None, 0, lambda **_: None)
    return settings.data_dir


def doctor(data: Path, *words: str | Path) -> tuple[int, Any, str]:
    """Run the doctor with --json. Return its exit status, its document and its messages."""
    done = subprocess.run(
        [sys.executable, "-m", "ingest.doctor", "--json", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "LAPWING_DATA_DIR": str(data)},
    )
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def test_repeated_rows_of_a_recording_are_excluded_from_its_dataset(
    data: Path, spoilt: Path
) -> None:
    [manifest] = store_catalog.read_manifests(data)
    status, document, _ = doctor(data, "--exclude", spoilt)
    assert status == 1
    [done] = document["exclusions"]
    assert (done["dataset"], done["finding"]) == (manifest.dataset, "duplicate-rows")
    assert (done["rows"], done["version"]) == (3, 1)
    state = exclusions.read(data, manifest.dataset)
    assert state.reasons == [(((41, 43),), "doctor: duplicate-rows")]
    with store.open_store(data, manifest) as reader:
        excluded = reader.rows["line"][state.mask(reader.rows["line"])]
    assert sorted(excluded) == [*REPEATED]


def test_datasets_are_examined_without_their_recordings(data: Path) -> None:
    [manifest] = store_catalog.read_manifests(data)
    torn = store_catalog.paths(data, "torn-12345678")[1]
    torn.write_text("{")
    status, document, _ = doctor(data, "--exclude")
    assert status == 1
    assert [one["name"] for one in document["recordings"]] == [manifest.dataset]
    faults = {one["name"]: one["recording"] for one in document["findings"]}
    assert faults["damaged-dataset"] == torn.stem
    assert faults["duplicate-rows"] == manifest.dataset
    assert exclusions.read(data, manifest.dataset).lines == ((41, 43),)


def test_without_the_option_nothing_is_excluded(data: Path, spoilt: Path) -> None:
    [manifest] = store_catalog.read_manifests(data)
    for words in ((), (spoilt,)):
        assert doctor(data, *words)[1]["exclusions"] == []
    assert exclusions.read(data, manifest.dataset).version == 0


def test_rows_of_a_recording_that_is_not_imported_cannot_be_excluded(
    tmp_path: Path, spoilt: Path
) -> None:
    status, _, message = doctor(tmp_path / "empty", "--exclude", spoilt)
    assert status == 2
    assert "rows of run cannot be excluded: got a recording that is not imported" in message


def test_a_cure_says_what_is_cured_and_what_is_left(data: Path, spoilt: Path) -> None:
    [manifest] = store_catalog.read_manifests(data)
    for dataset in (manifest.dataset, "torn-12345678"):
        store_catalog.paths(data, dataset)[1].write_text("{")
    _, document, _ = doctor(data, "--cure", spoilt)
    assert document["cured"] == [manifest.dataset]
    left = [one for one in document["findings"] if one["name"] == "damaged-dataset"]
    assert [one["recording"] for one in left] == ["torn-12345678"]
    assert "lapwing doctor --cure RECORDING" in left[0]["cure"]


def test_without_datasets_there_is_nothing_to_examine(tmp_path: Path) -> None:
    status, _, message = doctor(tmp_path)
    assert status == 2
    assert "there is nothing to examine: got no dataset in" in message
