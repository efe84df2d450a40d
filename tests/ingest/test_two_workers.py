"""Several workers of ingest share one volume, as `docker compose up --scale ingest=3` runs them.

`working` runs the real program, and `hasty_worker` a worker whose times are short, so that the job
of a killed one is taken up within seconds.
"""

import os
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from redis import Redis
from support.data import samples
from support.services import running
from support.services.hasty_workers import await_running, fetch, hasty_worker
from support.services.worker_processes import await_end, working
from support.storage import object_stores
from support.storage.object_stores import TestStore
from support.storage.recordings import variants
from support.waiting import await_true

from contract.dataset import store, store_catalog
from contract.jobs import queue
from contract.storage import stores


def enqueue(redis: Redis, source: Path, name: str) -> str:
    arguments: dict[str, Any] = {"source": str(source), "name": name}
    return queue.enqueue(queue.INGEST, redis, name, arguments)


def verify_all(data: Path) -> list[str]:
    """Compare every store with its checksums, and return the names of their recordings."""
    manifests = store_catalog.read_stores(data)
    assert manifests.unreadable == {}
    for manifest in manifests.manifests:
        store.verify_store(data, manifest, {})
    return sorted(str(manifest.source["name"]) for manifest in manifests.manifests)


def test_two_workers_import_several_recordings_and_none_twice(
    tmp_path: Path, redis: Redis, redis_socket: Path
) -> None:
    data = tmp_path / "data"
    sources = variants(tmp_path, count=4, rows=30)
    with ExitStack() as stack:
        for _ in range(2):
            variables = {"LAPWING_DATA_DIR": str(data)}
            stack.enter_context(working("ingest", redis, redis_socket, variables))
        jobs = [enqueue(redis, source, source.name) for source in sources]
        jobs += [enqueue(redis, sources[0], name) for name in ("again", "once-more")]
        ended = [await_end(job, redis) for job in jobs]
    assert [(job.status, job.error) for job in ended] == [("finished", "")] * len(jobs)
    results = [outcome for job in ended for outcome in (job.result or {})["imports"]]
    assert len(verify_all(data)) == len(sources)
    assert [result["skipped"] for result in results].count(False) == len(sources)
    same = {results[number]["dataset"] for number in (0, 4, 5)}
    assert len(same) == 1, "three names of one recording are one dataset"
    left = [path.name for path in (data / "stores").iterdir() if path.name.startswith(".")]
    assert left == [".annotations.lock"]


def test_the_job_of_a_killed_worker_is_taken_up_by_the_other(
    tmp_path: Path, redis: Redis, redis_socket: Path
) -> None:
    data = tmp_path / "data"
    sources = variants(tmp_path, count=3, rows=60)
    with ExitStack() as stack:
        workers = [stack.enter_context(hasty_worker(redis, redis_socket, data)) for _ in range(1)]
        jobs = [enqueue(redis, source, source.name) for source in sources]
        victim = workers[0]
        horse = await_running(jobs[0], redis)
        os.kill(horse, signal.SIGSTOP)  # so that it cannot end before its worker is killed
        with hasty_worker(redis, redis_socket, data):
            os.kill(victim.pid, signal.SIGKILL)
            os.kill(horse, signal.SIGCONT)
            victim.process.wait()
            ended = [await_end(job, redis) for job in jobs]
        stack.pop_all()  # the victim cannot end in order any more
    assert [(job.status, job.error) for job in ended] == [("finished", "")] * len(jobs)
    assert verify_all(data) == [source.name for source in sources]
    await_true(lambda: not running.of_job(jobs[0]))


def test_workers_of_two_machines_share_an_object_store(
    tmp_path: Path, redis: Redis, redis_socket: Path, object_store: TestStore
) -> None:
    sources = variants(tmp_path, count=3, rows=30)
    volumes = [tmp_path / "here", tmp_path / "there"]
    with ExitStack() as stack:
        for data in volumes:
            variables = {**object_store.environ, "LAPWING_DATA_DIR": str(data)}
            stack.enter_context(working("ingest", redis, redis_socket, variables))
        jobs = [enqueue(redis, source, source.name) for source in sources]
        jobs += [enqueue(redis, sources[0], name) for name in ("again", "once-more")]
        ended = [await_end(job, redis) for job in jobs]
    assert [(job.status, job.error) for job in ended] == [("finished", "")] * len(jobs)
    for data in volumes:
        stores.pull(data, object_store.environ)
        manifests = store_catalog.read_manifests(data)
        assert len(manifests) == len(sources)
        for manifest in manifests:
            store.verify_store(data, manifest, object_store.environ)
    assert len([key for key in object_store.object_keys() if key.startswith("recordings/")]) == 3


def test_a_job_is_run_again_when_the_object_store_is_back(
    tmp_path: Path, redis: Redis, redis_socket: Path
) -> None:
    shared = object_stores.in_folder(tmp_path / "shared")
    source = samples.recording(tmp_path / "run", rows=12)
    variables = {
        **shared.environ,
        "LAPWING_STORAGE_TIMEOUT_S": "1",
        "LAPWING_DATA_DIR": str(tmp_path / "data"),
    }
    (tmp_path / "shared").rename(tmp_path / "away")
    with working("ingest", redis, redis_socket, variables):
        job = enqueue(redis, source, "run")
        await_true(lambda: (fetch(job, redis).retries_left or 0) < 10)
        (tmp_path / "away").rename(tmp_path / "shared")
        assert await_end(job, redis).status == "finished"
    assert [key.partition("/")[0] for key in shared.object_keys()] == [
        "data",
        "data",
        "recordings",
        "stores",
    ]
