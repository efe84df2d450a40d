"""Varies frames on the device that trains, as augmentation/variation.py has drawn it.

All steps of a batch are one function of the Keras backend, with shapes that depend on the size of
the batch alone. TensorFlow and JAX compile it; PyTorch runs it step by step. Each step rounds to
whole levels as the CPU does (cpu_augmentation.py), so that both give the same frames.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from contract.frames.row_range import ALL_ROWS, RowRange
from trainer.data.augmentation import variation
from trainer.data.augmentation.variation import Augmentation, Records, Variations
from trainer.data.device import compiler

Tensor = Any
"""A tensor of the Keras backend."""
Parameters = dict[str, Any]
"""What the function takes besides the frames: a tensor for each name of a parameter."""


class DeviceAugmentation:
    """Mirrors and varies batches of frames on the device.

    Args:
        augmentation: how much the samples that have a key are varied.
        rows: the rows that the frames have of whole frames; the borders of a blurred frame are
            those of these rows.
    """

    def __init__(self, augmentation: Augmentation, rows: RowRange = ALL_ROWS) -> None:
        self._augmentation = augmentation
        self._rows = rows
        self._vary = compiler.compiled(self._varied)

    def apply(self, records: Records, frames: Tensor) -> tuple[Tensor, npt.NDArray[np.float32]]:
        """Return the frames as varied, and their labels, (n,).

        Args:
            records: (n,), with key, flip, label (-1..1) and speed_mps.
            frames: a tensor uint8 (n, rows, 128, 3), as they were recorded.
        """
        drawn = variation.draw(records, self._augmentation)
        varied = self._augmentation.is_active and records["key"].any()
        if varied or records["flip"].any():
            frames = self._vary(frames, self._parameters(records, drawn))
        return frames, drawn.label

    def _parameters(self, records: Records, drawn: Variations) -> Parameters:
        """Return what the function needs of the samples, as tensors of 32 bits or less."""
        augmentation = self._augmentation
        parameters: dict[str, npt.NDArray[Any]] = {"flip": records["flip"].copy()}
        if augmentation.moves_views:
            parameters["offset"] = drawn.source_offsets(self._rows).astype(np.float32)
        if augmentation.brightness:
            parameters["gain"] = drawn.gain.astype(np.float32)
            parameters["lift"] = drawn.lift.astype(np.float32)
        if augmentation.shadow:
            parameters["shadow_width"] = drawn.shadow_widths(self._rows).astype(np.int32)
            parameters["shadow_left"] = drawn.shadow_left
            parameters["shadow_light"] = drawn.shadow_light.astype(np.float32)
        if augmentation.blur:
            parameters["blurred"] = drawn.blurred
        return {name: keras.ops.convert_to_tensor(each) for name, each in parameters.items()}

    def _varied(self, frames: Tensor, parameters: Parameters) -> Tensor:
        augmentation, ops = self._augmentation, keras.ops
        if augmentation.moves_views:
            frames = move_views(frames, parameters["flip"], parameters["offset"])
        else:
            flip = parameters["flip"][:, None, None, None]
            frames = ops.cast(ops.where(flip, ops.flip(frames, axis=2), frames), "float32")
        if augmentation.brightness:
            frames = change_levels(frames, parameters["gain"], parameters["lift"])
        if augmentation.shadow:
            frames = cast_shadows(
                frames,
                parameters["shadow_width"],
                parameters["shadow_left"],
                parameters["shadow_light"],
            )
        if augmentation.blur:
            frames = ops.where(parameters["blurred"][:, None, None, None], blur(frames), frames)
        return ops.cast(frames, "uint8")


def move_views(frames: Tensor, flip: Tensor, offset: Tensor) -> Tensor:
    """Return the frames mirrored where `flip` says so, and then moved row by row.

    Args:
        frames: uint8 (n, rows, width, 3).
        flip: bool (n,).
        offset: float32 (n, rows); see `Variations.source_offsets`.

    Returns:
        Whole levels, float32 (n, rows, width, 3).
    """
    ops = keras.ops
    count, rows, width, channels = frames.shape
    last = width - 1
    source = ops.arange(width, dtype="float32") + offset[:, :, None]
    # Between two pixels, as far from the left one as the weight says. The borders repeat.
    source = ops.clip(source, 0.0, float(last))
    floor = ops.floor(source)
    weight = (source - floor)[..., None]
    left = ops.cast(floor, "int32")
    right = ops.minimum(left + 1, last)
    first = ops.reshape(ops.arange(count * rows, dtype="int32") * width, (count, rows, 1))
    mirrored = flip[:, None, None]
    pixels = ops.reshape(frames, (count * rows * width, channels))

    def gather(column: Tensor) -> Tensor:
        column = first + ops.where(mirrored, last - column, column)
        return ops.cast(ops.take(pixels, column, axis=0), "float32")

    near, far = gather(left), gather(right)
    return ops.round(near + weight * (far - near))


def change_levels(frames: Tensor, gain: Tensor, lift: Tensor) -> Tensor:
    """Return the levels with another contrast around the middle, and then brighter or darker.

    Args:
        frames: float32 (n, rows, width, 3).
        gain: float32 (n,).
        lift: float32 (n,), in levels of 255.
    """
    gain, lift = gain[:, None, None, None], lift[:, None, None, None]
    return keras.ops.round(keras.ops.clip((frames - 128.0) * gain + (128.0 + lift), 0.0, 255.0))


def cast_shadows(frames: Tensor, width: Tensor, left: Tensor, light: Tensor) -> Tensor:
    """Return the frames with the pixels of the shadows darkened.

    Args:
        frames: float32 (n, rows, width, 3).
        width: int32 (n, rows), the number of pixels of each row that lie in the shadow.
        left: bool (n,), whether they are counted from the left side, or else from the right.
        light: float32 (n,), the share of light that is left in the shadow.
    """
    ops = keras.ops
    columns = ops.arange(frames.shape[2], dtype="int32")
    columns = ops.where(left[:, None, None], columns, frames.shape[2] - 1 - columns)
    shaded = (columns < width[:, :, None])[..., None]
    return ops.where(shaded, ops.round(frames * light[:, None, None, None]), frames)


def blur(frames: Tensor) -> Tensor:
    """Return the mean of 3 x 3 pixels around each pixel; the frame is mirrored at its borders.

    Args:
        frames: float32 (n, rows, width, 3).
    """
    ops = keras.ops
    around = ops.pad(frames, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    lines = around[:, :-2] + around[:, 1:-1] + around[:, 2:]
    return ops.round((lines[:, :, :-2] + lines[:, :, 1:-1] + lines[:, :, 2:]) / 9.0)
