import json
import logging
from pathlib import Path

import pytest

from contract.errors import StoreError
from trainer.distributed.messages import (
    Checkpoint,
    EpochScores,
    LogLine,
    ProgressUpdate,
    WorkerRefusal,
)
from trainer.distributed.receiver import Receiver
from trainer.training.epoch_state import EpochState
from trainer.training.run_state import TrainingState, Workspace


class Board:
    def __init__(self) -> None:
        self.epochs: list[object] = []

    def epoch(self, *arguments: object) -> None:
        self.epochs.append(arguments)


@pytest.fixture
def receiver(tmp_path: Path) -> Receiver:
    workspace = Workspace(tmp_path, "job-1")
    workspace.path.mkdir(parents=True)
    progress: dict[str, object] = {}
    made = Receiver(
        workspace, TrainingState(["a"]), lambda **fields: progress.update(fields), Board()
    )
    made.report(here=progress)
    return made


def finished(epoch: int, best: int) -> TrainingState:
    history = [{"epoch": number, "loss": 0.1} for number in range(1, epoch + 1)]
    return TrainingState(["a"], history=history, best_epoch=best)


def test_a_checkpoint_is_what_another_try_of_the_job_resumes_from(receiver: Receiver) -> None:
    state = TrainingState(["a"], unfinished=EpochState(1, 3, 48, 1.5, "ab"))
    receiver.take(Checkpoint(state, "step-1-3.h5", b"three"))
    assert receiver.state == state == receiver.workspace.read()
    assert receiver.workspace.latest(receiver.state).read_bytes() == b"three"
    again = receiver.newest()
    assert (again.name, again.content, again.state) == ("step-1-3.h5", b"three", state)


def test_the_networks_of_the_best_and_the_last_epoch_are_kept(receiver: Receiver) -> None:
    for epoch, best in ((1, 1), (2, 1), (3, 1)):
        content = str(epoch).encode()
        receiver.take(Checkpoint(finished(epoch, best), f"epoch-{epoch}.h5", content))
    assert sorted(path.name for path in receiver.workspace.path.glob("*.h5")) == [
        "epoch-1.h5",
        "epoch-3.h5",
    ]
    assert json.loads((receiver.workspace.path / "state.json").read_text())["best_epoch"] == 1


def test_a_training_that_has_not_begun_has_no_network(receiver: Receiver) -> None:
    assert receiver.newest().name == ""


def test_progress_scores_and_lines_reach_the_job(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.take(ProgressUpdate({"step": 3}))
    receiver.take(EpochScores(1, {"loss": 0.5}, {"mse": 0.25}))
    with caplog.at_level(logging.INFO):
        receiver.take(LogLine(logging.WARNING, "100 % of it"))
    assert caplog.messages == ["100 % of it"]
    assert isinstance(receiver.board, Board)
    assert receiver.board.epochs == [(1, {"loss": 0.5}, {"mse": 0.25})]


def test_the_error_of_a_worker_is_raised_in_the_job(receiver: Receiver) -> None:
    with pytest.raises(StoreError, match=r"store is damaged: got block 3\."):
        receiver.take(WorkerRefusal.of(StoreError("the store is damaged", got="block 3")))
