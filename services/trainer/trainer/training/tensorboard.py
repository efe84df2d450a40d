"""What TensorBoard shows of a training: its own run, and one for each driver that looks at nothing.

TensorBoard draws the values of one name in one chart, a line a run: so the baselines are beside the
validation MSE that has to beat them.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

from contract.tensorboard import TensorBoardWriter

BASELINES: Final = {"predict-zero": "mse_zero", "hold-last": "mse_hold"}
"""Runs beside the training's own, and what each scores (score.py)."""


class TrainingBoard:
    """The runs of one training; use it in `with`. A job that is resumed goes on with them.

    Args:
        model_dir: the model volume.
        job_id: of the training.
        epoch: the last one that is finished: what an earlier process told of later ones is void.
        config: what the training was asked for.
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
        self._told = {"learning_rate": float(str(config["learning_rate"]))}

    def epoch(self, epoch: int, told: Mapping[str, float], scores: Mapping[str, float]) -> None:
        """Show what came of an epoch, from 1: its figures, and the scores of its validation."""
        validation = {
            f"validation_{name}": scores[name]
            for name in ("mae_deg", "correlation")
            if name in scores  # a network that answers a constant has no correlation
        }
        self._own.scalars(epoch, {**told, **validation, **self._told})
        for name, board in self._baselines.items():
            board.scalars(epoch, {"validation_mse": scores[name]})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()
