import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers

from contract.errors import BrokenFrameError, FrameError
from inference.api.request_body import (
    MOST,
    FormError,
    Pictures,
    TooLargeError,
    TooSlowError,
    UnsupportedTypeError,
    read,
)

LIMIT = 1000
FORM_TYPE = "multipart/form-data; boundary=xyz"


class Body:
    """The chunks of a body, which knows how many were taken; then a client that stalls, or not."""

    def __init__(self, *chunks: bytes, stalls: bool = False) -> None:
        self.chunks = list(chunks)
        self.stalls = stalls

    async def stream(self) -> AsyncIterator[bytes]:
        while self.chunks:
            yield self.chunks.pop(0)
        if self.stalls:
            await asyncio.sleep(60)


def take_all(
    body: Body, kind: str, timeout_s: float = 5.0, limit: int = LIMIT, **headers: str
) -> Pictures:
    given_headers = Headers({"content-type": kind, **headers})
    return asyncio.run(read(body.stream(), given_headers, limit, timeout_s))


def take(body: Body, kind: str = "image/jpeg", timeout_s: float = 5.0, **headers: str) -> bytes:
    pictures = take_all(body, kind, timeout_s, LIMIT, **headers)
    assert not pictures.several
    (only,) = pictures.jpegs
    return only


def part(content: bytes, name: str = "file", filename: str | None = "frame.jpg") -> bytes:
    disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
    head = f"--xyz\r\nContent-Disposition: {disposition}\r\nContent-Type: image/jpeg\r\n\r\n"
    return head.encode() + content + b"\r\n"


END = b"--xyz--\r\n"


def test_a_raw_body_is_the_picture() -> None:
    assert take(Body(b"abc", b"def")) == b"abcdef"


@pytest.mark.parametrize("kind", ["image/jpeg; q=1", "IMAGE/JPEG"])
def test_the_content_type_is_read_as_http_means_it(kind: str) -> None:
    assert take(Body(b"abc"), kind) == b"abc"


@pytest.mark.parametrize("kind", ["", "text/plain", "image/png", "application/json", "jpeg", ";;="])
def test_another_content_type_is_refused_without_reading(kind: str) -> None:
    body = Body(b"abc")
    with pytest.raises(UnsupportedTypeError):
        take(body, kind)
    assert body.chunks == [b"abc"]


def test_a_body_up_to_the_limit_is_read() -> None:
    assert len(take(Body(bytes(LIMIT)))) == LIMIT


def test_a_body_over_the_limit_is_not_read_on() -> None:
    body = Body(*[bytes(400)] * 10)
    with pytest.raises(TooLargeError, match="1200 bytes and more to come"):
        take(body)
    assert len(body.chunks) == 7


def test_a_declared_length_over_the_limit_is_refused_without_reading() -> None:
    body = Body(b"abc")
    with pytest.raises(TooLargeError, match="1001 bytes"):
        take(body, **{"content-length": "1001"})
    assert body.chunks == [b"abc"]


def test_a_form_over_the_limit_is_refused() -> None:
    with pytest.raises(TooLargeError):
        take(Body(part(bytes(LIMIT)), END), FORM_TYPE)


def test_a_body_that_stalls_is_given_up() -> None:
    with pytest.raises(TooSlowError, match=r"within 0\.05 s"):
        take(Body(b"abc", stalls=True), timeout_s=0.05)


def test_an_empty_body_is_refused() -> None:
    with pytest.raises(BrokenFrameError, match="no bytes"):
        take(Body())


def test_the_file_of_a_form_is_the_picture() -> None:
    picture = bytes(range(256))
    assert take(Body(part(picture), END), FORM_TYPE) == picture


@pytest.mark.parametrize("size", [1, 7, 64])
def test_a_form_may_come_in_any_pieces(size: int) -> None:
    whole = part(b"abc\r\n--xy\r\n") + END
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    assert take(Body(*pieces), FORM_TYPE) == b"abc\r\n--xy\r\n"


@pytest.mark.parametrize("count", [1, 2, 5])
def test_files_of_that_name_are_several_pictures_in_order(count: int) -> None:
    contents = [bytes([number]) * 9 for number in range(count)]
    body = Body(*[part(each, "files") for each in contents], END)
    assert take_all(body, FORM_TYPE) == Pictures(contents, several=True)


def test_more_than_may_be_answered_together_are_refused() -> None:
    with pytest.raises(FormError, match=f"{MOST + 1} files named .* at most {MOST} are answered"):
        take_all(Body(part(b"abc", "files") * (MOST + 1), END), FORM_TYPE, limit=100_000)


def test_one_of_several_that_is_empty_is_refused() -> None:
    with pytest.raises(BrokenFrameError, match="no bytes"):
        take_all(Body(part(b"abc", "files"), part(b"", "files"), END), FORM_TYPE)


def test_fields_beside_the_file_are_ignored() -> None:
    body = Body(part(b"note", "a", None), part(b"abc"), part(b"x", "b", None), END)
    assert take(body, FORM_TYPE) == b"abc"


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
        take(Body(form), FORM_TYPE)


def test_a_form_with_an_empty_file_is_refused() -> None:
    with pytest.raises(BrokenFrameError, match="no bytes"):
        take(Body(part(b""), END), FORM_TYPE)


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary="])
def test_a_form_without_a_boundary_is_refused(kind: str) -> None:
    with pytest.raises(FormError):
        take(Body(part(b"abc"), END), kind)


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, 200), st.text(max_size=80))
def test_no_form_raises_anything_but_a_frame_error(noise: bytes, at: int, boundary: str) -> None:
    form = bytearray(part(b"abc") + END)
    form[at : at + len(noise)] = noise
    boundary = boundary.encode("latin-1", "ignore").decode("latin-1")
    for kind in (FORM_TYPE, f"multipart/form-data; boundary={boundary}"):
        try:
            assert take(Body(bytes(form)), kind)
        except FrameError:
            continue
