from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from contract.errors import TrainingError
from trainer.learner import Learner


def tiny() -> keras.Model:
    """Return a network that learns the mean brightness in a few steps."""
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((4, 4, 3), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(1),
        ]
    )


def batches(count: int, label: float | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    random = np.random.default_rng(5)
    for _ in range(count):
        frames = random.integers(0, 256, (16, 4, 4, 3), dtype=np.uint8)
        labels = frames.mean((1, 2, 3)) / 255
        yield frames, (labels if label is None else np.full(16, label)).astype(np.float32)


def ignore(count: int, loss: float) -> None:
    """Take no notice of a step."""


def test_training_lowers_the_loss() -> None:
    learner = Learner.start(tiny(), 0.01)
    first = learner.train(batches(40), ignore)
    for _ in range(3):
        last = learner.train(batches(40), ignore)
    assert last < first / 2


def test_the_loss_of_an_epoch_is_the_mean_over_its_samples() -> None:
    learner = Learner.start(tiny(), 1e-12)  # so small that the weights stand still
    data = list(batches(3))
    answers = learner.predict(iter(data))
    labels = np.concatenate([part for _, part in data])
    assert learner.train(iter(data), ignore) == pytest.approx(
        np.mean((answers - labels) ** 2), 1e-4
    )


def test_each_step_is_told() -> None:
    told: list[int] = []
    Learner.start(tiny(), 0.01).train(batches(3), lambda count, loss: told.append(count))
    assert told == [16, 32, 48]


def test_a_loss_that_is_no_number_stops_the_training() -> None:
    with pytest.raises(TrainingError, match="the loss is no number any more: got nan"):
        Learner.start(tiny(), 0.01).train(batches(2, float("nan")), ignore)


def test_an_explosion_stops_the_training() -> None:
    learner = Learner.start(tiny(), 0.01)
    learner.train(batches(5), ignore)
    with pytest.raises(TrainingError, match="the loss exploded, to 10 times"):
        learner.train(batches(5, 1000.0), ignore)


def test_an_explosion_is_noticed_before_the_epochs_end() -> None:
    learner = Learner.start(tiny(), 0.01)
    learner.train(batches(5), ignore)
    told: list[int] = []
    with pytest.raises(TrainingError):
        learner.train(batches(1000, 1000.0), lambda count, loss: told.append(count))
    assert len(told) == 50


def test_what_was_saved_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    learner = Learner.start(tiny(), 0.01)
    learner.train(batches(10), ignore)
    learner.save(tmp_path / "epoch-1.keras")
    resumed = Learner.load(tmp_path / "epoch-1.keras", best_loss=1.0)
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-1.keras"]
    assert resumed.train(batches(10), ignore) == learner.train(batches(10), ignore)
