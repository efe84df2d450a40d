"""What the workers of a training and its driver tell each other.

The driver is the process of the job. It alone writes to the model volume and to Redis; rank 0 of
the workers sends it what is to be written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from contract import errors
from contract.errors import LapwingError, TrainingError
from trainer.training.run_state import TrainingState


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """How far a training came, with the network from which it resumes."""

    state: TrainingState
    name: str = ""
    """Name of the network's file in the job's workspace; "" before the first one."""
    content: bytes = b""
    """Its content."""


@dataclass(frozen=True)
class ProgressUpdate:
    """Fields of the job's progress."""

    fields: Mapping[str, object]


@dataclass(frozen=True)
class EpochScores:
    """Metrics of a finished epoch, for TensorBoard."""

    epoch: int
    metrics: Mapping[str, float]
    scores: Mapping[str, float]


@dataclass(frozen=True)
class LogLine:
    """A line that rank 0 logs."""

    level: int
    text: str


@dataclass(frozen=True)
class WorkerRefusal:
    """An error of Lapwing that another try would raise again, in its parts."""

    kind: str
    """Name of its class in contract.errors."""
    what: str
    got: str | None
    remedy: str

    @classmethod
    def of(cls, error: LapwingError) -> WorkerRefusal:
        """Return the parts of an error."""
        got = None if error.got is None else str(error.got)
        return cls(type(error).__name__, error.what, got, error.remedy)

    def error(self) -> LapwingError:
        """Return the error again."""
        kind = getattr(errors, self.kind, TrainingError)
        error: LapwingError = kind(self.what, got=self.got, remedy=self.remedy)
        return error


Message: TypeAlias = Checkpoint | ProgressUpdate | EpochScores | LogLine | WorkerRefusal


class DriverLink(Protocol):
    """The way from a worker to the driver."""

    def begin(self, group: str) -> Checkpoint:
        """Return the newest checkpoint, the same to all workers of a group.

        Args:
            group: name of the group of workers. From now on messages of earlier groups are refused:
                a worker that was thought dead must not overwrite what a later one has saved.
        """

    def post(self, group: str, message: Message) -> None:
        """Send a message to the driver.

        Raises:
            TrainingError: a later group has begun.
        """
