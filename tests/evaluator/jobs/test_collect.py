"""Runs the job with a real worker and queue, and its steps in this process."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from redis import Redis
from rq import SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer
from support.data import models, versions
from support.data.roads import straight

from contract.dataset import store, store_catalog
from contract.errors import SettingError
from contract.jobs import queue as jobs
from contract.models.registry import Registry
from contract.policy.answer import PolicyAnswer
from contract.settings import load
from evaluator.closed_loop import perturbations
from evaluator.closed_loop.dagger import DaggerDrive, relabel
from evaluator.jobs.collect import CollectionConfig, collect
from evaluator.offline import held_out
from ingest.job import import_source
from ingest.settings import Settings
from simulator.drivers.in_process import ModelDriver
from simulator.episode import initial_state

ROAD = straight(300.0)


class StraightOn:
    """Stands for a version that always steers a little to the right."""

    def load(self) -> Any:
        return self

    def answer_picture(self, frame: object) -> PolicyAnswer:
        return PolicyAnswer(0.02)


class InThisProcess:
    """An executor that makes one call after the other, and gives the results backwards.

    It stands for processes that end in any order.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def source(self, registry: Registry, version: int) -> StraightOn:
        return StraightOn()

    def run(
        self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]
    ) -> Iterator[tuple[int, Any]]:
        results = [function(*arguments) for arguments in calls]
        yield from reversed(list(enumerate(results)))


def collected(folder: Path, wanted: CollectionConfig, report: Any = None, track: Any = ROAD) -> Any:
    """Return what `collect` says of a recording in a folder."""
    return collect(track, wanted, StraightOn(), InThisProcess(), folder, report or silent)


def config(*words: str, **values: int) -> CollectionConfig:
    return CollectionConfig(tuple(perturbations.parse(words)), **values)


def silent(**fields: object) -> None:
    """Ignore the progress."""


def test_the_drives_share_the_rows_evenly(tmp_path: Path) -> None:
    reports: list[dict[str, object]] = []
    found = collected(
        tmp_path / "inbox" / "r1",
        config("clear", "fog", starts=2, rows=50),
        lambda **fields: reports.append(fields),
    )
    assert (found["rows"], found["drives"]) == (50, 4)
    assert [each["rows_done"] for each in reports] == [13, 26, 38, 50]
    assert found["apart_mean"] > 0


def test_drives_that_an_open_road_ends_leave_their_rows_to_the_others(tmp_path: Path) -> None:
    """The first drive goes from 0 m to the end of the road; what it lacks is shared anew."""
    road = straight(60.0)
    starts = initial_state.draw_initial_states(road, 3, 1, 0.25, ("clear",))
    alone = [
        len(relabel(road, DaggerDrive(start, 200), ModelDriver(StraightOn().answer_picture)).rows)
        for start in starts
    ]
    assert min(alone) < 60 < max(alone), alone
    shares, recorded = [], 0
    for number, most in enumerate(alone):
        shares.append(min(most, -(-(180 - recorded) // (3 - number))))
        recorded += shares[-1]
    reports: list[dict[str, Any]] = []
    collected(
        tmp_path / "r",
        config("clear", starts=3, rows=180),
        lambda **fields: reports.append(fields),
        road,
    )
    assert [each["rows_done"] for each in reports] == np.cumsum(shares).tolist()


def test_ingest_imports_it_and_separates_the_drives(tmp_path: Path) -> None:
    wanted = config("clear", "dusk", starts=2, rows=48)
    found = collected(tmp_path / "r1", wanted)
    settings = load(Settings, {"LAPWING_DATA_DIR": str(tmp_path / "data")})
    [imported] = import_source(settings, Path(found["folder"]), None, 0.0, silent)
    assert (imported["rows"], imported["frames"]) == (48, 3 * 48)
    [manifest] = store_catalog.read_manifests(settings.data_dir)
    with store.open_store(settings.data_dir, manifest) as reader:
        assert np.bincount(reader.timeline.segment).tolist() == [12, 12, 12, 12]


def test_what_lapwing_records_is_not_used_for_log_replay(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "models")
    registry.root.mkdir()
    versions.publish_one(registry, "job")
    found = collected(tmp_path / "r", config("clear", starts=1, rows=5))
    for name, count in (("dagger-v1-r1", 0), ("simulated-lap-1", 0), ("mine", 1)):
        settings = load(Settings, {"LAPWING_DATA_DIR": str(tmp_path / name)})
        import_source(settings, Path(found["folder"]), name, 0.0, silent)
        with held_out.open_held_out(settings.data_dir, registry, 1) as held:
            assert len(held) == count


def test_files_of_a_killed_run_are_replaced(tmp_path: Path) -> None:
    for _ in range(2):
        found = collected(tmp_path / "r", config("clear", starts=1, rows=5))
    assert len((tmp_path / "r" / "driving_log.csv").read_text().splitlines()) == found["rows"] == 5


@pytest.mark.parametrize("values", [{"starts": 0}, {"starts": 3, "rows": 2}, {"beta": 1}], ids=str)
def test_an_impossible_collection_is_refused(values: dict[str, int]) -> None:
    with pytest.raises(SettingError):
        config("clear", **values)


def test_the_job_leaves_a_recording_in_the_inbox(
    redis: Redis, redis_socket: Path, tmp_path: Path, networks: Path
) -> None:
    road = tmp_path / "road.csv"
    road.write_text("x,y\n0,0\n30,0\n60,0\n90,0\n120,0\n")
    models.publish(Registry(tmp_path / "models"), networks / "right", "job")
    arguments = {
        "version": 1,
        "name": "dagger-v1-r1",
        "conditions": ["fog"],
        "track": str(road),
        "starts": 2,
        "rows": 20,
    }
    job = jobs.enqueue(jobs.COLLECT, redis, "r1", arguments)
    environ = dict(os.environ)
    os.environ |= {
        "LAPWING_DATA_DIR": str(tmp_path / "data"),
        "LAPWING_MODEL_DIR": str(tmp_path / "models"),
    }
    try:
        queue = jobs.queue(jobs.EVALUATION, redis)
        SimpleWorker([queue], connection=redis, serializer=JSONSerializer).work(burst=True)
    finally:
        os.environ.clear()
        os.environ |= environ
    view = jobs.view(job, redis)
    assert view.result is not None, view.error
    collected = view.result["collected"]
    assert collected["rows"] == 20
    folder = Path(collected["folder"])
    assert folder == tmp_path / "data" / "inbox" / job / "dagger-v1-r1"
    assert len(list((folder / "IMG").iterdir())) == 60
    assert json.loads(json.dumps(collected)) == collected
    assert Job.fetch(job, redis, serializer=JSONSerializer).meta["progress"]["phase"] == "collect"


def test_an_absolute_name_from_the_queue_removes_nothing(
    redis: Redis, tmp_path: Path, networks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder of a recording is emptied before it is written."""
    precious = tmp_path / "precious" / "driving_log.csv"
    precious.parent.mkdir()
    precious.touch()
    models.publish(Registry(tmp_path / "models"), networks / "right", "job")
    monkeypatch.setenv("LAPWING_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("LAPWING_MODEL_DIR", str(tmp_path / "models"))
    arguments = {"version": 1, "name": str(precious.parent), "conditions": ["clear"]}
    job = jobs.enqueue(jobs.COLLECT, redis, "r1", arguments)
    SimpleWorker(
        [jobs.queue(jobs.EVALUATION, redis)], connection=redis, serializer=JSONSerializer
    ).work(burst=True)
    assert "a recording in the inbox needs a plain name" in jobs.view(job, redis).error
    assert precious.exists()
