import numpy as np

from trainer.training.epoch_state import EpochState

NUMBERS = np.arange(10)
LABELS = np.linspace(-1, 1, 10).astype(np.float32)


def seen(parts: list[np.ndarray], tally: EpochState | None = None) -> EpochState:
    tally = tally or EpochState(1)
    for part in parts:
        tally.add(NUMBERS[part], LABELS[part], 0.5)
    return tally


def test_the_digest_depends_on_the_batches() -> None:
    a, b = np.arange(5), np.arange(5, 10)
    assert seen([a, b]).digest == seen([a, b]).digest
    assert seen([a, b]).digest != seen([b, a]).digest
    assert seen([a]).digest != seen([b]).digest


def test_a_label_of_another_sample_changes_the_digest() -> None:
    right, wrong = EpochState(1), EpochState(1)
    right.add(NUMBERS, LABELS, 0.0)
    wrong.add(NUMBERS, LABELS[::-1], 0.0)
    assert right.digest != wrong.digest


def test_an_epoch_state_continues_from_its_saved_values() -> None:
    a, b = np.arange(5), np.arange(5, 10)
    kept = EpochState(**vars(seen([a])))
    assert seen([b], kept) == seen([a, b])


def test_the_loss_is_the_mean_over_samples_not_batches() -> None:
    tally = EpochState(1)
    assert tally.loss == 0.0
    tally.add(NUMBERS[:9], LABELS[:9], 1.0)
    tally.add(NUMBERS[9:], LABELS[9:], 11.0)
    assert (tally.loss, tally.batches, tally.samples) == (2.0, 2, 10)
