"""Simulated laps beside a person's own recordings: what trains, what validates, and how much."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pytest
from support.data.rows import dataset, rows

from contract.train_config import TrainConfig
from trainer.data import pipeline, sampler
from trainer.data.batches import BatchSource
from trainer.data.dataset_rows import DatasetRows
from trainer.data.pipeline import TrainingData
from trainer.data.samples import SampleTable
from trainer.data.split import split


class AskedLoader:
    """Answers each request with the request itself."""

    def batches(self, requests: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        return iter(requests)


def simulated(start_s: float, count: int = 600) -> DatasetRows:
    return dataclasses.replace(dataset(rows(count, start_s)), simulated=True)


def prepared(own: int = 300, laps: int = 2, **options: object) -> TrainingData:
    """Return what a training learns from: own rows, and 600 rows of each lap."""
    datasets = [
        dataset(rows(own)),
        *(simulated(10_000.0 * lap) for lap in range(1, laps + 1)),
    ]
    config = {"cameras": False, "flip": False, "leave_out_unfit": False, "split": "blocks"}
    return pipeline.prepare(datasets, TrainConfig(**{**config, **options}))  # type: ignore[arg-type]


def epoch(table: SampleTable, number: int, shuffle: str = "exact") -> list[int]:
    """Return the numbers of an epoch's samples, in their order."""
    source = BatchSource(table, AskedLoader(), (), 32, shuffle, 7)  # type: ignore[arg-type]
    numbers: list[int] = np.concatenate(list(source.epoch(number, 0)))["number"].tolist()
    return numbers


def test_laps_train_with_all_rows_and_validate_with_none() -> None:
    data = prepared()
    assert [bool(mask.any()) for mask in data.split.validation] == [True, False, False]
    assert [bool(mask.all()) for mask in data.split.train] == [False, True, True]
    assert set(data.table.samples["store"][data.table.validation]) == {0}
    assert len(data.table.train_centre) == len(data.table.own_centre) + 1200
    assert set(data.table.samples["store"][data.table.own_centre]) == {0}


@pytest.mark.parametrize("mode", ["auto", "blocks"])
def test_the_split_of_ones_own_rows_is_the_one_without_laps(mode: str) -> None:
    """With laps there are more than five recordings, of which whole ones would validate."""
    own = dataset(rows(600))
    alone = split([own], mode, 0.2, 1.0, 3)
    beside = split([own, *(simulated(10_000.0 * lap) for lap in range(1, 7))], mode, 0.2, 1.0, 3)
    np.testing.assert_array_equal(beside.validation[0], alone.validation[0])
    np.testing.assert_array_equal(beside.train[0], alone.train[0])


def test_bends_of_laps_are_no_reason_to_validate_ones_own_only_bend() -> None:
    """The laps have the bend ten times over, which does not teach the picture of one's own."""

    def lap(start_s: float) -> DatasetRows:
        table = rows(1100, start_s)
        table["steering"] = np.where((np.arange(1100) // 50) == 15, 0.3, -0.02)
        return dataset(table)

    own = lap(1000.0)
    laps = [dataclasses.replace(lap(10_000.0 * each), simulated=True) for each in range(1, 11)]
    bend = own.table["steering"] > 0
    for seed in range(20):
        parts = split([own, *laps], "blocks", 0.2, 1.0, seed)
        assert parts.train[0][bend].mean() >= 0.5


def test_laps_alone_are_split_as_any_recording() -> None:
    """Somebody who names nothing but laps wants to see how the model does on them."""
    parts = split([simulated(1000.0), simulated(9000.0)], "blocks", 0.2, 1.0, 1)
    assert all(mask.any() for mask in parts.validation)
    data = pipeline.prepare([simulated(1000.0)], TrainConfig(leave_out_unfit=False))
    assert len(data.table.simulated) == 0
    assert data.table.epoch_samples == len(data.table.train)


@pytest.mark.parametrize(
    ("own", "simulated_samples", "share", "expected"),
    [
        (100, 1000, 0.5, 100),
        (100, 1000, 0.2, 25),
        (100, 1000, 0.8, 400),
        (100, 30, 0.5, 30),
        (0, 30, 0.5, 0),
    ],
    ids=["half", "a-fifth", "four-fifths", "too-few", "none-of-ones-own"],
)
def test_the_share_of_an_epoch_that_is_simulated(
    own: int, simulated_samples: int, share: float, expected: int
) -> None:
    assert sampler.count_simulated(own, simulated_samples, share) == expected


@pytest.mark.parametrize("shuffle", ["exact", "blocks", "none"])
@pytest.mark.parametrize("share", [0.25, 0.5])
def test_an_epoch_has_ones_own_samples_once_and_that_share_of_simulated_ones(
    share: float, shuffle: str
) -> None:
    table = prepared(simulator_share=share).table
    own = set(table.train.tolist()) - set(table.simulated.tolist())
    numbers = epoch(table, 1, shuffle)
    assert len(numbers) == len(set(numbers)) == table.epoch_samples
    assert own < set(numbers)
    taken = table.samples["store"][numbers] > 0
    assert taken.mean() == pytest.approx(share, abs=0.01)
    assert set(table.samples["store"][numbers]) == {0, 1, 2}


def test_simulated_samples_take_turns() -> None:
    table = prepared(simulator_share=0.5).table
    seen: Counter[int] = Counter()
    simulated_samples = set(table.simulated.tolist())
    for number in range(1, 13):
        taken = set(epoch(table, number)) & simulated_samples
        assert len(taken) == table.simulated_per_epoch
        seen.update(taken)
    assert set(seen) == simulated_samples
    assert max(seen.values()) - min(seen.values()) <= 1


def test_an_epoch_depends_on_its_number_alone() -> None:
    """So a resumed training takes the samples that an undisturbed one takes."""
    table = prepared().table
    assert epoch(table, 5) == epoch(table, 5)
    rest: Sequence[np.ndarray] = list(
        BatchSource(table, AskedLoader(), (), 32, "exact", 7).epoch(5, 3)  # type: ignore[arg-type]
    )
    assert np.concatenate(rest)["number"].tolist() == epoch(table, 5)[3 * 32 :]


def test_laps_that_are_fewer_than_the_share_are_all_taken() -> None:
    table = prepared(own=3000, laps=1, simulator_share=0.5).table
    assert table.simulated_per_epoch == len(table.simulated) == 600
    assert sorted(epoch(table, 2)) == table.train.tolist()
