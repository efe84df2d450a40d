"""The batches of a training: which samples, in which order, and what is read ahead."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from support.data.rows import rows

from contract.dataset.frame_blocks import BLOCK_FRAMES, BlockLayout, BlockReader
from contract.frames import spec
from trainer.data import sampler
from trainer.data import samples as index
from trainer.data.augmentation import variation
from trainer.data.batches import BatchShare, BatchSource
from trainer.data.samples import LabelledRecording, SampleTable

BATCH = 50


class AskedLoader:
    """Answers each request with the request itself, as soon as it is asked for."""

    def batches(self, requests: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        return iter(requests)


class ReadAhead:
    """Notes the blocks of one store that shall be read ahead."""

    def __init__(self) -> None:
        self.blocks: list[list[int]] = []

    def readahead(self, numbers: np.ndarray) -> None:
        self.blocks.append(numbers.tolist())


def table(*counts: int) -> SampleTable:
    """Return the table of recordings of so many rows, of which each fifth validates."""
    recordings = [rows(count, 1000.0 * number) for number, count in enumerate(counts)]
    train = [np.arange(count) % 5 != 0 for count in counts]
    labelled = [
        LabelledRecording(each, mask, mask, np.zeros(len(each), np.int64), each["steering"])
        for each, mask in zip(recordings, train, strict=True)
    ]
    expanded = index.expand(
        labelled,
        cameras=("center", "left", "right"),
        labeller=lambda steering, camera, speed: steering,
        flip=True,
        history=0,
    )
    return index.build_table(
        expanded,
        index.centre_frames(recordings, train),
        index.centre_frames(recordings, [~mask for mask in train]),
    )


def source(
    of: SampleTable, shuffle: str = "exact", seed: int = 7, stores: tuple[ReadAhead, ...] = ()
) -> BatchSource:
    return BatchSource(of, AskedLoader(), stores, BATCH, shuffle, seed)  # type: ignore[arg-type]


@pytest.mark.parametrize("use", ["validation", "train_centre"])
def test_recorded_samples_come_in_order_and_as_recorded(use: str) -> None:
    made = table(333, 120)
    numbers = getattr(made, use)
    batches = list(source(made).recorded(numbers))
    assert [len(batch) for batch in batches[:-1]] == [BATCH] * (len(batches) - 1)
    assert 0 < len(batches[-1]) <= BATCH
    asked = np.concatenate(batches)
    assert asked["number"].tolist() == numbers.tolist()
    assert not asked["key"].any()  # a sample without a key is not augmented
    for name in ("store", "frame", "label", "flip"):
        np.testing.assert_array_equal(asked[name], made.samples[numbers][name])


def test_no_numbers_ask_for_nothing() -> None:
    assert list(source(table(50)).recorded(np.empty(0, np.int64))) == []


@pytest.mark.parametrize("shuffle", ["exact", "blocks", "none"])
def test_an_epoch_has_each_sample_that_trains_once_and_with_its_key(shuffle: str) -> None:
    made = table(333, 120)
    asked = np.concatenate(list(source(made, shuffle).epoch(3, 0)))
    assert sorted(asked["number"]) == made.train.tolist()
    assert asked["key"].tolist() == variation.sample_keys(7, 3, asked["number"]).tolist()
    np.testing.assert_array_equal(asked["frame"], made.samples[asked["number"]]["frame"])


@pytest.mark.parametrize("shuffle", ["exact", "blocks"])
def test_seed_and_epoch_decide_the_order(shuffle: str) -> None:
    made = table(333)

    def order(seed: int, epoch: int) -> list[int]:
        numbers: list[int] = source(made, shuffle, seed).order(epoch).numbers.tolist()
        return numbers

    assert order(7, 1) == order(7, 1)
    assert order(7, 1) != order(7, 2)
    assert order(7, 1) != order(8, 1)
    assert order(7, 1) != made.train.tolist()


def test_each_way_of_shuffling_is_the_samplers() -> None:
    made = table(333, 120)
    samples = made.samples[made.train]
    unshuffled = source(made, "none").order(1).numbers
    places = [(each["store"], each["frame"]) for each in made.samples[unshuffled]]
    assert places == sorted(places)
    full = sampler.full_shuffle(made.train, 7, 1).numbers
    assert source(made, "exact").order(1).numbers.tolist() == full.tolist()
    windows = sampler.windowed_shuffle(made.train, samples, 7, 1)
    found = source(made, "blocks").order(1)
    assert found.numbers.tolist() == windows.numbers.tolist()
    assert found.starts.tolist() == windows.starts.tolist()


def test_an_epoch_that_goes_on_asks_for_the_rest() -> None:
    made = table(333)
    whole = [batch.tobytes() for batch in source(made).epoch(2, 0)]
    assert [batch.tobytes() for batch in source(made).epoch(2, 4)] == whole[4:]


def test_the_blocks_of_the_next_window_are_read_before_its_first_sample() -> None:
    """Each block is read ahead once, from its own store, in the window before it is used."""
    made = table(6000, 3000)
    stores = (ReadAhead(), ReadAhead())
    source_ = source(made, "blocks", stores=stores)
    order = source_.order(1)
    assert order.blocks is not None
    assert len(order.blocks) >= 5
    starts = [*order.starts.tolist(), len(order.numbers)]
    seen = 0
    for batch in source_.epoch(1, 0):
        seen += len(batch)
        begun = sum(start < seen for start in starts[:-1])
        assert len(stores[0].blocks) == len(stores[1].blocks) == min(begun, len(starts) - 2)
    for window, start in enumerate(starts[1:-1], 1):
        used = made.samples[order.numbers[start : starts[window + 1]]]
        for number, store in enumerate(stores):
            of_store = used["frame"][used["store"] == number] // BLOCK_FRAMES
            assert sorted(set(of_store.tolist())) == sorted(store.blocks[window - 1])


@pytest.mark.parametrize("shuffle", ["exact", "none"])
def test_nothing_is_read_ahead_without_windows(shuffle: str) -> None:
    store = ReadAhead()
    made = table(333)
    list(source(made, shuffle, stores=(store,)).epoch(1, 0))
    assert store.blocks == []


def test_whole_frames_are_those_of_the_stores(tmp_path: Path) -> None:
    made = table(20, 15)
    content = np.random.default_rng(1).integers(0, 256, (2, 60, *spec.SHAPE), dtype=np.uint8)
    with contextlib.ExitStack() as stack:
        readers = []
        for number in range(2):
            path = tmp_path / f"{number}.h5"
            path.write_bytes(content[number].tobytes())
            layout = BlockLayout(path, 60, 60, np.zeros(1, np.int64))
            readers.append(stack.enter_context(BlockReader(layout)))
        batches = BatchSource(made, AskedLoader(), readers, BATCH, "exact", 7)  # type: ignore[arg-type]
        frames = batches.whole_frames(made.validation)
    of = made.samples[made.validation]
    assert set(of["store"]) == {0, 1}
    np.testing.assert_array_equal(frames, content[of["store"], of["frame"]])


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
def test_the_pieces_of_all_workers_are_the_batches_of_one(workers: int) -> None:
    """Also those of the last batch, which fills no piece, or only the first ones."""
    samples = table(60, 40)
    whole = BatchSource(samples, AskedLoader(), [], BATCH, "exact", 3)
    parts = [
        BatchSource(samples, AskedLoader(), [], BATCH, "exact", 3, BatchShare(rank, workers))
        for rank in range(workers)
    ]
    expected = list(whole.epoch(2, 1))
    assert len(expected[-1]) < BATCH
    for batch, *pieces in zip(expected, *(part.epoch(2, 1) for part in parts), strict=True):
        np.testing.assert_array_equal(np.concatenate(pieces), batch)
        assert max(map(len, pieces)) <= -(-BATCH // workers)
    numbers = samples.validation
    for batch, *pieces in zip(
        whole.recorded(numbers), *(part.recorded(numbers) for part in parts), strict=True
    ):
        np.testing.assert_array_equal(np.concatenate(pieces), batch)
