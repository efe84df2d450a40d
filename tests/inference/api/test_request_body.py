import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.errors import BrokenFrameError, FrameError
from inference.api.body_reader import BodyReader, TooLargeError, TooSlowError
from inference.api.request_body import (
    MAX_FILES,
    FormError,
    RequestFrames,
    UnsupportedTypeError,
    read_frames,
)

LIMIT = 1000
FORM_TYPE = "multipart/form-data; boundary=xyz"


class Body:
    """The chunks of a body that are not read yet, and whether the client stalls after them."""

    def __init__(self, *chunks: bytes, stalls: bool = False) -> None:
        self.chunks = list(chunks)
        self.stalls = stalls

    async def stream(self) -> AsyncIterator[bytes]:
        while self.chunks:
            yield self.chunks.pop(0)
        if self.stalls:
            await asyncio.sleep(60)


def read_all(
    body: Body, kind: str, timeout_s: float = 5.0, limit: int = LIMIT, declared: str = ""
) -> RequestFrames:
    bodies = BodyReader(limit, timeout_s=timeout_s)
    return asyncio.run(read_frames(body.stream(), kind, declared, bodies))


def read_one(
    body: Body, kind: str = "image/jpeg", timeout_s: float = 5.0, declared: str = ""
) -> bytes:
    frames = read_all(body, kind, timeout_s, LIMIT, declared)
    assert not frames.is_list
    (only,) = frames.jpegs
    return only


def part(content: bytes, name: str = "file", filename: str | None = "frame.jpg") -> bytes:
    disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
    head = f"--xyz\r\nContent-Disposition: {disposition}\r\nContent-Type: image/jpeg\r\n\r\n"
    return head.encode() + content + b"\r\n"


END = b"--xyz--\r\n"


def test_a_raw_body_is_the_frame() -> None:
    assert read_one(Body(b"abc", b"def")) == b"abcdef"


@pytest.mark.parametrize("kind", ["image/jpeg; q=1", "IMAGE/JPEG"])
def test_the_content_type_may_have_parameters_and_capitals(kind: str) -> None:
    assert read_one(Body(b"abc"), kind) == b"abc"


@pytest.mark.parametrize("kind", ["", "text/plain", "image/png", "application/json", "jpeg", ";;="])
def test_another_content_type_is_refused_without_reading(kind: str) -> None:
    body = Body(b"abc")
    told = re.escape(kind.rstrip(" .")) or "no Content-Type"
    with pytest.raises(UnsupportedTypeError, match=f"the request is no picture: got {told}"):
        read_one(body, kind)
    assert body.chunks == [b"abc"]


def test_a_body_up_to_the_limit_is_read() -> None:
    assert len(read_one(Body(bytes(LIMIT)))) == LIMIT


def test_a_body_over_the_limit_is_not_read_to_its_end() -> None:
    body = Body(*[bytes(400)] * 10)
    with pytest.raises(TooLargeError, match="1200 bytes and more to come"):
        read_one(body)
    assert len(body.chunks) == 7


def test_a_declared_length_over_the_limit_is_refused_without_reading() -> None:
    body = Body(b"abc")
    with pytest.raises(TooLargeError, match="1001 bytes"):
        read_one(body, declared="1001")
    assert body.chunks == [b"abc"]


def test_a_form_over_the_limit_is_refused() -> None:
    with pytest.raises(TooLargeError):
        read_one(Body(part(bytes(LIMIT)), END), FORM_TYPE)


def test_a_body_that_stalls_is_refused_after_the_timeout() -> None:
    with pytest.raises(TooSlowError, match=r"within 0\.05 s"):
        read_one(Body(b"abc", stalls=True), timeout_s=0.05)


def test_an_empty_body_is_refused() -> None:
    with pytest.raises(BrokenFrameError, match="no bytes"):
        read_one(Body())


def test_the_file_of_a_form_is_the_frame() -> None:
    frame = bytes(range(256))
    assert read_one(Body(part(frame), END), FORM_TYPE) == frame


@pytest.mark.parametrize("size", [1, 7, 64])
def test_a_form_may_arrive_in_pieces_of_any_size(size: int) -> None:
    whole = part(b"abc\r\n--xy\r\n") + END
    pieces = [whole[start : start + size] for start in range(0, len(whole), size)]
    assert read_one(Body(*pieces), FORM_TYPE) == b"abc\r\n--xy\r\n"


@pytest.mark.parametrize("count", [1, 2, 5])
def test_files_with_the_list_name_are_frames_in_order(count: int) -> None:
    contents = [bytes([number]) * 9 for number in range(count)]
    body = Body(*[part(content, "files") for content in contents], END)
    assert read_all(body, FORM_TYPE) == RequestFrames(contents, is_list=True)


def test_more_files_than_the_maximum_are_refused() -> None:
    with pytest.raises(FormError, match=f"{MAX_FILES + 1} files named .* send at most {MAX_FILES}"):
        read_all(Body(part(b"abc", "files") * (MAX_FILES + 1), END), FORM_TYPE, limit=100_000)


def test_an_empty_file_among_several_is_refused() -> None:
    with pytest.raises(BrokenFrameError, match="no bytes"):
        read_all(Body(part(b"abc", "files"), part(b"", "files"), END), FORM_TYPE)


def test_other_fields_of_a_form_are_ignored() -> None:
    body = Body(part(b"note", "a", None), part(b"abc"), part(b"x", "b", None), END)
    assert read_one(body, FORM_TYPE) == b"abc"


@pytest.mark.parametrize(
    "form",
    [
        END,
        part(b"abc", filename=None) + END,
        part(b"abc") + part(b"def") + END,
        b"no form",
        b"",
        b"--xyz\r\nContent-Disposition\x00: a\r\n\r\nabc\r\n" + END,
    ],
)
def test_a_form_that_does_not_hold_one_file_is_refused(form: bytes) -> None:
    with pytest.raises(FormError):
        read_one(Body(form), FORM_TYPE)


def test_a_form_with_an_empty_file_is_refused() -> None:
    with pytest.raises(BrokenFrameError, match="no bytes"):
        read_one(Body(part(b""), END), FORM_TYPE)


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary="])
def test_a_form_without_a_boundary_is_refused(kind: str) -> None:
    with pytest.raises(FormError):
        read_one(Body(part(b"abc"), END), kind)


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, 200), st.text(max_size=80))
def test_any_damaged_form_raises_only_frame_errors(noise: bytes, at: int, boundary: str) -> None:
    form = bytearray(part(b"abc") + END)
    form[at : at + len(noise)] = noise
    boundary = boundary.encode("latin-1", "ignore").decode("latin-1")
    for kind in (FORM_TYPE, f"multipart/form-data; boundary={boundary}"):
        try:
            assert read_one(Body(bytes(form)), kind)
        except FrameError:
            continue
