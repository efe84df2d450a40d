"""A disk becomes full while a recording is imported: on a real file system, at many points.

The import reports its progress, and at the wanted row something else takes the rest of the disk.
After each failure everything that was on the disk is as before, and the import then succeeds.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from redis import Redis
from rq.job import Job
from rq.serializers import JSONSerializer
from support.data import samples
from support.services import small_disks, worker_processes

from contract.jobs import queue

IMPORTS: Final = """
import hashlib, json, re, sys
from pathlib import Path
from contract.dataset import dataset_files, store, store_catalog
from contract.errors import DiskFullError
from contract.files import disk_space
from contract.settings import load
from ingest.job import import_source
from ingest.settings import Settings
from support.services import small_disks

folder, first, second = map(Path, sys.argv[1:4])
count = int(sys.argv[4])
settings = load(Settings, {"LAPWING_DATA_DIR": str(folder)})

def run(source, progress=lambda **_: None):
    return import_source(settings, source, None, 0.0, progress)[0]

def content():
    files = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "reports"]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

def used():
    return -disk_space.free_bytes(folder)

class Filling:
    def __init__(self, rows_done, leave_bytes):
        self.rows_done, self.leave_bytes, self.used_at_verify = rows_done, leave_bytes, 0
    def __call__(self, phase="", rows_done=0, **_):
        if phase == "verify":
            self.used_at_verify = used()
        if (phase == "verify" and self.rows_done is None) or 0 < rows_done == self.rows_done:
            small_disks.fill(folder, self.leave_bytes)

kept = run(first)
measured = Filling(-1, 0)
result = run(second, measured)
for_the_end = used() - measured.used_at_verify
rows = result["rows"]
dataset_files.remove(folder, result["dataset"])
before, failed = content(), []
# A third of the points is in the last pages that an import writes: the table, the identities, the
# manifest. The others are among the frames.
last = count // 3
points = [(None, for_the_end - 4096 * (number + 1)) for number in range(last)]
points += [(1 + rows * n // (count - last), 4096 * (n % 3)) for n in range(count - last)]
for point in points:
    filling = Filling(*point)
    try:
        run(second, filling)
    except DiskFullError as error:
        found = re.fullmatch(
            r"the disk is full: the import of second needs ([\\d,]+) bytes in .*: "
            r"got ([\\d,]+) bytes free. .*", str(error))
        assert found, error
        needed, free = (int(text.replace(",", "")) for text in found.groups())
        assert needed > free, error
        failed.append([point, type(error.__cause__).__name__])
    else:
        raise SystemExit(f"{point}: the import succeeded, {disk_space.free_bytes(folder)} left")
    (folder / ".ballast").unlink()
    assert content() == before, (point, set(content()) ^ set(before))
    with store.open_store(folder, store_catalog.read_manifests(folder)[0]) as reader:
        reader.verify()
assert run(second)["rows"] == rows
assert run(first)["skipped"]
print(json.dumps(failed))
"""


def fail_at_points(tmp_path: Path, rows: int, size: str, count: int) -> list[Any]:
    (tmp_path / "disk").mkdir()
    sources = [
        str(samples.recording(tmp_path / name, rows=rows // part))
        for name, part in (("first", 5), ("second", 1))
    ]
    done = small_disks.run_python(
        IMPORTS, tmp_path / "disk", size, *sources, str(count), timeout_s=1200
    )
    failed: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return failed


def test_a_full_disk_fails_the_import_and_harms_nothing(tmp_path: Path) -> None:
    assert len(fail_at_points(tmp_path, 50, "16m", 6)) == 6


@pytest.mark.soak
def test_promise_4_a_store_of_256_mb_that_is_full_at_20_points(
    tmp_path: Path, print_figures: Callable[[str], None]
) -> None:
    began = time.monotonic()
    failed = fail_at_points(tmp_path, 1200, "256m", 20)
    assert len(failed) == 20
    kinds = sorted({kind for _, kind in failed})
    seconds = time.monotonic() - began
    print_figures(
        f"P4: 20 of 20 imports failed with the bytes needed and free ({', '.join(kinds)} inside), "
        f"0 files changed, in {seconds:.0f} s"
    )


@pytest.mark.parametrize(
    ("size", "says"),
    [
        ("1m", r"the import of run needs [\d,]+ bytes in .*/disk: got [\d,]+ bytes free"),
        ("64m,nr_inodes=2", r"a file could not be written: got [\d,]+ bytes free"),
    ],
    ids=["bytes", "files"],
)
def test_a_job_says_so_and_is_not_run_again(
    redis: Redis, redis_socket: Path, tmp_path: Path, size: str, says: str
) -> None:
    (tmp_path / "disk").mkdir()
    run = samples.recording(tmp_path / "run", rows=20)
    with worker_processes.working(
        "ingest",
        redis,
        redis_socket,
        {"LAPWING_DATA_DIR": str(tmp_path / "disk")},
        lambda command: small_disks.on_small_disk(tmp_path / "disk", size, command),
    ):
        job = queue.enqueue(queue.INGEST, redis, "x", {"source": str(run)})
        view = worker_processes.await_end(job, redis)
    assert view.status == "failed"
    assert re.match(rf"contract\.errors\.DiskFullError: the disk is full: {says}", view.error)
    assert len(Job.fetch(job, redis, serializer=JSONSerializer).results()) == 1
