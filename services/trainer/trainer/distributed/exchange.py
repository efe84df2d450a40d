"""Keeps the messages of the workers until the driver takes them, and the newest checkpoint.

It belongs to one try of a job. On a cluster it is an actor on the driver's machine: ray_workers.py.
"""

from __future__ import annotations

from contract.errors import TrainingError
from trainer.distributed.messages import Checkpoint, Message, WorkerRefusal


class MessageExchange:
    """Takes messages of the newest group of workers.

    Args:
        start: the checkpoint that the driver has.
    """

    def __init__(self, start: Checkpoint) -> None:
        self._newest = start
        self._start = start
        self._group = ""
        self._replaced: set[str] = set()
        self._messages: list[Message] = []

    def begin(self, group: str) -> Checkpoint:
        """Return the newest checkpoint, as `DriverLink.begin` says."""
        if group in self._replaced:
            raise _replaced()
        if group != self._group:
            self._replaced.add(self._group)
            self._group, self._start = group, self._newest
        return self._start

    def post(self, group: str, message: Message) -> None:
        """Keep a message for the driver, as `DriverLink.post` says."""
        if group != self._group:
            raise _replaced()
        if isinstance(message, Checkpoint):
            self._newest = message
        self._messages.append(message)

    def refuse(self, refusal: WorkerRefusal) -> None:
        """Keep the error of a worker that could not join its group."""
        self._messages.append(refusal)

    def take(self) -> list[Message]:
        """Return the messages that came since the last call, in their order."""
        messages, self._messages = self._messages, []
        return messages


def _replaced() -> TrainingError:
    return TrainingError("this worker belongs to a group that was replaced by a later one")
