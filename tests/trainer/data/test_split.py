from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.data.rows import dataset, rows

from contract.dataset import overlap
from contract.dataset.row_identity import near
from contract.errors import TrainingError
from trainer.data.dataset_rows import DatasetRows, Mask
from trainer.data.split import split


@given(
    count=st.integers(80, 3000),
    share=st.floats(0.05, 0.5),
    gap_s=st.floats(0.1, 2.0),
    seed=st.integers(0, 1000),
)
def test_no_training_row_lies_within_the_gap_of_a_validation_row(
    count: int, share: float, gap_s: float, seed: int
) -> None:
    table = rows(count)
    parts = split([dataset(table)], "blocks", share, gap_s, seed)
    train, validation = table["time_s"][parts.train[0]], table["time_s"][parts.validation[0]]
    assert np.abs(train[:, None] - validation[None]).min() > gap_s
    assert len(validation) == pytest.approx(share * count, abs=5)


def test_blocks_are_contiguous_and_spread_over_the_recording() -> None:
    mask = split([dataset(rows(3000))], "blocks", 0.2, 1.0, 1).validation[0]
    starts = np.flatnonzero(np.diff(mask.astype(int)) == 1)
    assert len(starts) == 5
    assert set(starts // 600) == {0, 1, 2, 3, 4}


def test_a_recording_too_short_for_two_blocks_has_one() -> None:
    """A fifth of 30 s is 6 s, and a block takes four gaps or more; 62 s are three of 20 s."""
    mask = split([dataset(rows(300))], "blocks", 0.2, 1.0, 1).validation[0]
    assert mask.sum() == 60
    assert np.ptp(np.flatnonzero(mask)) == 59
    mask = split([dataset(rows(3100))], "blocks", 0.2, 5.0, 1).validation[0]
    assert abs(mask.sum() - 620) <= 3  # each of them is rounded
    assert np.count_nonzero(np.diff(mask.astype(int)) == 1) == 3


def test_the_same_time_in_two_recordings_is_on_one_side() -> None:
    whole, piece = rows(1000), rows(400)  # the first 400 rows, imported once more
    parts = split([dataset(whole), dataset(piece)], "blocks", 0.2, 1.0, 1)
    trained = {
        time
        for table, mask in zip((whole, piece), parts.train, strict=True)
        for time in table["time_s"][mask]
    }
    held_out = {
        time
        for table, mask in zip((whole, piece), parts.validation, strict=True)
        for time in table["time_s"][mask]
    }
    assert not trained & held_out


def test_five_recordings_are_split_as_whole_recordings() -> None:
    tables = [dataset(rows(100, start_s=1000.0 * number)) for number in range(5)]
    parts = split(tables, "auto", 0.2, 1.0, 1)
    assert sorted(mask.all() for mask in parts.validation) == [False] * 4 + [True]
    assert all(mask.all() or not mask.any() for mask in parts.validation)


@pytest.mark.parametrize(("number", "share", "held_out"), [(2, 0.2, 1), (3, 0.9, 2)])
def test_of_few_recordings_one_validates_and_one_trains(
    number: int, share: float, held_out: int
) -> None:
    tables = [dataset(rows(100, start_s=1000.0 * each)) for each in range(number)]
    parts = split(tables, "recordings", share, 1.0, 1)
    assert sum(mask.all() for mask in parts.validation) == held_out
    assert sum(mask.all() for mask in parts.train) == number - held_out


def test_four_recordings_are_split_by_blocks() -> None:
    tables = [dataset(rows(500, start_s=1000.0 * number)) for number in range(4)]
    assert all(
        mask.any() and not mask.all() for mask in split(tables, "auto", 0.2, 1.0, 1).validation
    )


def test_the_seed_decides_the_split() -> None:
    table = [dataset(rows(1000))]
    first, again, other = (split(table, "blocks", 0.2, 1.0, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.validation[0], again.validation[0])
    assert (first.validation[0] != other.validation[0]).any()


def test_a_recording_too_short_to_split_is_refused() -> None:
    with pytest.raises(TrainingError, match="leaves no row to train on"):
        split([dataset(rows(12))], "blocks", 0.2, 5.0, 1)


def test_one_recording_cannot_be_split_as_a_whole() -> None:
    with pytest.raises(
        TrainingError, match="a split by recordings needs at least two recordings: got 1"
    ):
        split([dataset(rows(500))], "recordings", 0.2, 1.0, 1)


def test_two_drives_at_the_same_time_do_not_cost_each_other_rows() -> None:
    """Two people drove at once, or the clocks of two simulators started at the same time."""
    one, other = rows(1000), rows(1000)
    other["steering"] += 0.5
    parts = split([dataset(one), dataset(other)], "blocks", 0.2, 1.0, 1)
    alone = split([dataset(one)], "blocks", 0.2, 1.0, 1)
    assert parts.train[0].sum() == alone.train[0].sum()
    assert parts.train[1].sum() > 600


def test_a_frame_that_two_sessions_hold_is_on_one_side() -> None:
    """A recording was joined to a copy of itself under other names; its clock steps back there."""
    table = np.concatenate([rows(600), rows(600)])
    joined = dataset(table)
    parts = split([joined], "blocks", 0.2, 1.0, 1)
    trained, validated = joined.ids[parts.train[0]], joined.ids[parts.validation[0]]
    assert len(validated)
    assert not np.isin(trained, validated).any()
    stamps_s = table["time_s"]
    distance_s = stamps_s[parts.train[0]][:, None] - stamps_s[parts.validation[0]][None]
    assert np.abs(distance_s).min() > 1.0


def test_the_rows_of_a_store_out_of_order_keep_their_distance_in_true_time() -> None:
    """Release 0.1.0 stored a shuffled log as it was."""
    table = rows(1500)[np.random.default_rng(4).permutation(1500)]
    parts = split([dataset(table)], "blocks", 0.2, 1.0, 1)
    stamps_s = table["time_s"]
    validated = np.sort(stamps_s[parts.validation[0]])
    trained = stamps_s[parts.train[0]]
    assert len(trained) == 0 or np.abs(trained[:, None] - validated[None]).min() > 1.0


def test_without_stamps_the_parts_of_one_recording_are_known_by_their_frames() -> None:
    whole = rows(1000)
    whole["time_s"] = np.nan
    ids = np.arange(1000, dtype=np.uint64)
    datasets = [
        dataset(whole[:600], ids[:600], usable=ids[:600] < 400),
        dataset(whole[400:], ids[400:]),
    ]
    parts = split(datasets, "blocks", 0.2, 1.0, 2)
    pairs = list(zip((ids[:600], ids[400:]), parts.train, parts.validation, strict=True))
    trained = np.concatenate([numbers[train] for numbers, train, _ in pairs]).astype(int)
    validated = np.concatenate([numbers[held] for numbers, _, held in pairs]).astype(int)
    assert len(np.unique(trained)) == len(trained) > 500
    # Rows without stamps are 1/15 s apart, so a gap of a second has 15 of them.
    assert np.abs(trained[:, None] - validated[None]).min() > 15


def test_unusable_rows_neither_train_nor_validate() -> None:
    usable = np.arange(1000) % 100 < 60
    parts = split([dataset(rows(1000), usable=usable)], "blocks", 0.2, 1.0, 1)
    assert not (parts.train[0] | parts.validation[0])[~usable].any()
    assert parts.validation[0].sum() == pytest.approx(0.2 * 600, abs=5)


@given(
    count=st.integers(200, 2000),
    share=st.floats(0.05, 0.5),
    gap_s=st.floats(0.1, 1.0),
    seed=st.integers(0, 1000),
    before=st.integers(0, 1000),
)
def test_rows_near_one_that_trained_before_never_validate(
    count: int, share: float, gap_s: float, seed: int, before: int
) -> None:
    """`before` is the seed with which an ancestor was trained on the same recording."""
    table = rows(count)
    trained = split([dataset(table)], "blocks", 0.3, gap_s, before).train
    parts = split([dataset(table)], "blocks", share, gap_s, seed, trained)
    earlier, time_s = table["time_s"][trained[0]], table["time_s"][parts.validation[0]]
    assert np.abs(earlier[:, None] - time_s[None]).min() > gap_s
    distance_s = np.abs(earlier[:, None] - table["time_s"][None]).min(axis=0)
    eligible = int((distance_s > gap_s).sum())
    assert len(time_s) == pytest.approx(min(share * count, eligible), abs=5)
    train = table["time_s"][parts.train[0]]
    assert np.abs(train[:, None] - time_s[None]).min() > gap_s


@pytest.mark.parametrize("sign", [1, -1], ids=["goes_on", "goes_before"])
@pytest.mark.parametrize(
    ("others_s", "trained_s"),
    [((18.0, 20.0, 20.5, 22.5, 24.5), 20.5), ((19.5, 21.5, 23.5), 19.5)],
    ids=["shares_two_rows", "begins_before_the_end"],
)
def test_a_drive_that_goes_on_from_another_keeps_its_distance(
    sign: int, others_s: tuple[float, ...], trained_s: float
) -> None:
    """One of its rows trained before, half a second from the end of the other drive.

    Rows are 2 s apart. So two shared ones lie further apart than the gap, and only their frames
    show that it is one drive.
    """
    one_s, other_s = np.sort(sign * np.arange(0.0, 21.0, 2.0)), np.sort(sign * np.array(others_s))
    tables = [rows(len(one_s)), rows(len(other_s))]
    for table, time_s in zip(tables, (one_s, other_s), strict=True):
        table["time_s"] = time_s
        table["steering"] = time_s / 1000
    trained = [np.zeros(len(one_s), np.bool_), other_s == sign * trained_s]
    parts = split([dataset(each) for each in tables], "blocks", 1.0, 1.0, 1, trained)
    for mask, time_s in zip(parts.validation, (one_s, other_s), strict=True):
        np.testing.assert_array_equal(mask, np.abs(time_s - sign * trained_s) > 1.0)


def test_a_part_of_a_drive_that_trained_before_is_known_in_another_recording() -> None:
    """The second recording is the first 400 rows of the first one, imported once more."""
    whole, piece = rows(1000), rows(400)
    trained = [np.zeros(1000, np.bool_), np.ones(400, np.bool_)]
    validation = split([dataset(whole), dataset(piece)], "blocks", 0.2, 1.0, 1, trained).validation
    assert whole["time_s"][validation[0]].min() > piece["time_s"].max() + 1.0
    assert not validation[1].any()


def test_rows_that_trained_nothing_change_no_split() -> None:
    for mode, number in (("blocks", 3), ("recordings", 3), ("auto", 6)):
        tables = [dataset(rows(300, start_s=1000.0 * each)) for each in range(number)]
        none = [np.zeros(300, np.bool_)] * number
        without, with_none = (split(tables, mode, 0.2, 1.0, 4, masks) for masks in ((), none))
        for one, other in zip(without.validation, with_none.validation, strict=True):
            np.testing.assert_array_equal(one, other)


def test_only_recordings_without_rows_that_trained_before_validate_as_a_whole() -> None:
    tables = [dataset(rows(100, start_s=1000.0 * number)) for number in range(6)]
    trained = [np.zeros(100, np.bool_) for _ in tables]
    for number in (0, 1, 2, 4):
        trained[number][50] = True
    for seed in range(20):
        parts = split(tables, "auto", 0.2, 1.0, seed, trained)
        held_out = [number for number, mask in enumerate(parts.validation) if mask.any()]
        assert held_out in ([3], [5])


def test_blocks_validate_where_every_recording_has_rows_that_trained_before() -> None:
    tables = [dataset(rows(300, start_s=1000.0 * number)) for number in range(5)]
    trained = [np.arange(300) < 100 for _ in tables]
    parts = split(tables, "auto", 0.2, 1.0, 1, trained)
    assert all(mask[110:].any() and not mask[:110].any() for mask in parts.validation)
    with pytest.raises(TrainingError, match="needs a recording that trained no ancestor"):
        split(tables, "recordings", 0.2, 1.0, 1, trained)


def test_where_all_rows_trained_before_a_new_recording_is_asked_for() -> None:
    with pytest.raises(TrainingError, match=r"no row is left to validate on.*Add a new recording"):
        split([dataset(rows(500))], "blocks", 0.2, 1.0, 1, [np.ones(500, np.bool_)])


def related_recordings(seed: int) -> list[DatasetRows]:
    """Return recordings of which some go on where others end, overlap, or have no time stamps.

    Their frames are partly the same: as parts of one drive, at other times, or all of them.
    """
    random = np.random.default_rng(seed)
    tables = []
    for _ in range(random.integers(2, 9)):
        table = rows(
            int(random.integers(1, 120)),
            start_s=float(random.choice([0, 5, 11, 30, 500])),
            step_s=float(random.choice([0.1, 0.1, 0.5])),
        )
        table["steering"] += random.choice([0.0, 0.0, 0.5])
        if random.random() < 0.3:
            table["time_s"][random.random(len(table)) < random.choice([0.1, 1.0])] = np.nan
        if random.random() < 0.2:
            table = random.permutation(table)
        tables.append(table)
    identities = [np.rint(1000 * table["steering"]).astype(np.uint64) for table in tables]
    for ids in identities:
        ids[random.random(len(ids)) < random.choice([0.0, 0.1])] = 7
    counted = overlap.rows_that_count(identities)
    return [
        dataset(table, ids, usable)
        for table, ids, usable in zip(tables, identities, counted, strict=True)
    ]


def rows_outside_gap_by_pairs(
    datasets: Sequence[DatasetRows], chosen: Sequence[Mask], gap_s: float
) -> list[Mask]:
    """Compare every recording with every other one, which is slow and plain."""
    chosen_ids = np.concatenate(
        [each.ids[mask] for each, mask in zip(datasets, chosen, strict=True)]
    )
    masks = []
    for one, mask in zip(datasets, chosen, strict=True):
        time_s, stamps_s = one.timeline.time_s, one.table["time_s"]
        outside = one.usable & ~near(time_s, time_s[np.isin(one.ids, chosen_ids)], gap_s) & ~mask
        for other, other_mask in zip(datasets, chosen, strict=True):
            others_s = other.table["time_s"]
            if one is not other:
                if not (np.isfinite(stamps_s).any() and np.isfinite(others_s).any()):
                    continue
                both = (stamps_s >= np.nanmin(others_s)) & (stamps_s <= np.nanmax(others_s))
                if (
                    both.any()
                    and np.ptp(stamps_s[both]) > gap_s
                    and np.isin(one.ids[both], other.ids).mean() <= 0.5
                ):
                    continue
            events_s = others_s[other_mask]
            for event_s in events_s[np.isfinite(events_s)]:
                outside &= ~(np.abs(stamps_s - event_s) <= gap_s)
        masks.append(outside)
    return masks


@pytest.mark.parametrize("gap_s", [0.3, 1.0, 4.0])
def test_recordings_are_kept_apart_as_if_each_pair_was_compared(gap_s: float) -> None:
    compared = 0
    for seed in range(150):
        datasets = related_recordings(seed)
        try:
            parts = split(datasets, "blocks", 0.3, gap_s, seed)
        except TrainingError:
            continue
        compared += 1
        expected = rows_outside_gap_by_pairs(datasets, parts.validation, gap_s)
        for found, wanted in zip(parts.train, expected, strict=True):
            np.testing.assert_array_equal(found, wanted)
    assert compared > 50


class CountedArray(np.ndarray):
    """An array that counts the elements that NumPy handles together with it or what it became."""

    handled = 0

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        CountedArray.count(inputs)
        plain = [np.asarray(each) if isinstance(each, CountedArray) else each for each in inputs]
        if "out" in options:
            options["out"] = tuple(np.asarray(each) for each in options["out"])
        return CountedArray.of(getattr(ufunc, method)(*plain, **options))

    def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> Any:
        CountedArray.count(inputs)
        return super().__array_function__(function, types, inputs, options)

    def __getitem__(self, key: Any) -> Any:
        CountedArray.count([key])
        return super().__getitem__(key)

    @staticmethod
    def of(value: Any) -> Any:
        return value.view(CountedArray) if isinstance(value, np.ndarray) else value

    @staticmethod
    def count(values: Any) -> None:
        for value in values:
            if isinstance(value, np.ndarray):
                CountedArray.handled += value.size
            elif isinstance(value, list | tuple):
                CountedArray.count(value)


def handled_elements(recordings: int, rows_each: int) -> int:
    """Return how many elements of arrays a split of recordings handles."""
    datasets = []
    for number in range(recordings):
        table = rows(rows_each, start_s=float(number))  # all overlap in time
        ids = np.arange(rows_each, dtype=np.uint64) + np.uint64(number * rows_each)
        counted = (each.view(CountedArray) for each in (table, ids, np.ones(rows_each, np.bool_)))
        table, ids, usable = counted
        plain = dataset(np.asarray(table), np.asarray(ids))
        time_s = plain.timeline.time_s.view(CountedArray)
        datasets.append(DatasetRows(table, plain.timeline._replace(time_s=time_s), ids, usable))
    CountedArray.handled = 0
    overlap.rows_that_count([each.ids for each in datasets])
    split(datasets, "recordings", 0.2, 1.0, 1)
    return CountedArray.handled


def test_the_work_of_a_split_grows_with_the_rows_and_not_with_pairs_of_recordings() -> None:
    few, many = (handled_elements(recordings, 200) for recordings in (10, 80))
    assert few > 10 * 200
    assert many < 12 * few  # eight times as many rows
