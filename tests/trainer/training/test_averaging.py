"""Averaged weights, beside NumPy's average of the weights after each step.

The whole file runs again with JAX, and with PyTorch where it is installed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from support import backends
from support.data.dropout_network import mixed, network

from trainer.training.learner import Learner

HORIZON = 7.5
"""Number of steps over which weights are averaged."""


KINDS = pytest.mark.parametrize("build", [network, mixed], ids=["float32", "bfloat16"])
Build = Callable[[], keras.Model]


class Batch:
    """A batch of random frames whose label is their brightness."""

    def __init__(self, number: int) -> None:
        random = np.random.default_rng(number)
        self.frames = random.integers(0, 256, (16, 4, 4, 3), dtype=np.uint8)
        self.labels = (self.frames.mean((1, 2, 3)) / 255).astype(np.float32)


def train(learner: Learner, first: int, last: int) -> list[list[np.ndarray]]:
    """Train on some batches by their numbers, and return the weights after each."""
    batches = [Batch(number) for number in range(first, last)]
    return [learner.model.get_weights() for _ in learner.train_steps(batches)]


def averaged(learner: Learner) -> list[np.ndarray]:
    with learner.averaged():
        return [weights.copy() for weights in learner.model.get_weights()]


def assert_equal(one: list[np.ndarray], other: list[np.ndarray]) -> None:
    for ours, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@KINDS
def test_the_average_is_that_of_numpy(build: Build) -> None:
    learner = Learner.start(build(), 0.05, averaging_steps=HORIZON)
    steps = train(learner, 0, 20)
    keep = math.exp(-1 / HORIZON)
    # The first step's weights stand for all that would have been before.
    shares = [keep**19, *((1 - keep) * keep ** (19 - step) for step in range(1, 20))]
    assert sum(shares) == pytest.approx(1)
    for found, *values in zip(averaged(learner), *steps, strict=True):
        expected = np.tensordot(shares, np.asarray(values, np.float64), 1)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=2e-6)
        assert np.abs(found - values[-1]).max() > 1e-4


@KINDS
def test_a_look_at_the_average_changes_nothing(build: Build) -> None:
    seen, unseen = (Learner.start(build(), 0.05, averaging_steps=HORIZON) for _ in range(2))
    for first in range(0, 9, 3):
        assert_equal(train(seen, first, first + 3)[-1], train(unseen, first, first + 3)[-1])
        own = seen.model.get_weights()
        averaged(seen)
        assert_equal(seen.model.get_weights(), own)
    assert_equal(averaged(seen), averaged(unseen))


@KINDS
def test_a_saved_average_goes_on_to_the_bit(build: Build, tmp_path: Path) -> None:
    learner = Learner.start(build(), 0.05, averaging_steps=HORIZON)
    train(learner, 0, 5)
    learner.save(tmp_path / "step.h5")
    resumed = Learner.load(tmp_path / "step.h5", build(), 0.05, math.inf, averaging_steps=HORIZON)
    assert_equal(averaged(resumed), averaged(learner))
    assert_equal(train(resumed, 5, 9)[-1], train(learner, 5, 9)[-1])
    assert_equal(averaged(resumed), averaged(learner))


def test_answers_are_those_of_the_averaged_weights() -> None:
    learner = Learner.start(network(), 0.05, averaging_steps=HORIZON)
    train(learner, 0, 20)
    other = network()
    other.set_weights(averaged(learner))
    batch = Batch(100)
    with learner.averaged():
        found = learner.predict([batch])
    np.testing.assert_allclose(found, Learner(other).predict([batch]), atol=1e-6)
    assert np.abs(found - learner.predict([batch])).max() > 1e-4


def test_an_error_leaves_the_network_its_own_weights() -> None:
    learner = Learner.start(network(), 0.05, averaging_steps=HORIZON)
    own = train(learner, 0, 5)[-1]
    with pytest.raises(RuntimeError), learner.averaged():
        raise RuntimeError
    assert_equal(learner.model.get_weights(), own)


def test_before_the_first_step_the_average_is_the_network_itself() -> None:
    """Keras keeps zeros there until then."""
    learner = Learner.start(network(), 0.05, averaging_steps=HORIZON)
    learner.model.optimizer.build(learner.model.trainable_variables)
    assert_equal(averaged(learner), network().get_weights())


def test_without_averaging_the_weights_are_the_last_ones() -> None:
    learner = Learner.start(network(), 0.05)
    last = train(learner, 0, 5)[-1]
    assert_equal(averaged(learner), last)
    assert_equal(averaged(Learner(network())), network().get_weights())


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="this is the other backend")
@pytest.mark.parametrize("backend", backends.OTHERS)
def test_other_backends_average_alike(backend: str) -> None:
    backends.run_on(backend, [Path(__file__)])
