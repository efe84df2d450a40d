"""Decodes a camera's image and makes of it the frame that a network is given.

Ingest, /predict, log replay, scoring, the drives in the simulator and the check of golden frames
all make their frames with `fit`. No other code in Lapwing decodes a camera's image, or resizes it
for a network.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg

from contract.errors import BrokenFrameError, NotAJpegError
from contract.frames import jpeg_cost, pillow_resize
from contract.frames.spec import OWN, FrameSpec
from contract.vehicle import IMAGE_HEIGHT

__all__ = ["Frame", "decode", "decode_image", "fit", "prepare", "resize"]

MAX_PIXELS: Final = 4_000_000
"""Maximum number of pixels of an image.

Larger images are refused after reading only their header: no camera of the simulator makes them,
and a JPEG of a few kB may declare 65,500 x 65,500 pixels."""

JPEG_START: Final = b"\xff\xd8\xff"
"""A JPEG begins with these bytes: the marker SOI, and the first byte of the next marker."""
PNG_START: Final = b"\x89PNG\r\n\x1a\n"
"""A PNG begins with these bytes."""

OPENCV_INTERPOLATIONS: Final = {
    "linear": cv2.INTER_LINEAR,
    "area": cv2.INTER_AREA,
    "nearest": cv2.INTER_NEAREST,
    "cubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
    "pil-nearest": cv2.INTER_NEAREST_EXACT,
}
"""The interpolations of a FrameSpec that OpenCV has; the others are in pillow_resize.py.

Pillow takes the pixel at the middle of each new pixel, and OpenCV's INTER_NEAREST the one at its
corner."""
PILLOW: Final = "pil-"
"""Names of Pillow's interpolations begin with this."""
FROM_RGB: Final = {
    "bgr": cv2.COLOR_RGB2BGR,
    "yuv": cv2.COLOR_RGB2YUV,
    "ycrcb": cv2.COLOR_RGB2YCrCb,
    "hsv": cv2.COLOR_RGB2HSV,
    "hls": cv2.COLOR_RGB2HLS,
    "lab": cv2.COLOR_RGB2Lab,
    "gray": cv2.COLOR_RGB2GRAY,
}
"""OpenCV's conversion to each colour space of a FrameSpec."""

Frame = npt.NDArray[np.uint8]


def prepare(jpeg: bytes, frame: FrameSpec = OWN) -> Frame:
    """Decode a JPEG of any size, and make of it the frame that a network is given.

    Grayscale and CMYK images are converted to RGB first.

    Args:
        jpeg: the JPEG file's own bytes.
        frame: the frame; by default uint8 RGB of shape (128, 128, 3), resized linearly.

    Raises:
        NotAJpegError: the bytes do not begin like a JPEG.
        BrokenFrameError: the JPEG is truncated, corrupt, has more than 4 million pixels, or would
            take too long (jpeg_cost.py).
    """
    return fit(decode(jpeg), frame)


def fit(pixels: Frame, frame: FrameSpec = OWN) -> Frame:
    """Make of a decoded picture the frame that a network is given.

    The rows to cut off are counted in the simulator's picture, which has 160. Of a picture of
    another height, the same share is cut off, rounded to whole rows; at least one row is kept.

    Args:
        pixels: RGB of shape (height, width, 3), of any size.
        frame: what the network is given.

    Returns:
        uint8 of shape `frame.shape`; `pixels` itself if nothing is to be done.
    """
    if frame.crop != (0, 0):
        rows = len(pixels)
        top, bottom = (round(count * rows / IMAGE_HEIGHT) for count in frame.crop)
        top = min(top, rows - 1)
        pixels = pixels[top : max(top + 1, rows - bottom)]
    if pixels.shape[0] != frame.height or pixels.shape[1] != frame.width:
        interpolation = OPENCV_INTERPOLATIONS.get(frame.interpolation)
        if interpolation is None:
            name = frame.interpolation.removeprefix(PILLOW)
            pixels = pillow_resize.resize(pixels, frame.height, frame.width, name)
        else:
            size = (frame.width, frame.height)
            resized = cv2.resize(pixels, size, interpolation=interpolation)
            pixels = np.asarray(resized, dtype=np.uint8)
    if frame.color == "rgb":
        return pixels
    converted = np.asarray(cv2.cvtColor(pixels, FROM_RGB[frame.color]), dtype=np.uint8)
    return converted.reshape(frame.shape)  # grey has no axis of channels in OpenCV


def decode(jpeg: bytes) -> Frame:
    """Decode a JPEG to uint8 RGB of shape (height, width, 3), without resizing it.

    Raises:
        NotAJpegError: the bytes do not begin like a JPEG.
        BrokenFrameError: the JPEG is truncated, corrupt, has more than 4 million pixels, or would
            take too long (jpeg_cost.py).
    """
    if jpeg[:3] != JPEG_START:
        raise NotAJpegError(
            "the frame is not a JPEG",
            got=f"{len(jpeg)} bytes that begin with {bytes(jpeg[:8])!r}",
            remedy="Send the JPEG file's own bytes, not base64 and not another format",
        )
    jpeg_cost.check_cost(jpeg)
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
        BrokenFrameError: the image is truncated, corrupt, has more than 4 million pixels, or would
            take too long.
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
    """Resize an image of shape (height, width, 3) linearly to (128, 128, 3), as stores keep it."""
    return fit(pixels, OWN)


def _cmyk_to_rgb(cmyk: Frame) -> Frame:
    """Convert CMYK of shape (height, width, 4) to RGB of shape (height, width, 3).

    JPEGs store the four inks inverted, as Adobe's programs do.
    """
    rgb = cmyk[..., :3].astype(np.uint16) * cmyk[..., 3:]
    return ((rgb + 127) // 255).astype(np.uint8)


def _broken_error(what: str, jpeg: bytes, error: ValueError) -> BrokenFrameError:
    return BrokenFrameError(what, got=f"{len(jpeg)} bytes ({error})", remedy="Send the whole file")
