"""Decodes a camera's image and resizes it to the frame that a network is given.

Ingest and /predict both call `prepare`. No other code in Lapwing decodes or resizes a camera's
image.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg

from contract.errors import BrokenFrameError, NotAJpegError
from contract.frames.spec import HEIGHT, WIDTH

__all__ = ["Frame", "decode", "decode_image", "prepare", "resize"]

MAX_PIXELS: Final = 4_000_000
"""Maximum number of pixels of an image.

Larger images are refused after reading only their header: no camera of the simulator makes them,
and a JPEG of a few kB may declare 65,500 x 65,500 pixels."""

JPEG_START: Final = b"\xff\xd8\xff"
"""A JPEG begins with these bytes: the marker SOI, and the first byte of the next marker."""
PNG_START: Final = b"\x89PNG\r\n\x1a\n"
"""A PNG begins with these bytes."""

Frame = npt.NDArray[np.uint8]


def prepare(jpeg: bytes) -> Frame:
    """Decode a JPEG of any size, and resize it linearly to uint8 RGB of shape (128, 128, 3).

    Grayscale and CMYK images are converted to RGB.

    Raises:
        NotAJpegError: the bytes do not begin like a JPEG.
        BrokenFrameError: the JPEG is truncated, corrupt or has more than 4 million pixels.
    """
    return resize(decode(jpeg))


def decode(jpeg: bytes) -> Frame:
    """Decode a JPEG to uint8 RGB of shape (height, width, 3), without resizing it.

    Raises:
        NotAJpegError: the bytes do not begin like a JPEG.
        BrokenFrameError: the JPEG is truncated, corrupt or has more than 4 million pixels.
    """
    if jpeg[:3] != JPEG_START:
        raise NotAJpegError(
            "the frame is not a JPEG",
            got=f"{len(jpeg)} bytes that begin with {bytes(jpeg[:8])!r}",
            remedy="Send the JPEG file's own bytes, not base64 and not another format",
        )
    try:
        height, width, color, _ = simplejpeg.decode_jpeg_header(jpeg)
    except ValueError as error:
        raise _broken_error("the JPEG's header cannot be read", jpeg, error) from error
    if height * width > MAX_PIXELS:
        raise BrokenFrameError(
            "the JPEG is too large",
            got=f"{width} x {height} pixels",
            remedy=f"Send at most {MAX_PIXELS:,} pixels; the simulator's frames have 320 x 160",
        )
    try:
        if color in ("CMYK", "YCCK"):
            return _cmyk_to_rgb(simplejpeg.decode_jpeg(jpeg, "CMYK", strict=True))
        return np.asarray(simplejpeg.decode_jpeg(jpeg, "RGB", strict=True), dtype=np.uint8)
    except ValueError as error:
        raise _broken_error("the JPEG is truncated or corrupt", jpeg, error) from error


def decode_image(content: bytes) -> Frame:
    """Decode a JPEG or a PNG to uint8 RGB of shape (height, width, 3), without resizing it.

    Cameras send JPEGs; people also have PNGs on their disks. Transparency is ignored.

    Raises:
        NotAJpegError: the bytes are neither a JPEG nor a PNG.
        BrokenFrameError: the image is truncated, corrupt or has more than 4 million pixels.
    """
    if content[:8] != PNG_START:
        return decode(content)
    width, height = (int.from_bytes(content[start : start + 4], "big") for start in (16, 20))
    if not 0 < height * width <= MAX_PIXELS:
        raise BrokenFrameError(
            "the PNG is too large, or empty",
            got=f"{width} x {height} pixels",
            remedy=f"Use an image of at most {MAX_PIXELS:,} pixels",
        )
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if decoded is None or decoded.shape != (height, width, 3):
        raise BrokenFrameError(
            "the PNG is truncated or corrupt",
            got=f"{len(content)} bytes",
            remedy="Send the whole file",
        )
    return np.asarray(decoded[..., ::-1], dtype=np.uint8)


def resize(pixels: Frame) -> Frame:
    """Resize an image of shape (height, width, 3) linearly to (128, 128, 3)."""
    resized = cv2.resize(pixels, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, dtype=np.uint8)


def _cmyk_to_rgb(cmyk: Frame) -> Frame:
    """Convert CMYK of shape (height, width, 4) to RGB of shape (height, width, 3).

    JPEGs store the four inks inverted, as Adobe's programs do.
    """
    rgb = cmyk[..., :3].astype(np.uint16) * cmyk[..., 3:]
    return ((rgb + 127) // 255).astype(np.uint8)


def _broken_error(what: str, jpeg: bytes, error: ValueError) -> BrokenFrameError:
    return BrokenFrameError(what, got=f"{len(jpeg)} bytes ({error})", remedy="Send the whole file")
