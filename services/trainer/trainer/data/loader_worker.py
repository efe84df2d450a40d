"""A reader: fills slots of the ring with the frames that their records ask for."""

from __future__ import annotations

import signal
import struct
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Final

import cv2
import numpy as np

from contract.dataset.frame_blocks import BlockLayout, BlockReader, Frames
from contract.errors import LapwingError
from trainer.data.augmentation import Augmentation
from trainer.data.shared_memory import Records, Ring

REQUEST: Final = struct.Struct("<ii")
"""Slot, and how many of its records are to be served."""
DONE: Final = b"\0"
FAILED: Final = b"\1"
"""The first byte of an answer; a failure's reason follows it."""


def serve(
    pipe: Connection, ring: Ring, places: Sequence[BlockLayout], augmentation: Augmentation
) -> None:
    """Answer requests until the trainer closes its end: the body of a reader process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the trainer's; it closes the pipe
    cv2.setNumThreads(1)
    stores: list[BlockReader] = []
    try:
        stores += [BlockReader(place) for place in places]
        while True:
            slot, count = REQUEST.unpack(pipe.recv_bytes())
            fill(ring.records(slot)[:count], ring.frames(slot)[:count], stores, augmentation)
            pipe.send_bytes(DONE)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the trainer is done, or dead
    except LapwingError as error:
        pipe.send_bytes(FAILED + str(error).encode())
    finally:
        for store in stores:
            store.close()


def fill(
    records: Records, frames: Frames, stores: Sequence[BlockReader], augmentation: Augmentation
) -> None:
    """Put each record's frame into its place, mirrored and varied as the record says.

    Args:
        records: (n,) of ring.RECORD; labels change with what is done to their frames.
        frames: uint8 (n, 128, 128, 3), to be filled.
        stores: that the records number.
        augmentation: of the samples that have a key.
    """
    store_of = records["store"]
    if (store_of == store_of[0]).all():
        stores[store_of[0]].gather(records["frame"], frames)
    else:
        for store in np.unique(store_of).tolist():
            mine = np.flatnonzero(store_of == store)
            stores[store].gather(records["frame"][mine], frames, mine)
    for number in np.flatnonzero(records["flip"]).tolist():
        cv2.flip(frames[number], 1, dst=frames[number])
    augmentation.apply(records, frames)
