"""Writes what the workers of a training send to where a training alone writes it."""

from __future__ import annotations

import dataclasses
import logging
from dataclasses import dataclass
from typing import Protocol

from contract.files import atomic_files
from contract.jobs.queue import Report
from trainer.distributed.messages import (
    Checkpoint,
    EpochScores,
    LogLine,
    Message,
    ProgressUpdate,
    WorkerRefusal,
)
from trainer.distributed.rank_plan import RankPlan
from trainer.training.progress import EpochLog
from trainer.training.run_state import TrainingState, Workspace

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Receiver:
    """Takes the messages of the workers in the process of the job."""

    workspace: Workspace
    state: TrainingState
    """How far the training came; it changes with each checkpoint."""
    report: Report
    board: EpochLog

    def newest(self) -> Checkpoint:
        """Return the checkpoint from which the workers start."""
        state = self.state
        if not state.epoch and state.unfinished is None:
            return Checkpoint(state)
        path = self.workspace.latest(state)
        return Checkpoint(state, path.name, path.read_bytes())

    def take(self, message: Message) -> None:
        """Write what a message says.

        Raises:
            LapwingError: a worker has refused to train.
        """
        match message:
            case Checkpoint():
                self._save(message)
            case ProgressUpdate():
                self.report(**message.fields)
            case EpochScores():
                self.board.epoch(message.epoch, message.metrics, message.scores)
            case LogLine():
                log.log(message.level, "%s", message.text)
            case WorkerRefusal():
                raise message.error()

    def _save(self, checkpoint: Checkpoint) -> None:
        """Save a checkpoint as the loop does: the network first, and then the state."""
        atomic_files.write_bytes(self.workspace.path / checkpoint.name, checkpoint.content)
        for field in dataclasses.fields(TrainingState):
            setattr(self.state, field.name, getattr(checkpoint.state, field.name))
        self.workspace.write(self.state)


class Workers(Protocol):
    """Processes that train a network together."""

    def train(self, plan: RankPlan, receiver: Receiver) -> None:
        """Train until the end, and give the receiver all that the workers send.

        Raises:
            LapwingError: the training was refused, or failed too often.
        """
