"""The job that records simulated laps: its steps on a short road, and the whole job in a soak."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from redis import Redis
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from support.data.roads import straight

from contract.dataset import store_catalog
from contract.errors import SettingError
from contract.jobs import queue as jobs
from contract.recordings import reserved_names
from evaluator.jobs import cleanup
from evaluator.jobs.record import plan_lap, record
from ingest.job import import_source
from ingest.settings import Settings as IngestSettings
from simulator.track.catalog import load_track

ROAD = straight(40.0)
SHORT = dataclasses.replace(plan_lap(1), recoveries=1)


@pytest.fixture
def volumes(tmp_path: Path, redis: Redis) -> Iterator[Path]:
    """Point jobs to the volumes of the test, and return the data volume."""
    environ = dict(os.environ)
    os.environ |= {
        "LAPWING_DATA_DIR": str(tmp_path / "data"),
        "LAPWING_MODEL_DIR": str(tmp_path / "models"),
    }
    yield tmp_path / "data"
    os.environ.clear()
    os.environ |= environ


def silent(**fields: object) -> None:
    """Ignore the progress."""


def log(folder: Path) -> list[list[str]]:
    with (folder / "driving_log.csv").open(newline="") as file:
        return [[Path(row[0]).name, *row[3:]] for row in csv.reader(file)]


def test_laps_differ_in_track_look_and_way_round() -> None:
    plans = [plan_lap(number) for number in range(1, 7)]
    assert [plan.direction for plan in plans] == [1, -1, 1, -1, 1, -1]
    assert len({plan.seed for plan in plans}) == 6
    lengths = {round(load_track(f"random:{plan.seed}").length_m, 3) for plan in plans}
    assert len(lengths) == 6


def test_a_lap_is_recorded_alike_each_time_and_replaces_what_a_kill_left(tmp_path: Path) -> None:
    reports: list[dict[str, object]] = []
    folder = tmp_path / "simulated-lap-1"
    rows = record(ROAD, SHORT, folder, lambda **fields: reports.append(fields))
    first = log(folder)
    (folder / "left").touch()
    assert record(ROAD, SHORT, folder, silent) == rows == len(first)
    assert log(folder) == first
    assert not (folder / "left").exists()
    assert [each["rows_done"] for each in reports] == list(range(1, rows + 1))
    assert reports[-1]["rows_total"] == pytest.approx(rows, abs=2)
    scene = json.loads((folder / "scene.json").read_text())
    assert scene["seed"] == SHORT.seed


def test_ingest_imports_it_under_its_reserved_name(tmp_path: Path) -> None:
    name = reserved_names.simulated_recording(1)
    rows = record(ROAD, SHORT, tmp_path / name, silent)
    settings = IngestSettings(data_dir=tmp_path / "data")
    [imported] = import_source(settings, tmp_path / name, name, 0.0, silent)
    assert reserved_names.is_simulated_dataset(imported["dataset"])
    assert (imported["rows"], imported["frames"]) == (rows, 3 * rows)


@pytest.mark.parametrize("number", [0, -1, 1001, "1", True, 1.0], ids=repr)
def test_what_is_no_number_of_a_lap_is_refused(number: object) -> None:
    with pytest.raises(SettingError, match="no number of a simulated lap"):
        plan_lap(number)  # type: ignore[arg-type]


def test_a_stopped_job_leaves_nothing_in_the_inbox(volumes: Path) -> None:
    part = volumes / "inbox" / "record-1" / ".simulated-lap-1.0123.tmp" / "IMG"
    other = volumes / "inbox" / "record-2" / "simulated-lap-2"
    for folder in (part, other):
        folder.mkdir(parents=True)
        (folder / "center.jpg").touch()
    for job_id in ("record-1", "record-3"):  # nothing was recorded by the last
        cleanup.discard(SimpleNamespace(id=job_id))  # type: ignore[arg-type]
    assert [path.name for path in (volumes / "inbox").iterdir()] == ["record-2"]
    assert (other / "center.jpg").exists()


def test_a_stopped_job_is_cleaned_up_by_its_own_service() -> None:
    function = jobs.JOB_TYPES[jobs.RECORD].on_stopped
    assert function == f"{cleanup.discard.__module__}.{cleanup.discard.__name__}"


@pytest.mark.soak
def test_the_job_records_a_lap_and_its_import_follows(redis: Redis, volumes: Path) -> None:
    job = jobs.enqueue(jobs.RECORD, redis, "simulated-lap-2", {"number": 2})
    for name in (jobs.EVALUATION, jobs.INGEST):
        queue = jobs.queue(name, redis)
        SimpleWorker([queue], connection=redis, serializer=JSONSerializer).work(burst=True)
    result = jobs.view(job, redis).result
    assert result is not None, jobs.view(job, redis).error
    imported = jobs.view(result["ingest"], redis).result
    assert imported is not None
    [dataset] = [each["dataset"] for each in imported["imports"]]
    assert reserved_names.is_simulated_dataset(dataset)
    [manifest] = store_catalog.read_manifests(volumes)
    assert manifest.rows == result["recorded"]["rows"] > 1000
    assert not list((volumes / "inbox").iterdir())
