"""Writes the files that `tensorboard --logdir <models>/tensorboard` shows.

    tensorboard/<job id>/                          a training; a step is an epoch
    tensorboard/<job id>/predict-zero, hold-last   its baselines, which TensorBoard draws as lines
    tensorboard/evaluations/<name>/<condition>/    closed-loop results; a step is a version

This module needs tensorboardX.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.summary import scalar, text

__all__ = ["TensorBoardWriter"]

FOLDER: Final = "tensorboard"


class TensorBoardWriter:
    """Writes the event file of one run; use it in a `with` block.

    It uses tensorboardX's event writer directly, without the queue and the thread that tensorboardX
    adds: there are only a few values for each epoch, and they must be on the disk at once.

    Args:
        model_dir: path of the model volume.
        run: folder of the run, relative to `tensorboard` on the model volume.
        void_from: first step whose values from earlier processes TensorBoard ignores, with those of
            all later steps; None keeps all values.
    """

    def __init__(self, model_dir: Path, run: str, void_from: int | None = None) -> None:
        folder = model_dir / FOLDER / run
        folder.mkdir(parents=True, exist_ok=True)
        # The writer puts the time in seconds into the file's name. The suffix tells two writers
        # apart that start in the same second.
        self._writer = EventsWriter(str(folder / "events"), f".{uuid.uuid4().hex[:8]}")
        if void_from is not None:
            session_start = SessionLog(status=SessionLog.START)
            self._writer.write_event(
                Event(step=void_from, wall_time=time.time(), session_log=session_start)
            )

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Write the values of a step, and flush them to the file."""
        for name, value in values.items():
            event = Event(step=step, wall_time=time.time(), summary=scalar(name, value))
            self._writer.write_event(event)
        self._writer.flush()

    def table(self, step: int, name: str, values: Mapping[str, object]) -> None:
        """Write names and values as a table of text, and flush it to the file."""
        lines = ["| | |", "|---|---|", *(f"| {key} | `{value}` |" for key, value in values.items())]
        summary = text(name, "\n".join(lines))
        self._writer.write_event(Event(step=step, wall_time=time.time(), summary=summary))
        self._writer.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._writer.close()
