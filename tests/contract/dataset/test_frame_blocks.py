from pathlib import Path

import numpy as np
import pytest

from contract.dataset.frame_blocks import BLOCK_FRAMES, BlockLayout, BlockReader
from contract.errors import StoreError
from contract.frames import spec

FRAMES = BLOCK_FRAMES + 3
HEAD = 100


@pytest.fixture
def place(tmp_path: Path) -> BlockLayout:
    """Two blocks, the second before the first: frame n is n throughout."""
    path = tmp_path / "run.h5"
    block = BLOCK_FRAMES * spec.BYTES
    content = np.zeros(HEAD + 2 * block, np.uint8)
    offsets = np.array([HEAD + block, HEAD])
    for number in range(FRAMES):
        start = offsets[number // BLOCK_FRAMES] + number % BLOCK_FRAMES * spec.BYTES
        content[start : start + spec.BYTES] = number
    path.write_bytes(content.tobytes())
    return BlockLayout(path, FRAMES, BLOCK_FRAMES, offsets)


def gathered(place: BlockLayout, numbers: list[int]) -> list[int]:
    out = np.full((len(numbers), 128, 128, 3), 255, np.uint8)
    with BlockReader(place) as blocks:
        blocks.gather(np.array(numbers), out)
    assert (out == out[:, :1, :1, :1]).all()
    return out[:, 0, 0, 0].tolist()


def test_frames_come_in_the_order_of_their_numbers(place: BlockLayout) -> None:
    numbers = [34, 0, 31, 32, 5, 5]
    assert gathered(place, numbers) == numbers


def test_frames_may_be_put_among_others(place: BlockLayout) -> None:
    out = np.full((4, 128, 128, 3), 99, np.uint8)
    with BlockReader(place) as blocks:
        blocks.gather(np.array([7, 33]), out, np.array([3, 1]))
    assert out[:, 5, 5, 1].tolist() == [99, 33, 99, 7]


def test_the_last_block_has_no_padding(place: BlockLayout) -> None:
    with BlockReader(place) as blocks:
        assert blocks.block(0).size == BLOCK_FRAMES * spec.BYTES
        assert blocks.block(1).size == 3 * spec.BYTES
        assert set(blocks.block(1).tolist()) == {32, 33, 34}


def test_a_file_that_has_become_shorter_is_an_error_and_kills_nobody(place: BlockLayout) -> None:
    with BlockReader(place) as blocks:
        with place.path.open("r+b") as file:
            file.truncate(HEAD + 10)
        with pytest.raises(StoreError, match=r"run\.h5 cannot be read any more: got 10 of 49152"):
            blocks.gather(np.array([32]), np.empty((1, 128, 128, 3), np.uint8))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"the store gone\.h5 cannot be read: got No such file"):
        BlockReader(BlockLayout(tmp_path / "gone.h5", 1, 32, np.zeros(1, np.int64)))


def test_hints_change_nothing_that_is_read(place: BlockLayout) -> None:
    with BlockReader(place) as blocks:
        blocks.readahead(np.array([0, 1]))
        blocks.drop_cache()
    assert gathered(place, [3, 34]) == [3, 34]


def test_a_closed_store_may_be_closed_again(place: BlockLayout) -> None:
    blocks = BlockReader(place)
    blocks.close()
    blocks.close()
