import io

import cv2
import numpy as np
import pytest
import simplejpeg
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.data import samples

from contract.errors import BrokenFrameError, FrameError, NotAJpegError
from contract.frames import preprocess
from contract.frames.spec import COLORS, INTERPOLATIONS, FrameSpec


def test_a_frame_is_decoded_once_and_resized_linearly() -> None:
    jpeg = samples.jpeg(0.3)
    decoded = simplejpeg.decode_jpeg(jpeg, "RGB")
    expected = cv2.resize(decoded, (128, 128), interpolation=cv2.INTER_LINEAR)
    prepared = preprocess.prepare(jpeg)
    assert prepared.dtype == np.uint8
    np.testing.assert_array_equal(prepared, expected)


def test_the_channels_are_red_green_blue() -> None:
    red = np.zeros((160, 320, 3), np.uint8)
    red[..., 0] = 250
    middle = preprocess.prepare(simplejpeg.encode_jpeg(red, quality=95))[64, 64]
    assert middle[0] > 240
    assert max(middle[1:]) < 10


def test_grayscale_becomes_three_equal_channels() -> None:
    gray = np.arange(160 * 320, dtype=np.uint32).reshape(160, 320, 1) % 200
    prepared = preprocess.prepare(simplejpeg.encode_jpeg(gray.astype(np.uint8), colorspace="GRAY"))
    np.testing.assert_array_equal(prepared[..., 0], prepared[..., 1])
    np.testing.assert_array_equal(prepared[..., 0], prepared[..., 2])


def test_cmyk_is_converted_to_rgb() -> None:
    inks = np.zeros((160, 320, 4), np.uint8)
    inks[:] = (255 - 0, 255 - 200, 255 - 200, 255)  # inverted: no cyan, much magenta and yellow
    middle = preprocess.prepare(simplejpeg.encode_jpeg(inks, quality=98, colorspace="CMYK"))[64, 64]
    np.testing.assert_allclose(middle.astype(int), (255, 55, 55), atol=6)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_jpeg_is_refused_wherever_it_ends(share: float) -> None:
    jpeg = samples.jpeg()
    with pytest.raises(BrokenFrameError):
        preprocess.prepare(jpeg[: max(4, int(len(jpeg) * share))])


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"/9j/4AAQ", b"\xff\xd8"])
def test_bytes_that_are_no_jpeg_are_refused(data: bytes) -> None:
    with pytest.raises(NotAJpegError, match="not a JPEG"):
        preprocess.prepare(data)


def test_a_giant_jpeg_is_refused_from_its_header() -> None:
    jpeg = bytearray(samples.jpeg())
    start = jpeg.index(b"\xff\xc0")  # SOF0: length, precision, height, width
    jpeg[start + 5 : start + 9] = (65500).to_bytes(2, "big") * 2
    with pytest.raises(BrokenFrameError, match="too large: got 65500 x 65500 pixels"):
        preprocess.prepare(bytes(jpeg))


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_picture_of_4_million_pixels_is_decoded_and_a_column_more_is_too_many(
    suffix: str,
) -> None:
    whole = np.full((2000, 2001, 3), 128, np.uint8)
    large, too_large = (
        bytes(cv2.imencode(suffix, picture)[1]) for picture in (whole[:, :2000], whole)
    )
    assert preprocess.decode_image(large).shape == (2000, 2000, 3)
    with pytest.raises(BrokenFrameError, match=r"is too large.*: got 2001 x 2000 pixels"):
        preprocess.decode_image(too_large)


@given(st.binary(max_size=400), st.integers(0, 2000))
def test_no_bytes_raise_anything_but_a_frame_error(noise: bytes, position: int) -> None:
    jpeg = bytearray(samples.jpeg(height=32, width=48))
    jpeg[position : position + len(noise)] = noise
    try:
        prepared = preprocess.prepare(bytes(jpeg))
    except FrameError:
        return
    assert prepared.shape == (128, 128, 3)


def test_real_frames_are_prepared() -> None:
    pictures = sorted(samples.shared("data", "jungle", "IMG").glob("center_*.jpg"))[:20]
    for picture in pictures:
        assert preprocess.prepare(picture.read_bytes()).std() > 10


def png(height: int = 40, width: int = 60) -> bytes:
    pixels = samples.picture(0.2, 1, height, width)
    return bytes(cv2.imencode(".png", pixels[..., ::-1])[1])


def test_an_image_may_be_a_jpeg_or_a_png() -> None:
    np.testing.assert_array_equal(preprocess.decode_image(png()), samples.picture(0.2, 1, 40, 60))
    jpeg = samples.jpeg()
    np.testing.assert_array_equal(preprocess.decode_image(jpeg), preprocess.decode(jpeg))
    with pytest.raises(NotAJpegError):
        preprocess.decode_image(b"GIF89a")


def test_a_transparent_or_grey_png_has_three_channels() -> None:
    for channels in (1, 4):
        pixels = np.full((9, 7, channels), 200, np.uint8)
        decoded = preprocess.decode_image(bytes(cv2.imencode(".png", pixels)[1]))
        np.testing.assert_array_equal(decoded, np.full((9, 7, 3), 200))


def test_a_broken_or_giant_png_is_refused() -> None:
    giant = bytearray(png())
    giant[16:24] = (65500).to_bytes(4, "big") * 2
    for content, message in (
        (bytes(giant), "65500 x 65500 pixels"),
        (png()[:20], "x 0 pixels"),
        (png()[:60], "truncated or corrupt"),
    ):
        with pytest.raises(BrokenFrameError, match=message):
            preprocess.decode_image(content)


PICTURE = np.random.default_rng(5).integers(0, 256, (160, 320, 3), np.uint8)
BY_OPENCV = {
    "linear": cv2.INTER_LINEAR,
    "area": cv2.INTER_AREA,
    "nearest": cv2.INTER_NEAREST,
    "cubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
}
BY_PILLOW = {
    "pil-nearest": Image.Resampling.NEAREST,
    "pil-bilinear": Image.Resampling.BILINEAR,
    "pil-bicubic": Image.Resampling.BICUBIC,
    "pil-lanczos": Image.Resampling.LANCZOS,
}
FROM_BGR = {
    "rgb": cv2.COLOR_BGR2RGB,
    "yuv": cv2.COLOR_BGR2YUV,
    "ycrcb": cv2.COLOR_BGR2YCrCb,
    "hsv": cv2.COLOR_BGR2HSV,
    "hls": cv2.COLOR_BGR2HLS,
    "lab": cv2.COLOR_BGR2Lab,
    "gray": cv2.COLOR_BGR2GRAY,
}


@pytest.mark.parametrize("name", INTERPOLATIONS)
def test_a_picture_is_cropped_and_resized_as_its_author_did(name: str) -> None:
    found = preprocess.fit(PICTURE, FrameSpec(66, 200, "rgb", name, (60, 25)))
    if name in BY_OPENCV:
        expected = cv2.resize(PICTURE[60:-25], (200, 66), interpolation=BY_OPENCV[name])
        np.testing.assert_array_equal(found, expected)
    else:
        part = Image.fromarray(PICTURE).crop((0, 60, 320, 135))
        by_pillow = np.asarray(part.resize((200, 66), BY_PILLOW[name]))
        np.testing.assert_array_equal(found, by_pillow)


@pytest.mark.parametrize("color", COLORS)
def test_colours_are_converted_after_the_resizing(color: str) -> None:
    frame = FrameSpec(64, 64, color, "area")
    found = preprocess.fit(PICTURE, frame)
    bgr = cv2.resize(PICTURE[..., ::-1], (64, 64), interpolation=cv2.INTER_AREA)
    expected = bgr if color == "bgr" else cv2.cvtColor(bgr, FROM_BGR[color])
    assert found.shape == frame.shape
    np.testing.assert_array_equal(found, expected.reshape(frame.shape))


def test_a_picture_that_needs_nothing_is_not_touched() -> None:
    np.testing.assert_array_equal(preprocess.fit(PICTURE, FrameSpec(160, 320)), PICTURE)
    frame = preprocess.resize(PICTURE)
    np.testing.assert_array_equal(preprocess.fit(frame), frame)


@pytest.mark.parametrize(("rows", "top", "bottom"), [(320, 120, 50), (128, 48, 20), (100, 38, 16)])
def test_the_same_share_is_cut_off_a_picture_of_another_height(
    rows: int, top: int, bottom: int
) -> None:
    picture = cv2.resize(PICTURE, (2 * rows, rows))
    found = preprocess.fit(picture, FrameSpec(66, 200, crop=(60, 25)))
    np.testing.assert_array_equal(found, cv2.resize(picture[top : rows - bottom], (200, 66)))


@pytest.mark.parametrize("rows", [1, 2, 3])
@pytest.mark.parametrize("crop", [(60, 25), (159, 0), (0, 159), (80, 79)])
def test_of_a_tiny_picture_a_row_is_kept(rows: int, crop: tuple[int, int]) -> None:
    found = preprocess.fit(PICTURE[:rows, :2], FrameSpec(8, 9, crop=crop))
    assert found.shape == (8, 9, 3)
    if crop == (159, 0):  # nearly all is cut off at the top, so the lowest row is left
        lowest = cv2.resize(PICTURE[rows - 1 : rows, :2], (9, 8))
        np.testing.assert_array_equal(found, lowest)


def test_a_jpeg_is_prepared_for_the_frame_that_is_asked_for() -> None:
    jpeg = samples.jpeg(0.3)
    decoded = np.asarray(Image.open(io.BytesIO(jpeg)))
    expected = cv2.resize(decoded[50:-20], (160, 80), interpolation=cv2.INTER_AREA)
    found = preprocess.prepare(jpeg, FrameSpec(80, 160, "rgb", "area", (50, 20)))
    np.testing.assert_array_equal(found, expected)
