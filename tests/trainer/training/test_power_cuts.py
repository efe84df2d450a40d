"""Cuts the power while a training saves checkpoints: it resumes where the last one was."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from support.power.power_cuts import Record

from trainer.training import weights_file
from trainer.training.run_state import Workspace

PROGRAM = """
import os
os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3")
import keras
import numpy as np
from trainer.training.epoch_state import EpochState
from trainer.training.learner import Learner
from trainer.training.run_state import TrainingState, Workspace

network = keras.Sequential([keras.layers.Input((50,)), keras.layers.Dense(20, use_bias=False)])
learner = Learner.start(network, 0.001)
workspace = Workspace(root, "train-1")

def save(path, progress):
    network.set_weights([np.full((50, 20), progress, np.float32)])
    learner.save(path)
    workspace.write(state)
    acknowledge(str(progress))

with workspace.lock():
    state = TrainingState(["run-1"])
    workspace.write(state)
    acknowledge("0")
    for batches in (1, 2):
        state.unfinished = EpochState(1, batches)
        save(workspace.latest(state), batches)
    state.history.append({"epoch": 1})
    state.best_epoch, state.unfinished = 1, None
    save(workspace.network(1), 3)
    state.unfinished = EpochState(2, 1)
    save(workspace.latest(state), 4)
"""


class Variable:
    """Takes a value as a variable of Keras does."""

    shape = (50, 20)
    path = "dense/kernel"

    def assign(self, value: np.ndarray) -> None:
        self.value = value


def check(disk: Path, acknowledged: Sequence[str]) -> None:
    workspace = Workspace(disk, "train-1")
    state = workspace.read()
    if state is None:
        assert not acknowledged
        return
    batches = state.unfinished.batches if state.unfinished else 0
    progress = 3 * state.epoch + batches
    assert progress >= int([0, *acknowledged][-1])
    if progress:
        assert read(workspace.latest(state)) == progress
    if state.best_epoch:
        assert read(workspace.network(state.best_epoch)) == 3


def read(path: Path) -> float:
    """Return the value that all weights of a saved network have."""
    variable = Variable()
    weights_file.read(path, {"network": [variable]})
    assert (variable.value == variable.value[0, 0]).all()
    return float(variable.value[0, 0])


def test_a_training_resumes_where_its_last_checkpoint_was(record_program: Record) -> None:
    recording = record_program(PROGRAM)
    count, violation = recording.find_violation(check)
    assert violation is None
    assert count > 100
    assert recording.unneeded_syncs(check) == []
