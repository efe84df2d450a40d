"""The times after which a worker is taken for lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["DEFAULT_TIMES", "WorkerTimes"]


@dataclass(frozen=True)
class WorkerTimes:
    """Times in whole seconds after which a worker is taken for lost, and its job for given up."""

    heartbeat_s: int = 5
    """Time between two signs of life of a worker, which it also gives for its job."""
    lease_s: int = 60
    """Time without a sign of life after which a worker is lost and another takes its job."""
    maintenance_s: int = 20
    """Time between two looks for jobs of lost workers, by a worker that waits for a job."""


DEFAULT_TIMES: Final = WorkerTimes()
