"""The one way in which a picture becomes what the network sees.

Ingest and /predict both call `prepare`; nothing else in Lapwing decodes or resizes a camera frame.
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

# Larger pictures are refused from the header alone: no camera of the simulator makes them, and a
# JPEG of a few kB may declare 65,500 x 65,500 pixels.
MAX_PIXELS: Final = 4_000_000

SOI: Final = b"\xff\xd8\xff"
PNG: Final = b"\x89PNG\r\n\x1a\n"

Frame = npt.NDArray[np.uint8]


def prepare(jpeg: bytes) -> Frame:
    """Decode a JPEG of any size and resize it linearly: uint8 RGB of shape (128, 128, 3).

    Grayscale and CMYK pictures are converted.

    Raises:
        NotAJpegError: the bytes do not begin as a JPEG does.
        BrokenFrameError: the JPEG is truncated, corrupt or of more than 4 million pixels.
    """
    return resize(decode(jpeg))


def decode(jpeg: bytes) -> Frame:
    """Decode a JPEG: uint8 RGB of its own size, (height, width, 3); the first half of `prepare`.

    Raises:
        NotAJpegError: the bytes do not begin as a JPEG does.
        BrokenFrameError: the JPEG is truncated, corrupt or of more than 4 million pixels.
    """
    if jpeg[:3] != SOI:
        raise NotAJpegError(
            "the frame is not a JPEG",
            got=f"{len(jpeg)} bytes that begin with {bytes(jpeg[:8])!r}",
            remedy="Send the JPEG file's own bytes, not base64 and not another format",
        )
    try:
        height, width, color, _ = simplejpeg.decode_jpeg_header(jpeg)
    except ValueError as error:
        raise _broken("the JPEG's header cannot be read", jpeg, error) from error
    if height * width > MAX_PIXELS:
        raise BrokenFrameError(
            "the JPEG is too large",
            got=f"{width} x {height} pixels",
            remedy=f"Send at most {MAX_PIXELS:,} pixels; the simulator's frames have 320 x 160",
        )
    try:
        if color in ("CMYK", "YCCK"):
            return _rgb_of_cmyk(simplejpeg.decode_jpeg(jpeg, "CMYK", strict=True))
        return np.asarray(simplejpeg.decode_jpeg(jpeg, "RGB", strict=True), dtype=np.uint8)
    except ValueError as error:
        raise _broken("the JPEG is truncated or corrupt", jpeg, error) from error


def decode_image(content: bytes) -> Frame:
    """Decode a JPEG or a PNG: uint8 RGB of its own size, (height, width, 3).

    Cameras send JPEGs; PNGs are what people have on their disks. Transparency is left out.

    Raises:
        NotAJpegError: it begins as neither does.
        BrokenFrameError: it is truncated, corrupt or of more than 4 million pixels.
    """
    if content[:8] != PNG:
        return decode(content)
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    if not 0 < height * width <= MAX_PIXELS:
        raise BrokenFrameError(
            "the PNG is too large, or empty",
            got=f"{width} x {height} pixels",
            remedy=f"At most {MAX_PIXELS:,} pixels are read",
        )
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if decoded is None or decoded.shape != (height, width, 3):
        raise BrokenFrameError("the PNG is truncated or corrupt", got=f"{len(content)} bytes")
    return np.asarray(decoded[..., ::-1], dtype=np.uint8)


def resize(pixels: Frame) -> Frame:
    """Resize a picture (height, width, 3) linearly to (128, 128, 3); the other half."""
    resized = cv2.resize(pixels, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, dtype=np.uint8)


def _rgb_of_cmyk(cmyk: Frame) -> Frame:
    """Convert (H, W, 4) inks to (H, W, 3) light; JPEGs store inks inverted (Adobe's habit)."""
    light = cmyk[..., :3].astype(np.uint16) * cmyk[..., 3:]
    return ((light + 127) // 255).astype(np.uint8)


def _broken(what: str, jpeg: bytes, error: ValueError) -> BrokenFrameError:
    return BrokenFrameError(what, got=f"{len(jpeg)} bytes ({error})", remedy="Send the whole file")
