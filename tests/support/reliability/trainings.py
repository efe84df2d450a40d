"""Trainings in containers, whose processes a test kills, and what is left of them afterwards."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from redis import Redis

from contract.jobs import deaths, queue
from contract.models.registry import ModelManifest, Registry
from contract.settings import load
from ingest.job import import_source
from ingest.settings import Settings
from support.data import samples
from support.reliability.containers import Containers
from support.reliability.failpoints import Armed
from support.waiting import await_true

EPOCHS: Final = 100
BEGINS_S: Final = 180.0
"""A training has begun within this time; most of it is the import of TensorFlow."""
STATE_S: Final = 300.0


def import_recording(house: Containers, rows: int = 60) -> None:
    """Write the store that the trainings use."""
    settings = load(Settings, {"LAPWING_DATA_DIR": str(house.data)})
    run = samples.recording(house.folder / "run", rows)
    import_source(settings, run, None, 0.0, lambda **_: None)


@dataclass
class Training:
    """One job of training, which may have many processes after each other."""

    house: Containers
    redis: Redis
    label: str
    job: str = ""

    @property
    def armed(self) -> Armed:
        return Armed(self.house.folder / "failpoints", self.label)

    def begin(self, epochs: int = EPOCHS) -> None:
        options = {"epochs": epochs, "patience": epochs, "seed": 1}
        self.job = queue.enqueue(queue.TRAIN, self.redis, self.label, options)

    @property
    def folder(self) -> Path:
        return self.house.models / ".jobs" / self.job

    def saved(self) -> tuple[int, int]:
        """Return the epochs that are finished, and the batches of the next one that are saved."""
        try:
            state = json.loads((self.folder / "state.json").read_text())
        except FileNotFoundError:
            return 0, 0
        unfinished = state["unfinished"]
        return len(state["history"]), unfinished["batches"] if unfinished else 0

    def reported_epoch(self) -> int:
        """Return the epoch in which the job is, by its own report."""
        return int(queue.view(self.job, self.redis).progress.get("epoch", 0))

    def await_saved_after(self, earlier: tuple[int, int]) -> None:
        """Wait until more is saved than `earlier`."""

        def has_more() -> bool:
            status = queue.view(self.job, self.redis).status
            assert status in ("queued", "started"), queue.view(self.job, self.redis)
            return self.saved() > earlier

        await_true(has_more, f"{self.job} saves more than {earlier}", BEGINS_S, 0.1)

    def forgive(self) -> None:
        """Put the counts of deaths and retries back, as if this were the job's first death.

        A job gives up after its second death; the matrix kills one job many times instead of many
        jobs once, because each begins with TensorFlow.
        """
        key = f"rq:job:{self.job}"
        self.redis.hdel(key, deaths.DEATHS)
        self.redis.hset(key, "retries_left", queue.JOB_TYPES[queue.TRAIN].retries)

    def retries_left(self) -> int:
        return int(self.redis.hget(f"rq:job:{self.job}", "retries_left") or 0)

    def pid(self, text: str) -> tuple[str, int]:
        """Return the container and the number of the job's process with a text in its command."""
        found = self.house.processes("trainer", self.job)
        (match,) = [(where, pid) for where, pid, command in found if text in command]
        return match

    def await_end(self, timeout_s: float = STATE_S) -> queue.JobView:
        await_true(
            lambda: queue.view(self.job, self.redis).status in queue.ENDED,
            f"{self.job} ends",
            timeout_s,
            0.2,
        )
        return queue.view(self.job, self.redis)

    def published(self) -> list[ModelManifest]:
        """Return the manifests of the versions that the job published, each of them verified."""
        registry = Registry(self.house.models)
        manifests = [registry.verify(version) for version in registry.versions()]
        return [manifest for manifest in manifests if manifest.job_id == self.job]

    def digests(self) -> list[tuple[Any, Any]]:
        """Return the number of each epoch, and the digest of the samples that it trained on."""
        (manifest,) = self.published()
        return [(entry["epoch"], entry["digest"]) for entry in manifest.history]

    def leftovers(self) -> list[str]:
        """Return the files of the job that are left on the model volume outside of a version."""
        folders = (self.house.models / ".jobs", self.house.models, self.house.models / "versions")
        hidden = [path for folder in folders for path in folder.glob(".*.tmp*")]
        own = list((self.house.models / ".jobs").glob(f"{self.job}*"))
        return [str(path) for path in hidden + own]
