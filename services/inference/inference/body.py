"""Takes one picture out of a request: a raw JPEG body, or a multipart form with one file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import Headers

from contract.errors import BrokenFrameError, FrameError


class TooLargeError(FrameError):
    """The body has more bytes than a picture may have."""


class TooSlowError(FrameError):
    """The body does not arrive in time."""


class UnsupportedTypeError(FrameError):
    """The body is neither a JPEG nor a form."""


class FormError(FrameError):
    """A multipart body without a file, or one that breaks off."""


async def read(
    chunks: AsyncIterator[bytes], headers: Headers, limit: int, timeout_s: float
) -> bytes:
    """Return the bytes of the picture.

    Args:
        chunks: the body as it comes.
        headers: the request's; its content type and length count.
        limit: bytes; not more than this and one chunk is read.
        timeout_s: how long the body may take to arrive.

    Raises:
        TooLargeError: the body is larger.
        TooSlowError: it is late.
        UnsupportedTypeError: the content type is another.
        FormError: the form does not hold one file, or is malformed.
        BrokenFrameError: the picture has no bytes.
    """
    content_type = headers.get("content-type", "")
    kind, options = parse_options_header(content_type)
    if kind not in (b"image/jpeg", b"image/jpg", b"multipart/form-data"):
        raise UnsupportedTypeError(
            "the request is no picture",
            got=content_type or "no Content-Type",
            remedy="Send image/jpeg, or multipart/form-data with one file",
        )
    try:
        async with asyncio.timeout(timeout_s):
            body = await _gather(chunks, headers.get("content-length", ""), limit)
    except TimeoutError:
        raise TooSlowError(
            "the body did not arrive in time", remedy=f"Send it within {timeout_s:g} s"
        ) from None
    if kind == b"multipart/form-data":
        body = _file_of_form(body, options.get(b"boundary", b""))
    if not body:
        raise BrokenFrameError("the frame has no bytes", remedy="Send the JPEG file's own bytes")
    return body


async def _gather(chunks: AsyncIterator[bytes], declared: str, limit: int) -> bytes:
    # At once, so that a client that waits for "100 Continue" need not send anything.
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(f"{declared} bytes", limit)
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise _too_large(f"{len(body)} bytes and more to come", limit)
    return bytes(body)


def _too_large(got: str, limit: int) -> TooLargeError:
    return TooLargeError(
        "the body is too large",
        got=got,
        remedy=f"At most {limit:,} are read; the simulator's frames have about 13,000",
    )


def _file_of_form(body: bytes, boundary: bytes) -> bytes:
    """Return the content of the form's first part that is a file."""
    header, value = bytearray(), bytearray()
    is_file = False
    files: list[bytearray] = []

    def part_begin() -> None:
        nonlocal is_file
        is_file = False

    def header_end() -> None:
        nonlocal is_file
        if bytes(header).lower() == b"content-disposition":
            is_file = b"filename" in parse_options_header(bytes(value))[1]
        header.clear()
        value.clear()

    def headers_finished() -> None:
        if is_file:
            files.append(bytearray())

    def part_data(data: bytes, start: int, end: int) -> None:
        if is_file:
            files[-1].extend(data[start:end])

    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": part_begin,
                "on_header_field": lambda data, start, end: header.extend(data[start:end]),
                "on_header_value": lambda data, start, end: value.extend(data[start:end]),
                "on_header_end": header_end,
                "on_headers_finished": headers_finished,
                "on_part_data": part_data,
            },
        )
        parser.write(body)
        parser.finalize()
    except ValueError as error:  # what the parser's own errors are
        raise FormError("the form is malformed", got=error, remedy="Send it whole") from error
    if len(files) != 1:
        raise FormError("the form must hold one file", got=f"{len(files)} files")
    return bytes(files[0])
