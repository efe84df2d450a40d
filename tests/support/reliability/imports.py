"""Imports of one small recording in a container, again and again, and what is right about them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from redis import Redis

from contract.dataset import store, store_catalog
from contract.errors import StoreError
from contract.files import atomic_files
from contract.frames import preprocess
from contract.jobs import deaths, queue
from contract.vehicle import CAMERA_NAMES
from support.data import samples
from support.reliability.containers import Containers
from support.reliability.failpoints import Armed, Failpoint
from support.waiting import await_true

ROWS: Final = 24
"""72 frames, which fill two blocks of a store and a part of a third."""
RECOVERED_S: Final = 120.0
"""Within this time a job runs again whose worker died."""


@dataclass
class Lane:
    """One recording, whose imports follow each other. Several lanes use their workers together."""

    house: Containers
    redis: Redis
    name: str
    seed: int
    clean_s: float = 0.0
    """Time of an import from being queued to its end."""
    truth: npt.NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    """The frames that the store must hold: (rows, cameras, 128, 128, 3)."""
    jobs: int = 0

    def __post_init__(self) -> None:
        run = self.house.folder / "recordings" / self.name
        if not run.exists():  # another test has used the same
            samples.recording(run, ROWS, seed=self.seed, first_row=self.rows.start)
        prepared = [
            preprocess.prepare((run / "IMG" / f"{camera}_{samples.stamp(row)}.jpg").read_bytes())
            for row in self.rows
            for camera in CAMERA_NAMES
        ]
        self.truth = np.stack(prepared).reshape(ROWS, len(CAMERA_NAMES), *prepared[0].shape)

    @property
    def rows(self) -> range:
        """The rows of the drive that were recorded; recordings with one log wait for each other."""
        return range(self.seed * ROWS, (self.seed + 1) * ROWS)

    def queue(self) -> str:
        """Queue an import, and return the job's id."""
        arguments = {"source": f"/recordings/{self.name}"}
        return queue.enqueue(queue.INGEST, self.redis, self.label, arguments)

    @property
    def label(self) -> str:
        return f"{self.name}-{self.jobs}"

    def begin(self, point: Failpoint | None = None, action: str = "kill") -> tuple[str, Armed]:
        """Queue an import that will meet a failpoint; return its job, and the failpoint."""
        self.jobs += 1
        armed = Armed(self.house.folder / "failpoints", self.label)
        if point is not None:
            armed.arm(point, action)
        return self.queue(), armed

    def import_clean(self) -> None:
        """Import without a kill, and measure how long that takes."""
        began = time.monotonic()
        job, _ = self.begin()
        self.await_end(job)
        self.clean_s = time.monotonic() - began
        assert self.faults(job) == []
        self.clear()

    def await_end(self, job: str, timeout_s: float = RECOVERED_S) -> None:
        key = f"rq:job:{job}"
        ended = {state.encode() for state in queue.ENDED}
        what = f"{job} ends"
        await_true(lambda: self.redis.hget(key, "status") in ended, what, timeout_s, 0.05)

    def deaths(self, job: str) -> int:
        """Return how often the job's process was killed while its worker went on."""
        return int(self.redis.hget(f"rq:job:{job}", deaths.DEATHS) or 0)

    def visible_faults(self) -> list[str]:
        """Say what is wrong with what everybody can see of this recording now."""
        found = []
        for manifest in self.manifests():
            try:
                with store.open_store(self.house.data, manifest) as reader:
                    reader.verify()
                    found += self._differences(reader)
            except StoreError as error:
                found.append(str(error))
        if len(self.manifests()) > 1:
            found.append("the recording became two datasets")
        return found

    def manifests(self) -> list[store_catalog.StoreManifest]:
        """Return the manifests of this recording's stores."""
        everything = store_catalog.read_stores(self.house.data)
        assert everything.unreadable == {}
        return [one for one in everything.manifests if one.source["name"] == self.name]

    def _differences(self, reader: store.StoreReader) -> list[str]:
        rows = reader.rows
        if len(rows) != ROWS:
            return [f"{len(rows)} rows"]
        numbers = np.stack([rows[camera] for camera in CAMERA_NAMES], axis=1)
        frames = np.empty((numbers.size, *self.truth.shape[2:]), np.uint8)
        reader.gather(numbers.ravel(), frames)
        steering = np.array([samples.steering_at(row) for row in self.rows], np.float32)
        wrong = []
        if len(set(numbers.ravel().tolist())) != numbers.size:
            wrong.append("a frame is used twice")
        if not np.array_equal(frames.reshape(self.truth.shape), self.truth):
            wrong.append("the frames differ from the recording")
        if not np.array_equal(rows["steering"], steering):
            wrong.append("the steering differs from the recording")
        return wrong

    def faults(self, job: str) -> list[str]:
        """Say what is wrong after the end of a job that must have succeeded."""
        view = queue.view(job, self.redis)
        if view.status != "finished" or view.result is None:
            return [f"{job} is {view.status}: {view.error}"]
        found = self.visible_faults()
        if [one["rows"] for one in view.result["imports"]] != [ROWS]:
            found.append(f"it acknowledged {view.result['imports']}")
        if len(self.manifests()) != 1:
            found.append(f"{len(self.manifests())} datasets")
        found += [f"{path} is left" for path in self.leftovers()]
        return found

    def leftovers(self) -> list[Path]:
        """Return the temporary files of this recording that are left on the volume."""
        stores = store_catalog.folder(self.house.data)
        return atomic_files.temporary_paths(stores, f"{self.name}-*")

    def clear(self) -> None:
        """Remove the store, so that the recording is imported anew."""
        for path in store_catalog.folder(self.house.data).glob(f"{self.name}-*"):
            path.unlink()
        for path in self.leftovers():
            path.unlink()
