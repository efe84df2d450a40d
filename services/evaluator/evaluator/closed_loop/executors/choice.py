"""Chooses where drives are made, by the settings."""

from __future__ import annotations

from collections.abc import Callable

from evaluator.closed_loop.executors.executor import DriveExecutor
from evaluator.closed_loop.executors.local_processes import LocalProcesses
from evaluator.closed_loop.executors.ray_tasks import RayTasks
from evaluator.settings import Settings


def choose_executor(settings: Settings, report: Callable[..., None]) -> DriveExecutor:
    """Return an executor on the cluster of LAPWING_CLUSTER, or on this machine without one.

    Args:
        settings: settings of the evaluator.
        report: called with the progress of the job; the nodes of a cluster are told by it.
    """
    return RayTasks(settings, report) if settings.cluster else LocalProcesses(settings.drivers)
