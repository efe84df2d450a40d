from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pytest
from support.data.dropout_network import mixed

from contract.errors import ModelError, TrainingError
from trainer.training.learner import Learner


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


class Batch(NamedTuple):
    frames: np.ndarray
    labels: np.ndarray
    numbers: np.ndarray


def batches(count: int, label: float | None = None) -> Iterator[Batch]:
    random = np.random.default_rng(5)
    for number in range(count):
        frames = random.integers(0, 256, (16, 4, 4, 3), dtype=np.uint8)
        labels = frames.mean((1, 2, 3)) / 255
        labels = (labels if label is None else np.full(16, label)).astype(np.float32)
        yield Batch(frames, labels, np.arange(16 * number, 16 * (number + 1)))


def epoch(learner: Learner, count: int, label: float | None = None) -> float:
    """Train on `count` batches and return their mean loss."""
    loss = float(np.mean([each for _, each in learner.train_steps(batches(count, label))]))
    learner.end_epoch(loss)
    return loss


def test_training_lowers_the_loss() -> None:
    learner = Learner.start(tiny(), 0.01)
    first = epoch(learner, 40)
    for _ in range(3):
        last = epoch(learner, 40)
    assert last < first / 2


def test_a_steps_loss_is_the_mean_over_its_batch() -> None:
    learner = Learner.start(tiny(), 1e-12)  # so small that the weights stand still
    data = list(batches(3))
    answers = learner.predict(iter(data)).reshape(3, 16)
    for (batch, loss), each in zip(learner.train_steps(iter(data)), answers, strict=True):
        assert loss == pytest.approx(np.mean((each - batch.labels) ** 2), 1e-4)


def test_a_step_is_computed_only_on_request() -> None:
    source = batches(3)
    steps = Learner.start(tiny(), 0.01).train_steps(source)
    next(steps)
    assert len(list(source)) == 2


def test_a_loss_that_is_not_finite_stops_the_training() -> None:
    with pytest.raises(TrainingError, match="the loss is not a finite number any more: got nan"):
        epoch(Learner.start(tiny(), 0.01), 2, float("nan"))


def test_divergence_stops_the_training() -> None:
    learner = Learner.start(tiny(), 0.01)
    epoch(learner, 5)
    with pytest.raises(TrainingError, match="the loss diverged: it exceeds 10 times"):
        epoch(learner, 5, 1000.0)


def test_divergence_is_noticed_before_the_end_of_the_epoch() -> None:
    learner = Learner.start(tiny(), 0.01)
    epoch(learner, 5)
    source = batches(1000, 1000.0)
    with pytest.raises(TrainingError):
        list(learner.train_steps(source))
    assert len(list(source)) == 1000 - 50


def test_a_saved_learner_continues_as_if_uninterrupted(tmp_path: Path) -> None:
    learner = Learner.start(tiny(), 0.01)
    epoch(learner, 10)
    learner.save(tmp_path / "epoch-1.h5")
    resumed = Learner.load(tmp_path / "epoch-1.h5", tiny(), 0.01, best_loss=1.0)
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-1.h5"]
    assert epoch(resumed, 10) == epoch(learner, 10)


def test_a_training_in_bfloat16_repeats_to_the_bit_and_resumes_so(tmp_path: Path) -> None:
    """What is saved is float32, so nothing is lost between two processes."""
    first, second = (Learner.start(mixed(), 0.01) for _ in range(2))
    assert epoch(first, 5) == epoch(second, 5)
    first.save(tmp_path / "epoch-1.h5")
    resumed = Learner.load(tmp_path / "epoch-1.h5", mixed(), 0.01, best_loss=1.0)
    assert epoch(resumed, 5) == epoch(second, 5)
    for ours, theirs in zip(resumed.model.get_weights(), second.model.get_weights(), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def test_a_network_of_another_release_is_refused(tmp_path: Path) -> None:
    Learner.start(tiny(), 0.01).save(tmp_path / "epoch-1.h5")
    other = keras.Sequential(
        [keras.Input((4, 4, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    with pytest.raises(ModelError, match=r"epoch-1\.h5 holds .* of another network: got .*kernel"):
        Learner.load(tmp_path / "epoch-1.h5", other, 0.01, best_loss=1.0)


def test_dropout_continues_from_its_saved_state(tmp_path: Path) -> None:
    def dropping() -> keras.Model:
        keras.utils.set_random_seed(1)
        layers = keras.layers
        return keras.Sequential(
            [
                keras.Input((4, 4, 3), dtype="uint8"),
                layers.Rescaling(1 / 255),
                layers.Flatten(),
                layers.Dropout(0.5),
                layers.Dense(1),
            ]
        )

    learner = Learner.start(dropping(), 0.01)
    epoch(learner, 3)
    learner.save(tmp_path / "epoch-1.h5")
    resumed = Learner.load(tmp_path / "epoch-1.h5", dropping(), 0.01, best_loss=1.0)
    assert epoch(resumed, 3) == epoch(learner, 3)


def two_outputs() -> keras.Model:
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((4, 4, 3), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(2),
        ]
    )


def test_the_loss_of_two_outputs_is_the_sum_of_their_errors() -> None:
    """Where a speed has no label, only the steering counts; NumPy adds up the same."""
    speed = np.random.default_rng(3).uniform(0, 1, 48).astype(np.float32)
    speed[::3] = np.nan
    learner = Learner.start(two_outputs(), 1e-12, speed)  # so small that the weights stand still
    data = list(batches(3))
    answers = learner.predict(iter(data)).reshape(3, 16, 2)
    for (batch, loss), each in zip(learner.train_steps(iter(data)), answers, strict=True):
        of_speed = np.nan_to_num(each[:, 1] - speed[batch.numbers])
        expected = np.mean((each[:, 0] - batch.labels) ** 2 + of_speed**2)
        assert loss == pytest.approx(expected, 1e-4)


def test_a_speed_without_any_label_leaves_the_steering_as_it_is_alone() -> None:
    """The gradient of what has no label is 0, and not NaN."""
    alone = Learner.start(tiny(), 0.01)
    beside = Learner.start(two_outputs(), 0.01, np.full(160, np.nan, np.float32))
    kernel, bias = alone.model.layers[-1].get_weights()
    own = beside.model.layers[-1].get_weights()
    beside.model.layers[-1].set_weights(
        [np.hstack([kernel, own[0][:, 1:]]), np.hstack([bias, own[1][1:]])]
    )
    second = beside.model.layers[-1].get_weights()[0][:, 1].copy()
    losses = [epoch(learner, 10) for learner in (alone, beside)]
    assert losses[0] == pytest.approx(losses[1], 1e-4)
    after = beside.model.layers[-1].get_weights()[0]
    np.testing.assert_array_equal(after[:, 1], second)
    np.testing.assert_allclose(after[:, :1], alone.model.layers[-1].get_weights()[0], atol=1e-3)


def test_both_outputs_learn() -> None:
    """Each sample's speed is twice its steering's brightness."""
    labels = np.concatenate([batch.labels for batch in batches(40)])
    learner = Learner.start(two_outputs(), 0.01, 2 * labels)
    for _ in range(6):
        epoch(learner, 40)
    answers = learner.predict(batches(40))
    assert np.std(answers[:, 0] - labels) < np.std(labels) / 2
    assert np.std(answers[:, 1] - 2 * labels) < np.std(2 * labels) / 2
