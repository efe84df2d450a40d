"""Logs a training for TensorBoard: a run of its own, and one for each baseline.

TensorBoard draws the values of one name in one chart, with a line for each run. So the baselines
appear beside the validation MSE that has to be better than theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

from contract.tensorboard import TensorBoardWriter

BASELINES: Final = {"predict-zero": "mse_zero", "hold-last": "mse_hold"}
"""Runs of the baselines, and the metric of contract.steering_metrics that each shows."""


class TensorBoardLogger:
    """Writes the runs of one training; use it in `with`. A resumed job continues its runs.

    Args:
        model_dir: the model volume.
        job_id: id of the training.
        epoch: the last finished epoch; what an earlier process logged after it is discarded.
        config: options of the training.
    """

    def __init__(
        self, model_dir: Path, job_id: str, epoch: int, config: Mapping[str, object]
    ) -> None:
        self._stack = ExitStack()
        enter = self._stack.enter_context
        self._own = enter(TensorBoardWriter(model_dir, job_id, epoch + 1))
        self._baselines = {
            name: enter(TensorBoardWriter(model_dir, f"{job_id}/{run}", epoch + 1))
            for run, name in BASELINES.items()
        }
        if epoch == 0:
            self._own.table(0, "configuration", config)
        self._constants = {"learning_rate": float(str(config["learning_rate"]))}

    def epoch(self, epoch: int, metrics: Mapping[str, float], scores: Mapping[str, float]) -> None:
        """Log the metrics of an epoch, counted from 1, and the scores of its validation."""
        validation = {
            f"validation_{name}": scores[name]
            for name in ("mae_deg", "correlation")
            if name in scores  # a constant prediction has no correlation
        }
        self._own.scalars(epoch, {**metrics, **validation, **self._constants})
        for name, board in self._baselines.items():
            board.scalars(epoch, {"validation_mse": scores[name]})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()
