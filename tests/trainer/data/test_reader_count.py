import os
from pathlib import Path

import pytest

from trainer.data import reader_count


@pytest.mark.parametrize(
    ("cores", "gpu", "varied", "readers"),
    [
        pytest.param(1, False, True, 1, id="one core"),
        pytest.param(2, False, True, 1, id="a CPU trains slower than one reader reads"),
        pytest.param(64, False, True, 2, id="64 cores train faster"),
        pytest.param(1, True, True, 1, id="a GPU beside one core"),
        pytest.param(3, True, True, 2, id="a core is left to the training"),
        pytest.param(16, True, True, 3, id="a GPU needs no more than this"),
        pytest.param(16, True, False, 1, id="nothing is varied"),
    ],
)
def test_there_are_as_many_readers_as_are_needed_and_fit(
    cores: int, gpu: bool, varied: bool, readers: int
) -> None:
    count, reason = reader_count.choose(cores, gpu=gpu, varied=varied)
    assert count == readers
    assert f"{cores} cores" in reason
    assert ("on a GPU" in reason) == gpu


@pytest.mark.parametrize(
    ("text", "cores"),
    [("max 100000", 64), ("150000 100000", 1), ("50000 100000", 1), ("300000 100000", 3)],
    ids=str,
)
def test_a_containers_limit_counts(tmp_path: Path, text: str, cores: int) -> None:
    (tmp_path / "cpu.max").write_text(text + "\n")
    machine = reader_count.usable_cores(tmp_path / "none")
    assert machine == len(os.sched_getaffinity(0))
    assert reader_count.usable_cores(tmp_path) == min(machine, cores)
