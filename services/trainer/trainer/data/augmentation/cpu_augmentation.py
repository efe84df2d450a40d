"""Varies the frames of a batch on the CPU, as augmentation/variation.py has drawn it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from contract.frames.row_range import ALL_ROWS, RowRange
from trainer.data.augmentation import frame_kernels, variation
from trainer.data.augmentation.variation import Augmentation, Records

Frames = npt.NDArray[np.uint8]


def apply(
    augmentation: Augmentation, records: Records, frames: Frames, rows: RowRange = ALL_ROWS
) -> None:
    """Mirror the samples that ask for it, and vary those that have a key, in place.

    Args:
        augmentation: how much they are varied.
        records: (n,), with flip, key, label (-1..1) and speed_mps; the labels of moved views are
            replaced.
        frames: contiguous uint8 (n, rows, 128, 3).
        rows: the rows that they have of the whole frames; the borders of a blurred frame are those
            of these rows.
    """
    mirrored = np.array(records["flip"])
    drawn = None
    if augmentation.is_active and records["key"].any():
        drawn = variation.draw(records, augmentation)
        records["label"] = drawn.label
    pixels = frames.reshape(len(frames), -1, frame_kernels.WIDTH, copy=False)
    offsets = np.zeros(pixels.shape[:2]) if drawn is None else drawn.source_offsets(rows)
    moved = offsets.any(axis=1)
    if mirrored.any() or moved.any():
        frame_kernels.compiled(frame_kernels.move_rows)(pixels, mirrored, moved, offsets)
    if drawn is None:
        return
    if augmentation.brightness or augmentation.shadow:
        frame_kernels.compiled(frame_kernels.change_levels)(
            pixels,
            drawn.level_tables(),
            drawn.shadow_tables(),
            drawn.shadow_widths(rows),
            drawn.shadow_left,
        )
    if augmentation.blur:
        frame_kernels.compiled(frame_kernels.blur)(pixels, drawn.blurred)
