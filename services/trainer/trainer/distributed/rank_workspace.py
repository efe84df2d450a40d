"""The folder of one worker of a training, from which rank 0 sends checkpoints to the driver.

Nothing in it outlives the worker. A worker that is killed leaves its folder behind, and the next
one on the same machine removes it.
"""

from __future__ import annotations

import copy
import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from contract.files import locks
from trainer.distributed.messages import Checkpoint
from trainer.training.run_state import TrainingState, Workspace

PREFIX: Final = "lapwing-worker-"


class RankWorkspace(Workspace):
    """A workspace whose states are sent to the driver instead of being written.

    Args:
        folder: a folder of this worker.
        job_id: id of the job.
        send: sends a checkpoint to the driver; None if this worker saves nothing.
    """

    def __init__(
        self, folder: Path, job_id: str, send: Callable[[Checkpoint], None] | None
    ) -> None:
        super().__init__(folder, job_id)
        self._send = send
        self.path.mkdir(parents=True, exist_ok=True)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Write the network of a checkpoint, from which the training resumes."""
        if checkpoint.name:
            (self.path / checkpoint.name).write_bytes(checkpoint.content)

    def write(self, state: TrainingState) -> None:
        """Send the state with the network that was saved last."""
        if self._send is None:
            return
        latest = self.latest(state)
        self._send(Checkpoint(copy.deepcopy(state), latest.name, latest.read_bytes()))
        for path in self.path.glob("*.h5"):
            if path != latest:
                path.unlink()


@contextmanager
def worker_folder(parent: Path | None = None) -> Iterator[Path]:
    """Yield an empty folder of this process, and remove those of processes that were killed.

    Args:
        parent: the folder in which it is made; None takes the one for temporary files.
    """
    parent = Path(tempfile.gettempdir()) if parent is None else parent
    for path in parent.glob(f"{PREFIX}*"):
        if path.lstat().st_uid == os.getuid():
            locks.remove_abandoned(path)
    path = parent / f"{PREFIX}{uuid.uuid4().hex}"
    with locks.new_folder(path):
        try:
            yield path
        finally:
            locks.remove(path)
