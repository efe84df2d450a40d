"""Changes the pixels of a batch on the CPU, in machine code that Numba compiles for this processor.

NumPy and OpenCV have no call for rows that move by different distances: docs/adr/0003-stream.md has
the figures. Numba is imported, and a kernel is compiled, when it is first asked for, so a process
that varies nothing does neither. Compiling takes about a second for each. It is not kept on the
disk: containers have file systems that cannot be written, and Numba trusts what it finds there.

The kernels are written for the compiler: with the width as a constant, it computes eight pixels at
a time, which makes them three times as fast.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contract.frames import spec

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Kernel = Callable[..., None]

COLUMNS: Final = spec.WIDTH
WIDTH: Final = spec.WIDTH * spec.CHANNELS
"""Bytes of a row."""


@functools.cache
def compiled(kernel: Kernel) -> Kernel:
    """Return one of this module's kernels in machine code."""
    import numba

    machine_code: Any = numba.njit(kernel, nogil=True)
    return machine_code  # type: ignore[no-any-return]


def move_rows(frames: Bytes, mirrored: Mask, moved: Mask, offsets: Floats) -> None:
    """Mirror frames, and then take each pixel from another place of its row, in place.

    Between two pixels, a place has their mean, weighted by its distances from them. Beyond the
    sides of the frame its outermost pixels repeat.

    Args:
        frames: uint8 (n, rows, 384), the pixels of each row with their three channels.
        mirrored: (n,), whether the frame is mirrored first.
        moved: (n,), whether its rows are moved.
        offsets: (n, rows), columns from a pixel to the place that it is taken from.
    """
    line = np.empty(3 * WIDTH, np.uint8)  # a row, with room for its borders at both sides
    for number in range(len(frames)):
        if not (mirrored[number] or moved[number]):
            continue
        for row in range(frames.shape[1]):
            pixels = frames[number, row]
            if mirrored[number]:
                for column in range(COLUMNS):
                    source, target = 3 * column, 2 * WIDTH - 3 - 3 * column
                    line[target] = pixels[source]
                    line[target + 1] = pixels[source + 1]
                    line[target + 2] = pixels[source + 2]
            else:
                for place in range(WIDTH):
                    line[WIDTH + place] = pixels[place]
            if not moved[number]:
                for place in range(WIDTH):
                    pixels[place] = line[WIDTH + place]
                continue
            offset = np.floor(offsets[number, row])
            weight = np.float32(offsets[number, row] - offset)
            start = WIDTH + 3 * min(max(int(offset), -COLUMNS), COLUMNS - 1)
            for place in range(start, WIDTH, 3):
                line[place] = line[WIDTH]
                line[place + 1] = line[WIDTH + 1]
                line[place + 2] = line[WIDTH + 2]
            for place in range(2 * WIDTH, start + WIDTH + 3, 3):
                line[place] = line[2 * WIDTH - 3]
                line[place + 1] = line[2 * WIDTH - 2]
                line[place + 2] = line[2 * WIDTH - 1]
            window = line[start : start + WIDTH + 3]
            for place in range(WIDTH):
                near = np.float32(window[place])
                step = np.float32(window[place + 3]) - near
                pixels[place] = np.uint8(np.int32(near + step * weight + np.float32(0.5)))


def change_levels(
    frames: Bytes,
    levels: Bytes,
    shadow_levels: Bytes,
    shadow_widths: Bytes,
    shadow_left: Mask,
) -> None:
    """Replace the level of each pixel, and then the levels in the shadow, in place.

    Args:
        frames: uint8 (n, rows, 384), the pixels of each row with their three channels.
        levels: uint8 (n, 256), the new value of each level.
        shadow_levels: uint8 (n, 256), the value that each of those has in the shadow.
        shadow_widths: uint8 (n, rows), number of pixels of each row in the shadow.
        shadow_left: (n,), whether the shadow begins at the left side of the frame.
    """
    dark = np.empty(256, np.uint8)
    for number in range(len(frames)):
        table = levels[number]
        for level in range(256):
            dark[level] = shadow_levels[number, table[level]]
        for row in range(frames.shape[1]):
            pixels = frames[number, row]
            shaded = 3 * int(shadow_widths[number, row])
            first = 0 if shadow_left[number] else WIDTH - shaded
            for place in range(first):
                pixels[place] = table[pixels[place]]
            for place in range(first, first + shaded):
                pixels[place] = dark[pixels[place]]
            for place in range(first + shaded, WIDTH):
                pixels[place] = table[pixels[place]]


def blur(frames: Bytes, blurred: Mask) -> None:
    """Replace each pixel by the mean of the 3 x 3 around it, in place.

    At the borders of the frame, the pixels on the inner side count twice.

    Args:
        frames: uint8 (n, rows, 384), the pixels of each row with their three channels.
        blurred: (n,), whether the frame is blurred.
    """
    rows = frames.shape[1]
    line = np.empty(WIDTH + 6, np.uint8)  # a row with a pixel more at both sides
    sums = np.empty((rows, WIDTH), np.uint16)
    for number in range(len(frames)):
        if not blurred[number]:
            continue
        for row in range(rows):
            pixels = frames[number, row]
            for place in range(WIDTH):
                line[place + 3] = pixels[place]
            for channel in range(3):
                line[channel] = pixels[channel + 3]
                line[WIDTH + 3 + channel] = pixels[WIDTH - 6 + channel]
            for place in range(WIDTH):
                sums[row, place] = np.uint16(line[place]) + line[place + 3] + line[place + 6]
        for row in range(rows):
            above, here = sums[abs(row - 1)], sums[row]
            below = sums[row + 1 if row + 1 < rows else rows - 2]
            pixels = frames[number, row]
            for place in range(WIDTH):
                total = np.float32(above[place] + here[place] + below[place])
                pixels[place] = np.uint8(np.int32(total / np.float32(9) + np.float32(0.5)))
