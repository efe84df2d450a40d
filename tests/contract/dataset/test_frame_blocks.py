import ctypes
import mmap
import os
import time
from pathlib import Path

import numpy as np
import pytest

from contract.dataset import frame_blocks
from contract.dataset.frame_blocks import BLOCK_FRAMES, BlockLayout, BlockReader
from contract.errors import StoreError
from contract.files import atomic_files
from contract.frames import spec
from contract.frames.row_range import RowRange

FRAMES = BLOCK_FRAMES + 3
HEADER_BYTES = 100


@pytest.fixture
def layout(tmp_path: Path) -> BlockLayout:
    """Two blocks, of which the second comes first in the file; all pixels of frame n are n."""
    path = tmp_path / "run.h5"
    block = BLOCK_FRAMES * spec.BYTES
    content = np.zeros(HEADER_BYTES + 2 * block, np.uint8)
    offsets = np.array([HEADER_BYTES + block, HEADER_BYTES])
    for number in range(FRAMES):
        start = offsets[number // BLOCK_FRAMES] + number % BLOCK_FRAMES * spec.BYTES
        content[start : start + spec.BYTES] = number
    path.write_bytes(content.tobytes())
    return BlockLayout(path, FRAMES, BLOCK_FRAMES, offsets)


def gather(layout: BlockLayout, numbers: list[int]) -> list[int]:
    out = np.full((len(numbers), 128, 128, 3), 255, np.uint8)
    with BlockReader(layout) as blocks:
        blocks.gather(np.array(numbers), out)
    assert (out == out[:, :1, :1, :1]).all()
    return out[:, 0, 0, 0].tolist()


def test_frames_are_returned_in_the_order_of_the_numbers(layout: BlockLayout) -> None:
    numbers = [34, 0, 31, 32, 5, 5]
    assert gather(layout, numbers) == numbers


def test_frames_may_be_written_to_given_positions(layout: BlockLayout) -> None:
    out = np.full((4, 128, 128, 3), 99, np.uint8)
    with BlockReader(layout) as blocks:
        blocks.gather(np.array([7, 33]), out, np.array([3, 1]))
    assert out[:, 5, 5, 1].tolist() == [99, 33, 99, 7]


@pytest.fixture
def noise(tmp_path: Path) -> tuple[BlockLayout, np.ndarray]:
    """A file of 40 frames that differ in every pixel, and the frames."""
    frames = np.random.default_rng(1).integers(0, 256, (40, *spec.SHAPE), dtype=np.uint8)
    path = tmp_path / "noise.h5"
    path.write_bytes(frames.tobytes())
    offsets = np.array([0, BLOCK_FRAMES * spec.BYTES])
    return BlockLayout(path, 40, BLOCK_FRAMES, offsets), frames


@pytest.mark.parametrize("rows", [(0, 128), (43, 116), (0, 1), (127, 128)], ids=str)
def test_only_some_rows_of_each_frame_are_read(
    noise: tuple[BlockLayout, np.ndarray], rows: tuple[int, int]
) -> None:
    layout, frames = noise
    numbers = np.array([39, 0, 31, 32, 5, 5])
    out = np.zeros((6, rows[1] - rows[0], 128, 3), np.uint8)
    with BlockReader(layout) as blocks:
        blocks.gather(numbers, out, rows=RowRange(*rows))
        np.testing.assert_array_equal(out, frames[numbers, rows[0] : rows[1]])
        blocks.gather(numbers, out, np.arange(6)[::-1], RowRange(*rows))
        np.testing.assert_array_equal(out[::-1], frames[numbers, rows[0] : rows[1]])


def test_frames_of_several_stores_are_returned_in_the_order_of_the_numbers(
    noise: tuple[BlockLayout, np.ndarray], layout: BlockLayout
) -> None:
    out = np.zeros((5, 3, 128, 3), np.uint8)
    store, numbers = np.array([1, 0, 1, 0, 1]), np.array([33, 39, 0, 1, 7])
    with BlockReader(noise[0]) as first, BlockReader(layout) as second:
        frame_blocks.gather([first, second], store, numbers, out, RowRange(50, 53))
        np.testing.assert_array_equal(out[1::2], noise[1][[39, 1], 50:53])
        assert (out[::2] == np.array([33, 0, 7])[:, None, None, None]).all()
        frame_blocks.gather([first, second], store * 0, numbers, out, RowRange(50, 53))
        np.testing.assert_array_equal(out, noise[1][numbers, 50:53])


def test_rows_that_a_shorter_file_lacks_raise_an_error(layout: BlockLayout) -> None:
    with BlockReader(layout) as blocks:
        with layout.path.open("r+b") as file:
            file.truncate(HEADER_BYTES + 50 * 384)
        rows = np.empty((1, 10, 128, 3), np.uint8)
        blocks.gather(np.array([32]), rows, rows=RowRange(40, 50))
        with pytest.raises(StoreError, match="got 3456 of 3840 bytes"):
            blocks.gather(np.array([32]), rows, rows=RowRange(41, 51))


def test_memory_with_gaps_is_refused(layout: BlockLayout) -> None:
    """Frames would go into a copy of it, and be lost."""
    with BlockReader(layout) as blocks, pytest.raises(ValueError, match="copy"):
        blocks.gather(np.array([0, 1]), np.empty((4, *spec.SHAPE), np.uint8)[::2])


def test_the_last_block_has_no_padding(layout: BlockLayout) -> None:
    with BlockReader(layout) as blocks:
        assert blocks.block(0).size == BLOCK_FRAMES * spec.BYTES
        assert blocks.block(1).size == 3 * spec.BYTES
        assert set(blocks.block(1).tolist()) == {32, 33, 34}


def test_a_file_that_has_become_shorter_raises_an_error(layout: BlockLayout) -> None:
    with BlockReader(layout) as blocks:
        with layout.path.open("r+b") as file:
            file.truncate(HEADER_BYTES + 10)
        with pytest.raises(StoreError, match=r"run\.h5 cannot be read any more: got 10 of 49152"):
            blocks.gather(np.array([32]), np.empty((1, 128, 128, 3), np.uint8))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"the store gone\.h5 cannot be read: got No such file"):
        BlockReader(BlockLayout(tmp_path / "gone.h5", 1, 32, np.zeros(1, np.int64)))


def test_hints_to_the_kernel_change_no_frames(layout: BlockLayout) -> None:
    with BlockReader(layout) as blocks:
        blocks.readahead(np.array([0, 1]))
        blocks.drop_cache()
    assert gather(layout, [3, 34]) == [3, 34]


def test_a_closed_store_may_be_closed_again(layout: BlockLayout) -> None:
    blocks = BlockReader(layout)
    blocks.close()
    blocks.close()


def resident(path: Path) -> list[bool]:
    """Return which pages of a file the kernel has in memory (mincore(2))."""
    size = path.stat().st_size
    with path.open("r+b") as file, mmap.mmap(file.fileno(), size) as mapped:
        pages = (ctypes.c_ubyte * -(-size // mmap.PAGESIZE))()
        start = ctypes.addressof(ctypes.c_char.from_buffer(mapped))
        status = ctypes.CDLL(None, use_errno=True).mincore(
            ctypes.c_void_p(start), ctypes.c_size_t(size), pages
        )
        assert status == 0, os.strerror(ctypes.get_errno())
        return [bool(page & 1) for page in pages]


def test_the_kernel_drops_the_file_and_reads_the_blocks_that_will_be_needed(
    layout: BlockLayout,
) -> None:
    atomic_files.fsync(layout.path)  # what is not on the disk yet cannot be dropped
    with BlockReader(layout) as blocks:
        gather(layout, list(range(FRAMES)))
        assert all(resident(layout.path))
        blocks.drop_cache()
        if any(resident(layout.path)):
            pytest.skip("this file system keeps its files in memory")
        blocks.readahead(np.array([0]))  # it is the second one in the file
        block = BLOCK_FRAMES * spec.BYTES
        first, last = (HEADER_BYTES + block) // mmap.PAGESIZE, -1
        deadline = time.monotonic() + 60
        while not all(resident(layout.path)[first:last]):
            assert time.monotonic() < deadline, "the block was not read"
            time.sleep(0.01)
        assert not any(resident(layout.path)[: block // 2 // mmap.PAGESIZE])


def test_a_store_is_closed_at_the_end_of_its_block(layout: BlockLayout) -> None:
    def descriptors() -> list[str]:
        entries = list(Path("/proc/self/fd").iterdir())
        return [entry.name for entry in entries if entry.resolve() == layout.path]

    with BlockReader(layout) as blocks:
        (descriptor,) = descriptors()
        assert not os.get_inheritable(int(descriptor))
    assert not descriptors()
    with layout.path.open("rb") as other:  # it has got the number of the descriptor
        blocks.close()
        assert other.read(1) == b"\0"
    assert all(os.fstat(standard) for standard in (0, 1, 2))


def test_a_store_that_was_closed_cannot_be_read(layout: BlockLayout) -> None:
    blocks = BlockReader(layout)
    blocks.close()
    with pytest.raises(StoreError, match=r"run\.h5 cannot be read any more: got Bad file"):
        blocks.block(0)


def test_frames_and_places_must_be_as_many(layout: BlockLayout) -> None:
    """Otherwise a place would keep the frame of an earlier batch."""
    with BlockReader(layout) as blocks, pytest.raises(ValueError, match="shorter"):
        blocks.gather(np.array([1]), np.empty((2, 128, 128, 3), np.uint8))
