import multiprocessing
import signal
import struct
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from contract.dataset.frame_blocks import BlockLayout, BlockReader
from contract.frames import spec
from contract.frames.row_range import RowRange
from trainer.data.augmentation import cpu_augmentation
from trainer.data.augmentation.variation import Augmentation
from trainer.data.loader_worker import fill, serve
from trainer.data.shared_memory import RECORD, BatchRing

FRAMES = 40
PLAIN = Augmentation()


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


def test_only_the_rows_that_are_asked_for_are_filled(stores: list[BlockReader]) -> None:
    records = asked([1, 0], [3, 39], [True, False])
    records["key"], records["speed_mps"] = 12345, 5.0
    varied = Augmentation(brightness=0.5, shadow=1.0, shift_m=1.0, turn_deg=4.0)
    whole, part = np.zeros((2, 128, 128, 3), np.uint8), np.zeros((2, 73, 128, 3), np.uint8)
    labels = records.copy()
    fill(records, whole, stores, varied)
    fill(labels, part, stores, varied, RowRange(43, 116))
    np.testing.assert_array_equal(part, whole[:, 43:116])
    np.testing.assert_array_equal(labels["label"], records["label"])


def test_a_flipped_record_gets_its_mirror_image(stores: list[BlockReader]) -> None:
    records = asked([0, 0], [5, 5], [False, True])
    frames = np.zeros((2, 128, 128, 3), np.uint8)
    fill(records, frames, stores, Augmentation())
    assert (frames[1] == frames[0][:, ::-1]).all()
    assert frames[1, 0, 0, 0] == 255


def test_a_single_record_and_a_batch_of_one_store_are_filled(stores: list[BlockReader]) -> None:
    for numbers in ([7], [9, 1, 30]):
        frames = np.zeros((len(numbers), 128, 128, 3), np.uint8)
        fill(asked([1] * len(numbers), numbers, [False] * len(numbers)), frames, stores, PLAIN)
        assert frames[:, 64, 10, 1].tolist() == [100 + number for number in numbers]


def test_no_record_is_filled_without_an_error(stores: list[BlockReader]) -> None:
    """The last batch of an epoch may leave one of several workers without a sample."""
    frames = np.zeros((0, *spec.SHAPE), np.uint8)
    fill(asked([], [], []), frames, stores, Augmentation(brightness=0.5, blur=1.0))


def test_the_mirror_image_is_not_turned_upside_down(stores: list[BlockReader]) -> None:
    frames = np.zeros((1, 128, 128, 3), np.uint8)
    fill(asked([0], [5], [True]), frames, stores, PLAIN)
    assert frames[0, :, 0, 0].tolist() == [255] * 128
    assert frames[0, :, 127, 0].tolist() == [5] * 128


def test_records_with_a_key_are_augmented_and_others_are_not(stores: list[BlockReader]) -> None:
    records = asked([0, 0], [5, 5], [False, False])
    records["key"] = [0, 12345]
    frames = np.zeros((2, 128, 128, 3), np.uint8)
    varied = Augmentation(brightness=0.5)
    fill(records, frames, stores, varied)
    expected = np.zeros((2, 128, 128, 3), np.uint8)
    fill(records, expected, stores, PLAIN)
    assert (frames[0] == expected[0]).all()
    assert (frames[1] != expected[1]).any()
    cpu_augmentation.apply(varied, records, expected)
    assert (frames == expected).all()


@pytest.fixture
def own_process() -> Iterator[None]:
    """Put back the signal that a reader process ignores."""
    handler = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, handler)


def served(
    layouts: list[BlockLayout], ring: BatchRing, trainer: Callable[[Connection], None]
) -> None:
    """Serve the requests of a trainer, which runs in a thread, until it closes its pipe."""
    ours, theirs = multiprocessing.Pipe()

    def run() -> None:
        with ours:
            trainer(ours)

    thread = threading.Thread(target=run)
    thread.start()
    with theirs:
        serve(theirs, ring, layouts, PLAIN)
    thread.join(60)
    assert not thread.is_alive()


@pytest.mark.usefixtures("own_process")
def test_requests_are_served_one_after_another_until_the_trainer_leaves(
    stores: list[BlockReader],
) -> None:
    ring, layouts = BatchRing(3, 4), [store._layout for store in stores]
    before = len(list(Path("/proc/self/fd").iterdir()))

    def trainer(pipe: Connection) -> None:
        for slot, store, frame in ((1, 0, 7), (2, 1, 39)):
            ring.records(slot)[:2] = asked([store] * 2, [frame, frame - 1], [False] * 2)
            pipe.send_bytes(struct.pack("<ii", slot, 2))
            assert pipe.recv_bytes() == b"\0"
        replies.append(ring.frames(1)[0, 0, 0, 0])

    replies: list[int] = []
    served(layouts, ring, trainer)
    assert replies == [7]
    firsts = [[int(frame[0, 0, 0]) for frame in ring.frames(slot)] for slot in range(3)]
    assert firsts == [[0] * 4, [7, 6, 0, 0], [139, 138, 0, 0]]
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    # Ctrl-C reaches all processes of a terminal: the trainer decides what it means.
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    ring.close()


@pytest.mark.usefixtures("own_process")
def test_a_store_that_cannot_be_read_is_told_to_the_trainer(tmp_path: Path) -> None:
    told: list[bytes] = []
    gone = BlockLayout(tmp_path / "gone.h5", 1, 32, np.zeros(1, np.int64))
    ring = BatchRing(1, 1)
    served([gone], ring, lambda pipe: told.append(pipe.recv_bytes()))
    assert told[0].startswith(b"\1the store gone.h5 cannot be read: got No such file")
    ring.close()


@pytest.mark.usefixtures("own_process")
@pytest.mark.parametrize("requests", [0, 1, 50])
def test_a_trainer_that_dies_ends_its_reader_without_a_word(
    stores: list[BlockReader], requests: int
) -> None:
    """It may die before it asks, and before it takes the replies."""
    ring = BatchRing(1, 1)
    ring.records(0)[:] = asked([0], [5], [False])

    def trainer(pipe: Connection) -> None:
        for _ in range(requests):
            pipe.send_bytes(struct.pack("<ii", 0, 1))

    served([stores[0]._layout], ring, trainer)
    ring.close()
