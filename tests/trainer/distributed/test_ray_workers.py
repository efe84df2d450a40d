"""What is refused and said before Ray is asked for anything; test_equal_runs.py trains with it."""

import logging

import pytest

from contract.errors import ClusterError, SettingError
from contract.settings import load
from trainer.distributed.ray_workers import RayWorkers, WorkerSlots
from trainer.settings import Settings
from trainer.training.epoch_state import EpochState
from trainer.training.run_state import TrainingState


def test_workers_need_a_cluster() -> None:
    with pytest.raises(SettingError, match=r"--workers 2, and LAPWING_CLUSTER is empty\. Set LAPW"):
        RayWorkers(load(Settings, {}), 2)


@pytest.mark.parametrize("count", [0, -1, True, "2"], ids=repr)
def test_a_number_of_workers_is_from_1(count: int) -> None:
    with pytest.raises(SettingError, match="--workers has a value it cannot take"):
        RayWorkers(load(Settings, {"LAPWING_CLUSTER": "local"}), count)


@pytest.mark.parametrize(
    ("resources", "count", "message"),
    [
        pytest.param({"CPU": 2.0}, 3, r"got 2 CPUs and no GPU\. Train with --workers 2", id="cpus"),
        pytest.param(
            {"CPU": 64.0, "GPU": 4.0}, 5, r"got 4 GPUs\. Train with --workers 4", id="gpus"
        ),
        pytest.param({}, 1, "got 0 CPUs and no GPU", id="nothing"),
    ],
)
def test_more_workers_than_there_is_room_for_are_refused(
    resources: dict[str, float], count: int, message: str
) -> None:
    with pytest.raises(ClusterError, match=message):
        WorkerSlots.of(resources).check(count, TrainingState(["a"]))


def test_a_training_that_has_begun_goes_on_with_fewer(caplog: pytest.LogCaptureFixture) -> None:
    begun = TrainingState(["a"], unfinished=EpochState(1, 5))
    WorkerSlots(gpus=1, cpus=8).check(4, begun)
    assert caplog.messages == ["the cluster has 1 GPUs left for 4 workers"]


def test_a_cluster_without_a_gpu_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        WorkerSlots(gpus=0, cpus=4).check(4, TrainingState(["a"]))
        WorkerSlots(gpus=4, cpus=4).check(4, TrainingState(["a"]))
    (message,) = caplog.messages
    assert "3.6 times as much time of a CPU" in message
