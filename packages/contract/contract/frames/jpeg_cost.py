"""Refuses a JPEG that would take far longer to decode than its number of pixels says.

A decoder walks through all blocks of the picture once for each scan, and ten bytes are enough for a
scan. A progressive JPEG of 990 kB with 69,577 scans took 31 s, where a frame of the simulator takes
0.25 ms. So the scans are counted before the picture is decoded.
"""

from __future__ import annotations

import re
import struct
from itertools import islice
from typing import Final

from contract.errors import BrokenFrameError

__all__ = ["MAX_SCANS", "MAX_SEGMENTS", "check_cost"]

MAX_SCANS: Final = 24
"""Maximum number of scans of a JPEG.

libjpeg and its kin write progressive pictures in 10 scans, and those of four inks in 18. At the
bound, the slowest picture of 4 million pixels that could be made takes 0.1 s, as long as an honest
progressive one of that size."""
MAX_SEGMENTS: Final = 1000
"""Maximum number of segments before the first scan.

There are about ten. A large colour profile has 255, and so may have each other kind of metadata."""

FILLED: Final = 0xFFFF
FILL: Final = re.compile(rb"\xff+")
"""A marker may have any number of these bytes in front."""
SCAN: Final = re.compile(rb"\xff\xda\x00(?:\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)")
"""Begin of the header of a scan with 1 to 4 components: marker, length, number of components.

In compressed data a zero follows each 0xFF, so all scans are found. Elsewhere the five bytes stand
by chance once in 250 GB; but the thumbnails in the metadata of a photo, which are JPEGs, count."""
START_OF_SCAN: Final = 0xFFDA
ONE_PASS: Final = (0xFFC0, 0xFFC1)
"""Markers of frames that are not progressive: baseline, and extended sequential."""
PROGRESSIVE: Final = 0xFFC2
OTHER_CODINGS: Final = frozenset(range(0xFFC3, 0xFFD0)) - {0xFFC4, 0xFFC8}
"""Markers of frames that are lossless, hierarchical or arithmetically coded, and of the tables of
the arithmetic coding."""
PASSED_OVER: Final = frozenset([0xFFC4, 0xFFDB, 0xFFDD, 0xFFFE, *range(0xFFE0, 0xFFF0)])
"""Markers of tables, of the restart interval, of comments and of metadata."""
SEGMENT: Final = struct.Struct(">HH")
"""The marker of a segment and its length."""
COUNT: Final = 9
"""Offset of the number of components in the header of a frame."""


def check_cost(jpeg: bytes) -> None:
    """Raise an error if a JPEG has more scans than a picture needs, or a coding that none has.

    The usual frame costs a look at the headers before its only scan, 1 % of the time of decoding.

    Args:
        jpeg: bytes that begin with the marker SOI.

    Raises:
        BrokenFrameError: it has more than MAX_SCANS scans or MAX_SEGMENTS segments, is coded
            arithmetically, without loss or hierarchically, or has no scan.
    """
    components = 0
    position = 2
    unpack = SEGMENT.unpack_from  # a name of the function is found faster than one of the module
    try:
        for _ in range(MAX_SEGMENTS):
            marker, length = unpack(jpeg, position)
            if marker in PASSED_OVER and length > 1:
                position += 2 + length
            elif marker == START_OF_SCAN:
                # A scan with all components is the only one, if the picture is not progressive:
                # the decoder refuses another one without looking at its data.
                if jpeg[position + SEGMENT.size] != components:
                    _check_scans(jpeg)
                return
            elif marker in ONE_PASS:
                components = jpeg[position + COUNT]
                position += 2 + length
            elif marker == PROGRESSIVE:
                position += 2 + length
            elif marker in OTHER_CODINGS:
                raise _other_coding(marker)
            elif marker == FILLED and (fill := FILL.match(jpeg, position)):
                position = fill.end() - 1
            else:
                raise _no_scan(jpeg)
    except (struct.error, IndexError):
        raise _no_scan(jpeg) from None
    raise BrokenFrameError(
        "the JPEG has too many segments",
        got=f"more than {MAX_SEGMENTS:,} before the picture",
        remedy="Save the picture without metadata",
    )


def _check_scans(jpeg: bytes) -> None:
    """Raise an error if a JPEG has more than MAX_SCANS scans."""
    if sum(1 for _ in islice(SCAN.finditer(jpeg), MAX_SCANS + 1)) > MAX_SCANS:
        raise BrokenFrameError(
            "the JPEG has too many scans",
            got=f"more than {MAX_SCANS} in {len(jpeg):,} bytes",
            remedy="Save it again: a progressive JPEG has about 10 scans, others have one",
        )


def _other_coding(marker: int) -> BrokenFrameError:
    return BrokenFrameError(
        "the JPEG has a coding that no camera writes",
        got=f"marker 0x{marker:X}: arithmetic, lossless or hierarchical",
        remedy="Send a baseline or a progressive JPEG with Huffman coding",
    )


def _no_scan(jpeg: bytes) -> BrokenFrameError:
    return BrokenFrameError(
        "the JPEG's header cannot be read",
        got=f"{len(jpeg)} bytes without a whole header before the picture",
        remedy="Send the whole file",
    )
