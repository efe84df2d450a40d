import numpy as np
import pytest

from contract.frames import spec
from trainer.data import sampler
from trainer.data import samples as index

GB = 1 << 30


def samples(stores: int, frames: int) -> np.ndarray:
    """Return six samples for each row of three frames, in order of time, as in a training."""
    table = np.zeros(stores * frames * 2, index.SAMPLE)
    table["store"] = np.repeat(np.arange(stores), frames * 2)
    table["frame"] = np.tile(np.arange(frames), 2 * stores)
    table["label"] = np.sin(np.arange(len(table)) / 500)
    return table


def test_a_full_shuffle_is_a_permutation_of_each_epochs_own() -> None:
    numbers = np.arange(100, 150)
    first, again, second = (sampler.full_shuffle(numbers, 1, epoch).numbers for epoch in (1, 1, 2))
    assert sorted(first) == numbers.tolist()
    assert first.tolist() == again.tolist() != second.tolist()
    assert sampler.full_shuffle(numbers, 2, 1).numbers.tolist() != first.tolist()


def test_a_windowed_shuffle_has_every_sample_once() -> None:
    table = samples(2, 5000)
    numbers = np.arange(len(table))
    first, again, second = (
        sampler.windowed_shuffle(numbers, table, 1, epoch) for epoch in (1, 1, 2)
    )
    assert sorted(first.numbers) == numbers.tolist()
    assert first.numbers.tolist() == again.numbers.tolist() != second.numbers.tolist()


def test_a_windows_samples_lie_in_its_blocks() -> None:
    table = samples(3, 4000)
    chosen = sampler.windowed_shuffle(np.arange(len(table)), table, 1, 1)
    assert chosen.blocks is not None
    assert len(chosen.blocks) == 3  # 375 blocks, 128 at a time
    ends = [*chosen.starts[1:].tolist(), len(table)]
    for start, end, blocks in zip(chosen.starts, ends, chosen.blocks, strict=True):
        seen = table[chosen.numbers[start:end]]
        pairs = set(zip(seen["store"].tolist(), (seen["frame"] // 32).tolist(), strict=True))
        assert pairs == set(map(tuple, blocks.tolist()))


def test_few_blocks_form_one_window_which_is_fully_shuffled() -> None:
    table = samples(1, 1000)
    chosen = sampler.windowed_shuffle(np.arange(len(table)), table, 1, 1)
    assert chosen.starts.tolist() == [0]


def test_a_windowed_shuffle_mixes_almost_as_well_as_a_full_one() -> None:
    """The measures are the blocks in a batch, and the spread of the mean labels of batches."""
    table = samples(4, 32 * 500)
    numbers = np.arange(len(table))

    def quality(of: np.ndarray) -> tuple[float, float]:
        batches = of[: len(of) // 64 * 64].reshape(-1, 64)
        seen = table[batches]
        blocks = seen["store"].astype(int) * 10_000 + seen["frame"] // 32
        distinct = np.mean([len(set(row)) for row in blocks.tolist()])
        return float(distinct), float(seen["label"].mean(axis=1).var())

    full, mixed = (
        np.mean([quality(of(seed)) for seed in range(5)], axis=0)
        for of in (
            lambda seed: sampler.full_shuffle(numbers, seed, 1).numbers,
            lambda seed: sampler.windowed_shuffle(numbers, table, seed, 1).numbers,
        )
    )
    assert mixed[0] >= 0.8 * full[0]
    assert mixed[1] == pytest.approx(full[1], rel=0.35)


def test_storage_order_is_the_order_of_the_files() -> None:
    table = samples(2, 30)[::-1]
    seen = table[sampler.storage_order(np.arange(len(table)), table).numbers]
    pairs = list(zip(seen["store"].tolist(), seen["frame"].tolist(), strict=True))
    assert pairs == sorted(pairs)


def test_batches_can_start_from_any_batch() -> None:
    chosen = sampler.full_shuffle(np.arange(50), 1, 1)
    whole = [numbers.tolist() for numbers, _ in chosen.batches(8)]
    assert [len(each) for each in whole] == [8] * 6 + [2]
    assert [numbers.tolist() for numbers, _ in chosen.batches(8, 4)] == whole[4:]


def test_a_batch_names_the_windows_that_begin_in_it() -> None:
    chosen = sampler.EpochOrder(np.arange(20), np.array([0, 7, 8, 19]))
    assert [begun for _, begun in chosen.batches(8)] == [[0, 1], [2], [3]]


@pytest.mark.parametrize(
    ("gigabytes", "disk", "expected"),
    [(1.0, 10.0, "exact"), (9.0, 10.0, "blocks"), (9.0, 50_000.0, "exact")],
)
def test_blocks_are_chosen_if_memory_is_small_and_the_disk_slow(
    gigabytes: float, disk: float, expected: str
) -> None:
    frames = int(gigabytes * GB / spec.BYTES)
    how, why = sampler.choose_strategy(frames, 8 * GB, disk)
    assert how == expected
    assert "8.6 GB of memory" in why


def test_an_order_without_windows_begins_one_and_reads_nothing_ahead() -> None:
    table = samples(1, 30)
    for chosen in (
        sampler.full_shuffle(np.arange(60), 1, 1),
        sampler.storage_order(np.arange(60), table),
    ):
        assert chosen.starts.tolist() == [0]
        assert chosen.blocks is None
        assert [begun for _, begun in chosen.batches(25)] == [[0], [], []]


def test_a_window_has_a_tenth_of_the_blocks_of_a_large_store() -> None:
    table = np.zeros(4000, index.SAMPLE)
    table["frame"] = np.arange(4000) * 32
    chosen = sampler.windowed_shuffle(np.arange(4000), table, 1, 1)
    assert chosen.blocks is not None
    assert [len(blocks) for blocks in chosen.blocks] == [400] * 10
    assert chosen.starts.tolist() == list(range(0, 4000, 400))


def test_the_last_window_has_the_rest_of_the_blocks() -> None:
    table = np.zeros(300, index.SAMPLE)
    table["frame"] = np.arange(300) * 32
    chosen = sampler.windowed_shuffle(np.arange(300), table, 1, 1)
    assert chosen.blocks is not None
    assert [len(blocks) for blocks in chosen.blocks] == [128, 128, 44]


def test_four_fifths_of_the_free_memory_may_hold_frames() -> None:
    free = 1000 * spec.BYTES
    assert not sampler.exceeds_memory(800, free)
    assert sampler.exceeds_memory(801, free)
    assert sampler.choose_strategy(800, free, 1.0)[0] == "exact"
    assert sampler.choose_strategy(801, free, 1.0)[0] == "blocks"


def test_a_disk_that_keeps_up_with_a_processor_is_fast() -> None:
    for rate, how in ((1000.0, "blocks"), (3000.0, "blocks"), (4000.0, "exact")):
        found, why = sampler.choose_strategy(2_000_000, GB, rate)
        assert found == how
        assert f"{rate:,.0f} random frames/s" in why
        assert "98.3 GB of frames, 1.1 GB of memory" in why
