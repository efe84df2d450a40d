"""The learning rate over the steps, beside the cosine of Python's own mathematics."""

import math
from pathlib import Path

import keras
import numpy as np
import pytest

from contract.train_config import TrainConfig
from trainer.training import learning_rate
from trainer.training.learner import Learner
from trainer.training.learning_rate import LearningRate

EPOCHS, STEPS = 4, 50
COSINE = TrainConfig(epochs=EPOCHS, learning_rate=0.02, learning_rate_schedule="cosine")


def rate(planned: LearningRate, step: int) -> float:
    """Return the learning rate of a step, counted from 0."""
    value = planned if isinstance(planned, float) else planned(step)
    return float(keras.ops.convert_to_numpy(value))


def test_without_a_schedule_it_is_constant() -> None:
    assert learning_rate.plan(TrainConfig(learning_rate=0.02), STEPS) == 0.02


def test_it_rises_in_a_line_and_then_falls_along_a_cosine() -> None:
    planned = learning_rate.plan(COSINE, STEPS)
    warm_up, steps = 10, EPOCHS * STEPS
    expected = [0.02 * step / warm_up for step in range(warm_up)] + [
        0.01 * (1 + math.cos(math.pi * step / (steps - warm_up))) for step in range(steps - warm_up)
    ]
    found = [rate(planned, step) for step in range(steps)]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-8)
    assert max(found) == pytest.approx(0.02)
    assert rate(planned, steps) == pytest.approx(0, abs=1e-8)


def test_it_never_rises_again_after_the_planned_steps() -> None:
    planned = learning_rate.plan(COSINE, STEPS)
    assert rate(planned, 10 * EPOCHS * STEPS) == pytest.approx(0, abs=1e-8)


def test_a_training_too_short_to_warm_up_begins_with_the_full_rate() -> None:
    short = TrainConfig(epochs=1, learning_rate=0.02, learning_rate_schedule="cosine")
    planned = learning_rate.plan(short, 4)
    assert rate(planned, 0) == pytest.approx(0.02)
    assert rate(planned, 2) == pytest.approx(0.01)


def line() -> keras.Model:
    """Return a network of one weight, which is 1."""
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    network.set_weights([np.ones((1, 1), np.float32)])
    return network


class Batch:
    """A batch whose label is far away, so that each step goes in one direction."""

    frames = np.ones((1, 1), np.float32)
    labels = np.full(1, 1000.0, np.float32)


def test_a_step_moves_a_weight_by_the_learning_rate_of_its_number(tmp_path: Path) -> None:
    """Adam's step is the learning rate while the gradient, which is clipped, is always the same.

    In the middle, another process goes on with the file that was saved.
    """
    planned = learning_rate.plan(COSINE, STEPS)
    learner = Learner.start(line(), planned)
    weights = [1.0]
    for step in range(120):
        if step == 60:
            learner.save(tmp_path / "step.h5")
            learner = Learner.load(tmp_path / "step.h5", line(), planned, math.inf)
        list(learner.train_steps([Batch()]))
        weights.append(float(learner.model.get_weights()[0].item()))
    expected = [rate(planned, step) for step in range(120)]
    np.testing.assert_allclose(np.diff(weights), expected, rtol=2e-2, atol=2e-6)
