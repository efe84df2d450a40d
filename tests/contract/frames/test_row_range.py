import numpy as np
import pytest

from contract.errors import ModelError
from contract.frames.row_range import ALL_ROWS, RowRange


def test_the_bytes_are_those_of_the_rows_in_a_frame() -> None:
    frame = np.random.default_rng(1).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    rows = RowRange(43, 116)
    start, end = rows.start_byte, rows.start_byte + rows.byte_count
    part = np.frombuffer(frame.tobytes()[start:end], np.uint8).reshape(rows.shape)
    np.testing.assert_array_equal(part, frame[43:116])
    np.testing.assert_array_equal(frame[rows.slice], part)


def test_all_rows_are_the_whole_frame() -> None:
    assert (ALL_ROWS.shape, ALL_ROWS.start_byte, ALL_ROWS.byte_count) == ((128, 128, 3), 0, 49152)


@pytest.mark.parametrize("rows", [(-1, 5), (5, 5), (6, 5), (0, 129), (128, 129)], ids=str)
def test_rows_outside_the_frame_and_no_rows_are_refused(rows: tuple[int, int]) -> None:
    with pytest.raises(ModelError, match="no rows of a frame, which has 128"):
        RowRange(*rows)
