from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from contract.dataset import trained_rows
from contract.dataset.row_identity import RowIds
from contract.dataset.trained_rows import TrainedRows
from contract.errors import ModelError


def ids(*values: int) -> RowIds:
    return np.array(values, dtype=np.uint64)


def test_the_rows_of_a_version_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / trained_rows.FILE
    trained_rows.write(path, TrainedRows.of(ids(9, 3, 3), ids(5), ids(7, 8)))
    read = trained_rows.read(path)
    assert read is not None
    sets = (read.trained, read.unused, read.validated)
    assert [rows.tolist() for rows in sets] == [[3, 9], [5], [7, 8]]
    assert trained_rows.read(tmp_path / "none.npy") is None


def test_a_frame_that_trained_counts_as_trained_whatever_else_it_did() -> None:
    rows = TrainedRows.of(ids(1), ids(1, 2), ids(1, 2, 3))
    assert [kind.tolist() for kind in (rows.trained, rows.unused, rows.validated)] == [
        [1],
        [2],
        [3],
    ]


def test_rows_near_a_trained_row_are_found_in_any_recording() -> None:
    rows = TrainedRows.of(ids(3), ids(9), ids(5))
    part = ids(1, 2, 3, 4, 5, 9)  # the row that trained beside 9 is not in this part
    near = rows.near_training(part, np.arange(6.0), 1.0)
    assert near.tolist() == [False, True, True, True, False, True]


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", np.zeros(3).tobytes()])
def test_a_damaged_file_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / trained_rows.FILE
    path.write_bytes(content)
    with pytest.raises(ModelError, match="does not say which frames trained it"):
        trained_rows.read(path)


@pytest.mark.parametrize(
    ("array", "got"),
    [
        (np.zeros(3, np.uint64), "uint64 of shape"),
        (np.zeros((2, 2), trained_rows.RECORD), r"of shape \(2, 2\)"),
        (np.zeros(3, [("id", "<u8")]), "of shape"),
    ],
)
def test_an_array_of_another_kind_is_an_error(
    tmp_path: Path, array: npt.NDArray[np.generic], got: str
) -> None:
    np.save(tmp_path / trained_rows.FILE, array)
    with pytest.raises(ModelError, match=f"does not say which frames trained it: got .*{got}"):
        trained_rows.read(tmp_path / trained_rows.FILE)


def test_a_folder_in_place_of_the_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / trained_rows.FILE).mkdir()
    with pytest.raises(ModelError, match="does not say which frames trained it"):
        trained_rows.read(tmp_path / trained_rows.FILE)


def test_the_file_is_that_of_the_format(tmp_path: Path) -> None:
    record = np.dtype([("id", "<u8"), ("use", "u1")])
    written = np.array([(3, 1), (5, 0), (7, 2)], record)
    np.save(tmp_path / "trained-rows.npy", written)
    read = trained_rows.read(tmp_path / trained_rows.FILE)
    assert read is not None
    assert (read.trained.tolist(), read.unused.tolist(), read.validated.tolist()) == (
        [3],
        [5],
        [7],
    )
