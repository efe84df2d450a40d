"""P4: a disk that is full, at any point of an import, fails the import and harms nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis
from support.reliability import trials
from support.reliability.containers import Containers, containers
from support.reliability.failpoints import Failpoint, compile_library
from support.reliability.imports import ROWS, Lane

from contract.jobs import queue

pytestmark = [pytest.mark.docker, pytest.mark.soak]

BECOMES_FULL = [
    *(Failpoint("open-", "/stores/.new-", number) for number in (1, 2, 3)),  # h5, ids, manifest
    *(Failpoint("write-", ".h5$", number) for number in (1, 2, 3)),
    Failpoint("close-", ".h5$"),
    *(Failpoint("rename-", "/stores/new-", number) for number in (1, 2)),
    Failpoint("write-", ".tmp.ids$"),
    *(Failpoint("write-", ".tmp.json$", number) for number in (1, 2)),  # report, manifest
]
"""The disk becomes full at these points of an import that had enough space when it began."""
LOOK = """
import json, sys
from pathlib import Path
from contract.dataset import store, store_catalog
data = Path("/data")
found = {"datasets": [], "faults": []}
for manifest in store_catalog.read_stores(data).manifests:
    with store.open_store(data, manifest) as reader:
        reader.verify()
    found["datasets"].append(manifest.source["name"])
stems = {path.stem for path in store_catalog.manifest_paths(data)}
for path in store_catalog.folder(data).iterdir():
    if path.stem not in stems and path.suffix != ".lock":
        found["faults"].append(f"{path.name} is left")
print(json.dumps(found))
"""
FILL = """
import os, sys
free, path = int(sys.argv[1]), "/data/filler"
if os.path.exists(path):
    os.unlink(path)
if free >= 0:
    disk = os.statvfs("/data")
    with open(path, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, disk.f_bavail * disk.f_frsize - free)
"""
USED = """
import pathlib
print(sum(512 * path.stat().st_blocks for path in pathlib.Path("/data").rglob("*")))
"""


class SmallDisk:
    """A data volume of 256 MB in memory, which only its container can see."""

    def __init__(self, house: Containers) -> None:
        self.house = house
        (self.container,) = house.ids("ingest")

    def run(self, program: str, *arguments: str) -> str:
        return self.house.docker("exec", self.container, "python", "-c", program, *arguments)

    def leave(self, free: int) -> None:
        """Fill the disk until this number of bytes is free; -1 empties it again."""
        self.run(FILL, str(free))

    def used(self) -> int:
        return int(self.run(USED))

    def look(self) -> dict[str, Any]:
        """Return the visible datasets, each verified, and what is left of others."""
        found: dict[str, Any] = json.loads(self.run(LOOK))
        return found


@pytest.fixture(scope="module")
def house() -> Iterator[Containers]:
    settings = {"LAPWING_TRIAL_DATA": "small"}
    with containers("full", "127.0.0.18", "redis", "ingest", **settings) as house:
        compile_library(house.folder / "failpoints")
        house.up("redis")
        house.up("ingest")
        yield house


@pytest.fixture
def jobs(house: Containers) -> Iterator[Redis]:
    with house.redis() as redis:
        house.await_workers(queue.INGEST, 1, redis)
        yield redis


def test_a_disk_that_is_full_at_any_point_harms_nothing(
    house: Containers, jobs: Redis, print_figures: Callable[[str], None]
) -> None:
    disk, kept, lane = SmallDisk(house), Lane(house, jobs, "kept", 40), Lane(house, jobs, "new", 41)
    first, _ = kept.begin()
    kept.await_end(first)
    before = disk.used()
    wanted, faults, messages = trials.count("P4 full disk"), [], set()
    needed = measure(disk, lane, before)
    begins = wanted - len(BECOMES_FULL)
    points: list[int | Failpoint] = [needed * number // begins for number in range(begins)]
    for point in [*points, *BECOMES_FULL][:wanted]:
        job = import_without_space(disk, lane, point)
        view = queue.view(job, jobs)
        messages.add(re.sub(r"[0-9][0-9,]*", "N", view.error))
        if view.status != "failed":
            faults.append(f"{point}: it is {view.status}")
        found = disk.look()
        disk.leave(-1)
        if found["datasets"] != ["kept"]:
            faults.append(f"{point}: {found['datasets']} are visible")
        faults += [f"{point}: {fault}" for fault in found["faults"]]
        again, _ = lane.begin()
        lane.await_end(again)
        result = queue.view(again, jobs).result
        if result is None or [one["rows"] for one in result["imports"]] != [ROWS]:
            faults.append(f"{point}: the import is not repeated: {result}")
        if sorted(disk.look()["datasets"]) != ["kept", "new"]:
            faults.append(f"{point}: the import is not visible")
        remove(disk)
    trials.record(
        "P4 full disk",
        print_figures,
        needed_bytes=needed,
        claim=trials.bound(len(faults), wanted),
        messages=sorted(messages),
        faults=faults[:20],
    )
    assert faults == []
    assert all("disk is full" in message for message in messages), messages


def import_without_space(disk: SmallDisk, lane: Lane, point: int | Failpoint) -> str:
    """Import with this many bytes free, or on a disk that becomes full at a failpoint."""
    if isinstance(point, Failpoint):
        job, armed = lane.begin(point, "hold")
        armed.await_met()
        disk.leave(0)
        armed.release()
    else:
        disk.leave(point)
        job, _ = lane.begin()
    lane.await_end(job)
    return job


def measure(disk: SmallDisk, lane: Lane, before: int) -> int:
    """Return the number of bytes that an import takes, and remove what it made."""
    lane.await_end(lane.begin()[0])
    needed = disk.used() - before
    remove(disk)
    return needed


def remove(disk: SmallDisk) -> None:
    disk.run("import pathlib; [p.unlink() for p in pathlib.Path('/data').glob('*/new-*')]")
