"""A training's own folder on the model volume: what it needs to go on after a kill.

    <models>/.jobs/<job id>/state.json        how far it came, and which files belong to that
                            epoch-<n>.h5      the last epoch's network and the best one's
                            step-<e>-<b>.h5   the network within an epoch, after b batches
                            staged/           the version that is about to be published
    <models>/.jobs/<job id>.lock              held by the one process that works on the job

Nothing here needs Keras: the worker that outlives a stopped job cleans up with it (stopped.py).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from contract import atomic_files
from trainer.training.epoch_state import Tally

FOLDER: Final = ".jobs"


@dataclass
class State:
    """How far a training came."""

    datasets: list[str]
    """Chosen when the job first ran: "all" must not change its meaning when it is resumed."""
    history: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int = 0
    """From 1; 0 while none has finished."""
    shuffle: str = ""
    """Chosen when the job first ran, like the datasets: the order must not change."""
    tally: Tally | None = None
    """Of the epoch after the last finished one, as far as its network is saved."""
    quarantined: dict[str, str] = field(default_factory=dict)
    """Datasets that were found damaged at first and left out, and what was wrong."""

    @property
    def epoch(self) -> int:
        """The last finished epoch, from 1; 0 while none has finished."""
        return len(self.history)


class Workspace:
    """The folder of one job."""

    def __init__(self, model_dir: Path, job_id: str) -> None:
        self.path = model_dir / FOLDER / job_id
        self._lock = model_dir / FOLDER / f"{job_id}.lock"

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Be the only process that works on the job.

        RQ runs a job again when its worker was killed, while the process that ran it may live on.
        """
        with atomic_files.lock(self._lock):
            self.path.mkdir(exist_ok=True)
            yield

    def read(self) -> State | None:
        """Return how far an earlier process came, or None."""
        path = self.path / "state.json"
        if not path.exists():
            return None
        document = json.loads(path.read_text())
        tally = document.pop("tally")
        return State(**document, tally=None if tally is None else Tally(**tally))

    def write(self, state: State) -> None:
        """Make what is saved count, and remove the networks that no longer do."""
        atomic_files.write_json(self.path / "state.json", asdict(state))
        kept = {self.network(state.epoch), self.network(state.best_epoch), self.latest(state)}
        for path in [*self.path.glob("*.h5"), *atomic_files.temporary_paths(self.path)]:
            if path not in kept:
                path.unlink(missing_ok=True)

    def network(self, epoch: int) -> Path:
        """Return where the network of a finished epoch is saved."""
        return self.path / f"epoch-{epoch}.h5"

    def latest(self, state: State) -> Path:
        """Return where the network is saved with which a training goes on from a state."""
        if state.tally is None:
            return self.network(state.epoch)
        return self.path / f"step-{state.tally.epoch}-{state.tally.batches}.h5"

    def stage(self) -> Path:
        """Return an empty folder for the files of a version."""
        staged = self.path / "staged"
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(parents=True)
        return staged

    def discard(self) -> None:
        """Remove everything of the job; the lock last."""
        shutil.rmtree(self.path)
        self._lock.unlink(missing_ok=True)
