from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from contract.dataset.frame_blocks import BlockLayout, BlockReader
from contract.frames import spec
from trainer.data.augmentation import Augmentation
from trainer.data.loader_worker import fill
from trainer.data.shared_memory import RECORD

FRAMES = 40


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[list[BlockReader]]:
    """Return two stores; frame n of store s is s * 100 + n on the left and 255 on the right."""
    opened = []
    for store in range(2):
        path = tmp_path / f"{store}.h5"
        content = np.full((FRAMES, 128, 128, 3), 255, np.uint8)
        content[:, :, :64] = (np.arange(FRAMES) + store * 100)[:, None, None, None]
        path.write_bytes(content.tobytes())
        offsets = np.array([0, 32 * spec.BYTES])
        opened.append(BlockReader(BlockLayout(path, FRAMES, 32, offsets)))
    yield opened
    for each in opened:
        each.close()


def asked(store: list[int], frame: list[int], flip: list[bool]) -> np.ndarray:
    records = np.zeros(len(store), RECORD)
    records["store"], records["frame"], records["flip"] = store, frame, flip
    return records


def test_each_record_gets_its_frame_from_its_store(stores: list[BlockReader]) -> None:
    records = asked([1, 0, 1, 0], [3, 39, 0, 7], [False] * 4)
    frames = np.zeros((4, 128, 128, 3), np.uint8)
    fill(records, frames, stores, Augmentation())
    assert frames[:, 64, 10, 1].tolist() == [103, 39, 100, 7]


def test_a_flipped_record_gets_its_mirror_image(stores: list[BlockReader]) -> None:
    records = asked([0, 0], [5, 5], [False, True])
    frames = np.zeros((2, 128, 128, 3), np.uint8)
    fill(records, frames, stores, Augmentation())
    assert (frames[1] == frames[0][:, ::-1]).all()
    assert frames[1, 0, 0, 0] == 255
