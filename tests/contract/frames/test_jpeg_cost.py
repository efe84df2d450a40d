"""JPEGs that would take long to decode are refused; those that other programs write are not."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
import simplejpeg
from PIL import Image
from support.data import jpegs, samples

from contract.errors import BrokenFrameError
from contract.frames import preprocess
from contract.frames.jpeg_cost import MAX_SCANS, MAX_SEGMENTS, check_cost

COMMENT = 0xFE


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_what_pillow_writes_in_many_scans_is_decoded(mode: str) -> None:
    jpeg = jpegs.progressive(mode=mode)
    assert 6 <= jpeg.count(jpegs.SCAN) <= 18
    by_pillow = np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"))
    np.testing.assert_allclose(preprocess.decode(jpeg).astype(int), by_pillow, atol=2)


def test_what_opencv_writes_in_many_scans_is_decoded() -> None:
    flags = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 4]
    jpeg = bytes(cv2.imencode(".jpg", samples.picture(0.1, 2), flags)[1])
    assert jpeg.count(jpegs.SCAN) == 10
    np.testing.assert_array_equal(preprocess.decode(jpeg), simplejpeg.decode_jpeg(jpeg, "RGB"))


def test_a_progressive_jpeg_may_have_24_scans_and_no_more() -> None:
    jpeg = jpegs.progressive()
    check_cost(jpegs.with_scans(jpeg, MAX_SCANS))
    for count in (MAX_SCANS + 1, 500):
        with pytest.raises(BrokenFrameError, match="too many scans: got more than 24 in"):
            preprocess.decode(jpegs.with_scans(jpeg, count))


@pytest.mark.parametrize("marker", [0xC0, 0xC1])
def test_scans_of_single_components_are_counted_too(marker: int) -> None:
    """libjpeg reads any number of them, each for all blocks of the picture."""
    many = [jpegs.scan([1 + number % 3]) for number in range(3 * MAX_SCANS)]
    with pytest.raises(BrokenFrameError, match="too many scans"):
        preprocess.decode(jpegs.sequential(marker, many))
    check_cost(jpegs.sequential(marker, many[:3]))


def test_libjpeg_stops_after_a_scan_of_all_components() -> None:
    """So the scans behind it need not be counted, which would cost each frame 3 % more."""
    jpeg = samples.jpeg()
    more = jpeg[:-2] + jpeg[jpeg.index(jpegs.SCAN) :]
    check_cost(more)
    with pytest.raises(ValueError, match="more than one scan"):
        simplejpeg.decode_jpeg(more, "RGB", strict=True)


@pytest.mark.parametrize("marker", [0xC3, 0xC9, 0xCA, 0xCB, 0xCD, 0xCF])
def test_a_coding_that_no_camera_writes_is_refused(marker: int) -> None:
    jpeg = jpegs.sequential(marker, [jpegs.scan([1, 2, 3])])
    with pytest.raises(BrokenFrameError, match="a coding that no camera writes: got marker 0xFFC"):
        preprocess.decode(jpeg)


def test_markers_of_scans_in_other_data_are_not_counted() -> None:
    comment = jpegs.segment(COMMENT, jpegs.SCAN * 1000)
    for jpeg in (samples.jpeg(), jpegs.progressive()):
        found = preprocess.decode(jpegs.after_start(jpeg, comment))
        np.testing.assert_array_equal(found, preprocess.decode(jpeg))


@pytest.mark.parametrize(
    "hidden",
    [
        b"\xff\xd0",
        b"\xff\x01",
        b"\xff\x00",
        b"\xff\xfe\0\1",
        b"\xff\xfe\0\2\0\0",
        jpegs.SOI,
        jpegs.EOI,
    ],
    ids=["restart", "TEM", "zero", "length of 1", "zeros", "start", "end"],
)
def test_no_marker_leads_past_the_header_that_the_decoder_reads(hidden: bytes) -> None:
    """Read as a segment, each would hide the real header behind a harmless one."""
    attack = jpegs.with_scans(jpegs.progressive(), 500)
    with pytest.raises(BrokenFrameError, match="header cannot be read"):
        preprocess.decode(jpegs.after_start(attack, hidden))


def test_many_segments_before_the_picture_are_refused() -> None:
    jpeg, comment = samples.jpeg(), jpegs.segment(COMMENT, b"")
    preprocess.decode(jpegs.after_start(jpeg, comment * (MAX_SEGMENTS - 100)))
    with pytest.raises(BrokenFrameError, match="too many segments: got more than 1,000"):
        preprocess.decode(jpegs.after_start(jpeg, comment * MAX_SEGMENTS))


def test_fill_bytes_before_a_marker_are_allowed() -> None:
    """The standard allows any number of them (ITU-T T.81, B.1.1.2)."""
    jpeg = samples.jpeg()
    found = preprocess.decode(jpegs.after_start(jpeg, b"\xff" * 1000))
    np.testing.assert_array_equal(found, simplejpeg.decode_jpeg(jpeg, "RGB"))
