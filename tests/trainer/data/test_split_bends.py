"""Which bends validation leaves to the training."""

from collections.abc import Sequence

import numpy as np
import pytest
from support.data.rows import dataset, rows

from trainer.data.dataset_rows import DatasetRows
from trainer.data.split import split


def lap(start_s: float = 1000.0) -> DatasetRows:
    """Return a lap of 110 s with three bends to the left and a single one to the right."""
    table = rows(1100, start_s)
    time_s = np.arange(1100) / 10
    table["steering"] = -0.02
    for begin, steering in ((5, -0.15), (40, -0.25), (65, -0.15), (74, 0.25)):
        table["steering"][(time_s >= begin) & (time_s < begin + 5)] = steering
    # A keyboard's strokes: only their mean says how sharp the bend is.
    table["steering"] *= np.where(np.arange(1100) % 5 < 2, 2.5, 0.0)
    return dataset(table)


def share_that_trains(datasets: Sequence[DatasetRows], seed: int, keep_bends: bool) -> float:
    """Return the share of the rows of the bend to the right that train."""
    parts = split(datasets, "blocks", 0.2, 1.0, seed, keep_bends=keep_bends)
    bend = np.concatenate([each.table["steering"] > 0 for each in datasets])
    return float(np.concatenate(parts.train)[bend].mean())


@pytest.mark.parametrize("laps", [1, 2])
def test_validation_leaves_the_only_bend_to_a_side_to_the_training(laps: int) -> None:
    datasets = [lap(1000.0 + 5000 * number) for number in range(laps)]
    shares = [share_that_trains(datasets, seed, True) for seed in range(30)]
    assert min(shares) >= 0.6
    anywhere = [share_that_trains(datasets, seed, False) for seed in range(30)]
    assert min(anywhere) < 0.3


def test_blocks_validate_bends_of_which_others_train() -> None:
    """Otherwise the error of the validation would be that of the straights."""
    recording = lap()
    bends = np.abs(recording.table["steering"]) > 0.1
    validated = [
        split([recording], "blocks", 0.2, 1.0, seed).validation[0][bends].sum()
        for seed in range(20)
    ]
    assert np.mean(np.array(validated) > 0) > 0.5


def test_a_block_that_takes_no_bend_lies_where_it_was_drawn() -> None:
    plain = rows(1100)
    plain["steering"] = 0.0
    for seed in range(5):
        with_bends, without = (
            split([dataset(plain)], "blocks", 0.2, 1.0, seed, keep_bends=keep)
            for keep in (True, False)
        )
        np.testing.assert_array_equal(with_bends.validation[0], without.validation[0])
