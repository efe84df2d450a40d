"""What TensorBoard shows: `tensorboard --logdir <models>/tensorboard`.

    tensorboard/<job id>/                          a training, a step an epoch
    tensorboard/<job id>/predict-zero, hold-last   its baselines: TensorBoard draws them as lines
    tensorboard/evaluations/<name>/<condition>/    closed loop, a step a version

Needs tensorboardX.
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
    """The event file of one run in this process; use it in `with`.

    Written by tensorboardX's own writer, without the queue and thread that it puts before it: a
    few values an epoch are to be on the disk at once.

    Args:
        model_dir: the model volume.
        run: the run's folder, relative to the boards'.
        void_from: what earlier processes told of this step and later ones is void; None keeps it.
    """

    def __init__(self, model_dir: Path, run: str, void_from: int | None = None) -> None:
        folder = model_dir / FOLDER / run
        folder.mkdir(parents=True, exist_ok=True)
        # Its name has the time in seconds: two writers may begin in the same one.
        self._writer = EventsWriter(str(folder / "events"), f".{uuid.uuid4().hex[:8]}")
        if void_from is not None:
            begun = SessionLog(status=SessionLog.START)
            self._writer.write_event(
                Event(step=void_from, wall_time=time.time(), session_log=begun)
            )

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Show values of a step, and have them in the file."""
        for name, value in values.items():
            event = Event(step=step, wall_time=time.time(), summary=scalar(name, value))
            self._writer.write_event(event)
        self._writer.flush()

    def table(self, step: int, name: str, values: Mapping[str, object]) -> None:
        """Show names and values as a table of text."""
        lines = ["| | |", "|---|---|", *(f"| {key} | `{value}` |" for key, value in values.items())]
        summary = text(name, "\n".join(lines))
        self._writer.write_event(Event(step=step, wall_time=time.time(), summary=summary))
        self._writer.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._writer.close()
