"""Assembles JPEGs that no camera writes, from those that Pillow writes and from their parts."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

from PIL import Image

from support.data import samples

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
SCAN = b"\xff\xda"


def progressive(height: int = 160, width: int = 320, mode: str = "RGB") -> bytes:
    """Return a picture that Pillow wrote as a progressive JPEG."""
    out = io.BytesIO()
    picture = Image.fromarray(samples.picture(0.3, 1, height, width)).convert(mode)
    picture.save(out, "JPEG", progressive=True, quality=80)
    return out.getvalue()


def with_scans(jpeg: bytes, count: int) -> bytes:
    """Return a JPEG whose last scan is repeated until it has `count` of them."""
    last = jpeg[jpeg.rindex(SCAN) : -len(EOI)]
    return jpeg[: -len(EOI)] + last * (count - jpeg.count(SCAN)) + EOI


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def scan(components: Sequence[int], data: bytes = b"\0") -> bytes:
    """Return a scan of whole blocks."""
    ids = b"".join(bytes([number, 0]) for number in components)
    return segment(0xDA, bytes([len(components)]) + ids + bytes([0, 63, 0])) + data


def sequential(marker: int, scans: Sequence[bytes], size: int = 160) -> bytes:
    """Return a JPEG of three components, with tables of one code of one bit each."""
    components = b"".join(bytes([number, 0x11, 0]) for number in (1, 2, 3))
    tables = segment(0xDB, b"\0" + b"\1" * 64)
    for kind in (0x00, 0x10):
        tables += segment(0xC4, bytes([kind, 1]) + bytes(15) + b"\0")
    frame = segment(marker, struct.pack(">BHHB", 8, size, size, 3) + components)
    jfif = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
    return SOI + jfif + tables + frame + b"".join(scans) + EOI


def after_start(jpeg: bytes, inserted: bytes) -> bytes:
    """Return a JPEG with bytes between its marker SOI and its first segment."""
    return jpeg[: len(SOI)] + inserted + jpeg[len(SOI) :]
