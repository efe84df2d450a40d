import os
from pathlib import Path

import pytest

from contract.jobs import deaths
from evaluator.closed_loop.executors import local_processes


@pytest.mark.parametrize(
    ("memory", "cores", "processes"),
    [("2g", 64, 5), ("2g", 4, 4), ("16g", 64, 47), ("512m", 8, 1), ("0", 64, 64)],
)
def test_as_many_processes_drive_as_the_memory_allows(
    monkeypatch: pytest.MonkeyPatch, memory: str, cores: int, processes: int
) -> None:
    """The job itself needs as much as one of them: (5 + 1) x 340 MiB are less than 2 GiB."""
    monkeypatch.setenv("LAPWING_EVALUATOR_MEMORY", memory)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    monkeypatch.setattr(deaths, "CGROUP_LIMIT", Path("/nowhere"))
    assert local_processes.default_processes() == processes
