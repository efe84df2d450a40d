"""The folder of a training on the model volume: what it needs to resume after a kill.

    <models>/.jobs/<job id>/state.json        how far it came, and which files belong to that
                            epoch-<n>.h5      the network of the last epoch and of the best one
                            step-<e>-<b>.h5   the network within epoch e, after b batches
                            parent/           copies of the files of the version that a fine-tuning
                                              starts from
                            staged/           the version that is about to be published
    <models>/.jobs/<job id>.lock              held by the one process that works on the job

Nothing here needs Keras: the worker outlives a stopped job, and cleans up with it (jobs/cleanup).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from contract.files import atomic_files, locks
from trainer.training.epoch_state import EpochState

FOLDER: Final = ".jobs"
RULES: Final = 1
"""Number of the rules by which the rows of a new training are chosen."""


def list_workspaces(model_dir: Path) -> list[str]:
    """Return the ids of the jobs that have a workspace or the lock of one."""
    return sorted({path.name.removesuffix(".lock") for path in (model_dir / FOLDER).glob("[!.]*")})


@dataclass
class TrainingState:
    """How far a training came."""

    datasets: list[str]
    """Chosen when the job first ran: a resumed job must train on the same datasets."""
    history: list[dict[str, Any]] = field(default_factory=list)
    """Metrics of each finished epoch, in order."""
    best_epoch: int = 0
    """Number of the epoch that would be published, from 1; 0 while none has finished."""
    shuffle: str = ""
    """How epochs are shuffled; chosen when the job first ran, so that a resumed job keeps it."""
    precision: str = ""
    """What layers compute in; chosen when the job first ran, so that a resumed job keeps it."""
    precision_reason: str = ""
    """Why it was chosen."""
    unfinished: EpochState | None = None
    """The epoch after the last finished one, as far as its network was saved."""
    quarantined: dict[str, str] = field(default_factory=dict)
    """Datasets that were left out because they are damaged, and what is wrong with each."""
    exclusions: dict[str, int] = field(default_factory=dict)
    """Version of each dataset's exclusions when the job first ran: a resumed job keeps it."""

    rules: int = 0
    """Rules by which the rows were chosen when the job first ran, so that a resumed job keeps them.

    0 are those of earlier releases: no row is left out as unfit, and validation may take any
    bend."""
    unfit: dict[str, dict[str, int]] = field(default_factory=dict)
    """For each dataset how many rows were left out as unfit, by the reason."""

    @property
    def epoch(self) -> int:
        """Number of the last finished epoch, from 1; 0 while none has finished."""
        return len(self.history)

    def is_best(self, validation_mse: float, first: int) -> bool:
        """Tell whether the epoch after the last finished one is the best so far.

        Before the first epoch that counts, it is the latest: a network that has hardly learnt
        steers little, and has a small error on the straights that mostly validate.

        Args:
            validation_mse: the epoch's error.
            first: number of the first epoch that counts, from 1.
        """
        counted = [epoch["validation_mse"] for epoch in self.history[first - 1 :]]
        return self.epoch < first or validation_mse < min(counted)


class Workspace:
    """The folder of one job on the model volume."""

    def __init__(self, model_dir: Path, job_id: str) -> None:
        self.path = model_dir / FOLDER / job_id
        self._lock = model_dir / FOLDER / f"{job_id}.lock"

    @property
    def parent_dir(self) -> Path:
        """Return the path of the folder with the files of the fine-tuned version."""
        return self.path / "parent"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Make this the only process that works on the job.

        RQ runs a job again after its worker was killed, while the old process may still be alive.
        """
        with locks.lock(self._lock):
            atomic_files.make_folder(self.path)
            yield

    @contextmanager
    def try_lock(self) -> Iterator[Workspace | None]:
        """Yield this workspace if no process works on the job, otherwise None."""
        self._lock.touch()  # Without the file there is nothing to lock.
        with locks.try_lock(self._lock) as held:
            yield self if held else None

    def read(self) -> TrainingState | None:
        """Return how far an earlier process came, or None if there was none."""
        path = self.path / "state.json"
        if not path.exists():
            return None
        document = json.loads(path.read_text())
        unfinished = document.pop("unfinished")
        return TrainingState(
            **document, unfinished=None if unfinished is None else EpochState(**unfinished)
        )

    def write(self, state: TrainingState) -> None:
        """Save the state, and remove the networks that no longer belong to it."""
        atomic_files.write_json(self.path / "state.json", asdict(state))
        kept = {self.network(state.epoch), self.network(state.best_epoch), self.latest(state)}
        for path in [*self.path.glob("*.h5"), *atomic_files.temporary_paths(self.path)]:
            if path not in kept:
                path.unlink(missing_ok=True)

    def network(self, epoch: int) -> Path:
        """Return the path of a finished epoch's network."""
        return self.path / f"epoch-{epoch}.h5"

    def latest(self, state: TrainingState) -> Path:
        """Return the path of the network from which a training resumes."""
        if state.unfinished is None:
            return self.network(state.epoch)
        return self.path / f"step-{state.unfinished.epoch}-{state.unfinished.batches}.h5"

    def staging_dir(self) -> Path:
        """Return an empty folder for the files of a version."""
        staged = self.path / "staged"
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(parents=True)
        return staged

    def discard(self) -> None:
        """Remove all files of the job, the lock last; the caller must hold it."""
        shutil.rmtree(self.path, ignore_errors=not self.path.exists())
        self._lock.unlink(missing_ok=True)
