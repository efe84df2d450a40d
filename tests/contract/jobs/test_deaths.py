import signal
from pathlib import Path

import pytest

from contract.jobs import deaths, queue


def test_every_queue_has_its_own_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, mib in (("INGEST", 1024), ("TRAINER", 4096), ("EVALUATOR", 2048)):
        monkeypatch.setenv(f"LAPWING_{name}_MEMORY", f"{mib}m")
    bounds = [deaths.memory_bound(name) for name in (queue.INGEST, queue.TRAIN, queue.EVALUATION)]
    assert bounds == [1 << 30, 4 << 30, 2 << 30]


@pytest.mark.parametrize(("content", "bound"), [("536870912\n", 536_870_912), ("max\n", 0)])
def test_in_a_container_the_bound_is_that_of_its_control_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, bound: int
) -> None:
    (tmp_path / "memory.max").write_text(content)
    monkeypatch.setattr(deaths, "CGROUP_LIMIT", tmp_path / "memory.max")
    monkeypatch.delenv("LAPWING_INGEST_MEMORY", raising=False)
    assert deaths.memory_bound(queue.INGEST) == bound


def test_another_signal_is_told_by_its_name() -> None:
    what, remedy = deaths.describe_killed(queue.INGEST, signal.SIGBUS)
    assert what == "the job's process died of SIGBUS"
    assert "log" in remedy
