"""Lapwing's own learner, in the environment and the precision that the trainer sets up."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trainer import framework

Frames = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.float32]


class Batch(NamedTuple):
    """A batch as a reader hands it over."""

    numbers: npt.NDArray[np.int64]
    frames: Frames
    labels: Labels


def stepper(option: str) -> Callable[[Frames, Labels], None]:
    """Return the step; the option is the precision."""
    framework.set_defaults(os.environ)
    import keras

    from trainer.training import network_builder
    from trainer.training.learner import Learner
    from trainer.training.precision import POLICIES

    keras.utils.set_random_seed(1)
    learner = Learner.start(network_builder.build(dtype=POLICIES[option]), 1e-3)

    def step(frames: Frames, labels: Labels) -> None:
        for _ in learner.train_steps([Batch(np.arange(len(labels)), frames, labels)]):
            pass

    return step


def threads() -> int:
    """Return the number of threads within an operation, which TensorFlow reads there."""
    return int(os.environ["TF_NUM_INTRAOP_THREADS"])
