"""What TensorBoard shows of a training: `tensorboard --logdir <models>/tensorboard`."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.summary import scalar


class Board:
    """The event files of one job; use it in `with`. A job that is resumed adds one.

    Written by tensorboardX's own writer, without the queue and thread that it puts before it: a
    few values an epoch are to be on the disk at once.

    Args:
        model_dir: the model volume.
        job_id: of the training.
        epoch: the last one that is finished: what an earlier process told of later ones is void.
    """

    def __init__(self, model_dir: Path, job_id: str, epoch: int) -> None:
        folder = model_dir / "tensorboard" / job_id
        folder.mkdir(parents=True, exist_ok=True)
        # Its name has the time in seconds: two processes may begin in the same one.
        self._writer = EventsWriter(str(folder / "events"), f".{os.getpid()}-{epoch}")
        begun = SessionLog(status=SessionLog.START)
        self._writer.write_event(Event(step=epoch + 1, wall_time=time.time(), session_log=begun))

    def scalars(self, epoch: int, values: Mapping[str, float]) -> None:
        """Show values of an epoch, from 1, and have them in the file."""
        for name, value in values.items():
            event = Event(step=epoch, wall_time=time.time(), summary=scalar(name, value))
            self._writer.write_event(event)
        self._writer.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._writer.close()
