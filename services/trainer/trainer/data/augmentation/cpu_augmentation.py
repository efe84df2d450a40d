"""Varies frames on the CPU, as augmentation/variation.py has drawn it."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from trainer.data.augmentation import variation
from trainer.data.augmentation.variation import Augmentation, Records

Frames = npt.NDArray[np.uint8]


def apply(augmentation: Augmentation, records: Records, frames: Frames) -> None:
    """Vary the samples that have a key in place, and correct the labels of moved views.

    Args:
        augmentation: how much they are varied.
        records: (n,), with key, label (-1..1) and speed_mps.
        frames: uint8 (n, 128, 128, 3).
    """
    if not (augmentation.is_active and records["key"].any()):
        return
    drawn = variation.draw(records, augmentation)
    records["label"] = drawn.label
    offsets, tables = drawn.source_offsets(), drawn.level_tables()
    shadows, widths = drawn.shadow_tables(), drawn.shadow_widths()
    columns = np.arange(frames.shape[2], dtype=np.float32)
    rows = np.arange(frames.shape[1], dtype=np.float32)
    for number, frame in enumerate(frames):
        if augmentation.moves_views:
            source = columns + offsets[number][:, None].astype(np.float32)
            lines = np.repeat(rows[:, None], len(columns), axis=1)
            frame[:] = cv2.remap(
                frame, source, lines, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
        frame[:] = tables[number][frame]
        width = widths[number][:, None]
        left = drawn.shadow_left[number]
        shaded = columns < width if left else columns >= len(columns) - width
        frame[shaded] = shadows[number][frame[shaded]]
        if drawn.blurred[number]:
            cv2.blur(frame, (3, 3), dst=frame)
