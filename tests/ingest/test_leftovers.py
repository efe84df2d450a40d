import hashlib
import subprocess
import sys
import time
from pathlib import Path

import pytest
from redis import Redis
from support.data import samples
from support.services import worker_processes
from support.services.worker_processes import await_end
from support.waiting import await_true

from contract.dataset import dataset_labels, exclusions, store_catalog
from contract.files import atomic_files, inbox, locks
from contract.jobs import queue
from contract.settings import load
from ingest import leftovers
from ingest.job import import_source
from ingest.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(Settings, {"LAPWING_DATA_DIR": str(tmp_path / "data")})


def files(settings: Settings) -> list[str]:
    """List everything on the data volume but the stores and the one lock that stays."""
    return sorted(
        str(path.relative_to(settings.data_dir))
        for path in settings.data_dir.rglob("*")
        if path.is_file() and path != dataset_labels.lock(settings.data_dir)
    )


def test_an_import_leaves_a_dataset_and_its_report(settings: Settings, tmp_path: Path) -> None:
    run = samples.recording(tmp_path / "run", rows=5)
    (result,) = import_source(settings, run, None, 0.0, lambda **_: None)
    name = result["dataset"]
    assert files(settings) == [
        f"reports/{name}.json",
        f"stores/{name}.h5",
        f"stores/{name}.ids",
        f"stores/{name}.json",
    ]


WRITING = """
import sys
from pathlib import Path
from contract.settings import load
from ingest.job import import_source
from ingest.settings import Settings
def stop(rows_done=0, **_):
    if rows_done == 5:
        print("decoding", flush=True)
        sys.stdin.readline()
settings = load(Settings, {"LAPWING_DATA_DIR": sys.argv[1]})
import_source(settings, Path(sys.argv[2]), None, 0.0, stop)
"""


@pytest.mark.parametrize("killed", [False, True])
def test_what_a_killed_import_left_is_removed_and_what_a_living_one_writes_is_not(
    settings: Settings, tmp_path: Path, redis: Redis, killed: bool
) -> None:
    run = samples.recording(tmp_path / "run", rows=10)
    command = [sys.executable, "-c", WRITING, str(settings.data_dir), str(run)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as writer:  # type: ignore[call-overload]
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"decoding\n"
        written = files(settings)
        assert any(".tmp/" in path for path in written)
        assert any(path.endswith(".lock") for path in written)
        if killed:
            writer.kill()
            writer.wait()
        leftovers.sweep(settings, redis)
        assert files(settings) == ([] if killed else written)
        writer.communicate(None if killed else b"\n")
    assert len(store_catalog.read_manifests(settings.data_dir)) == (0 if killed else 1)


def test_a_store_whose_manifest_was_not_written_any_more_is_removed(settings: Settings) -> None:
    """A kill between two renames leaves it; nobody ever sees it, and it takes gigabytes."""
    stores = store_catalog.folder(settings.data_dir)
    stores.mkdir(parents=True)
    for name in ("orphan.h5", "orphan.ids", "whole.h5", "whole.ids", "whole.json"):
        (stores / name).touch()
    exclusions.exclude(settings.data_dir, "orphan", [(1, 2)], "what people wrote is kept")
    leftovers.remove_orphans(settings.data_dir, time.time())
    assert (stores / "orphan.h5").exists()  # it may just be copied here, its manifest last
    leftovers.remove_orphans(settings.data_dir, time.time() + 2 * leftovers.ORPHAN_S)
    assert sorted(path.name for path in stores.glob("[!.]*")) == [
        "orphan.exclusions.json",
        "whole.h5",
        "whole.ids",
        "whole.json",
    ]


def test_a_worker_sweeps_when_it_starts_and_after_each_job(
    settings: Settings, tmp_path: Path, redis: Redis, redis_socket: Path
) -> None:
    """Also what a job left that was cancelled while it waited, which runs nowhere."""
    data_dir = settings.data_dir
    leftover = data_dir / "unpacked" / "0123"
    leftover.mkdir(parents=True)
    (leftover / "big.jpg").touch()
    with worker_processes.working(
        "ingest", redis, redis_socket, {"LAPWING_DATA_DIR": str(data_dir)}
    ):
        await_true(lambda: not leftover.exists())
        copies = []
        for name in ("first", "second"):
            copy = samples.recording(data_dir / inbox.RECORDINGS / name / "run", rows=2 + len(name))
            copies.append(copy)
        atomic_files.temporary_path(data_dir / "dagger.json").touch()
        log = (copies[0] / "driving_log.csv").read_bytes()
        with locks.lock(data_dir / "stores" / f".{hashlib.sha256(log).hexdigest()[:16]}.lock"):
            jobs = [
                queue.enqueue(queue.INGEST, redis, "x", {"source": str(copy), "staged": True})
                for copy in copies
            ]
            await_true(lambda: queue.view(jobs[0], redis).status == "started")
            queue.cancel(jobs[1], redis)
            assert copies[1].exists()
        assert await_end(jobs[0], redis).status == "finished"
        await_true(lambda: not copies[1].parent.exists())
        await_true(lambda: atomic_files.temporary_paths(data_dir) == [])
        assert not copies[0].parent.exists()
