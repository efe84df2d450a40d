"""The reader process: fills slots with the frames that their records ask for."""

from __future__ import annotations

import signal
import struct
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Final

from contract.dataset import frame_blocks
from contract.dataset.frame_blocks import BlockLayout, BlockReader, Frames
from contract.errors import LapwingError
from contract.frames.row_range import ALL_ROWS, RowRange
from trainer.data.augmentation import cpu_augmentation
from trainer.data.augmentation.variation import Augmentation
from trainer.data.shared_memory import BatchRing, Records

REQUEST: Final = struct.Struct("<ii")
"""A request: the slot, and the number of its records."""
DONE: Final = b"\0"
FAILED: Final = b"\1"
"""First byte of a reply; the reason of a failure follows it."""


def serve(
    pipe: Connection, ring: BatchRing, layouts: Sequence[BlockLayout], augmentation: Augmentation
) -> None:
    """Serve requests until the trainer closes its end; this is the body of a reader process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the trainer handles Ctrl-C and closes the pipe
    stores: list[BlockReader] = []
    try:
        stores += [BlockReader(layout) for layout in layouts]
        while True:
            slot, count = REQUEST.unpack(pipe.recv_bytes())
            records, frames = ring.records(slot)[:count], ring.frames(slot)[:count]
            fill(records, frames, stores, augmentation, ring.rows)
            pipe.send_bytes(DONE)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the trainer has finished or died
    except LapwingError as error:
        pipe.send_bytes(FAILED + str(error).encode())
    finally:
        for store in stores:
            store.close()


def fill(
    records: Records,
    frames: Frames,
    stores: Sequence[BlockReader],
    augmentation: Augmentation,
    rows: RowRange = ALL_ROWS,
) -> None:
    """Read each record's frame, mirror it if the record says so, and vary it.

    Args:
        records: (n,) of shared_memory.RECORD; the labels of moved views are replaced.
        frames: uint8 (n, rows, 128, 3), the memory to fill.
        stores: the stores that the records number.
        augmentation: how the samples that have a key are varied.
        rows: the rows of each frame that are read.
    """
    if not len(records):  # the last batch of an epoch may leave a worker of several without any
        return
    frame_blocks.gather(stores, records["store"], records["frame"], frames, rows)
    cpu_augmentation.apply(augmentation, records, frames, rows)
