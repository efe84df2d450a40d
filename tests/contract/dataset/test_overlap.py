import numpy as np

from contract.dataset import overlap, row_identity
from contract.dataset.row_identity import RowIds


def ids(*values: int) -> RowIds:
    return np.array(values, dtype=np.uint64)


def test_a_recording_that_has_grown_holds_the_whole_of_the_old_one() -> None:
    assert overlap.compare(ids(1, 2, 3, 4), ids(1, 2, 3)).complete
    part = overlap.compare(ids(1, 2, 3), ids(1, 2, 3, 4))
    assert (part.shared, part.rows, part.complete) == (3, 4, False)


def test_each_frame_counts_in_the_last_dataset_that_holds_it() -> None:
    masks = overlap.rows_that_count([ids(1, 2, 3, 4), ids(3, 4, 5), ids(5, 6)])
    assert [mask.tolist() for mask in masks] == [
        [True, True, False, False],
        [True, True, False],
        [True, True],
    ]


def test_the_other_holders_of_each_frame_are_found() -> None:
    datasets = [ids(1, 2, 2, 3), ids(9, 3, 2, 3), ids(), ids(2, 8)]
    found = [
        list(zip(rows.tolist(), others.tolist(), strict=True))
        for rows, others in overlap.other_holders(datasets)
    ]
    assert found == [
        [(1, 1), (1, 3), (2, 1), (2, 3), (3, 1)],
        [(1, 0), (2, 0), (2, 3), (3, 0)],
        [],
        [(0, 0), (0, 1)],
    ]
    assert list(overlap.other_holders([])) == []
    assert overlap.rows_that_count([]) == []


def test_equal_frames_of_one_dataset_all_count() -> None:
    (mask,) = overlap.rows_that_count([ids(7, 7, 7)])
    assert mask.all()


def test_a_row_without_a_frame_counts() -> None:
    (mask,) = overlap.rows_that_count([ids(row_identity.ABSENT_ID, 5)])
    assert mask.all()
