"""Takes the pictures out of a request: a raw JPEG body, or the files of a multipart form."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import Headers

from contract.errors import BrokenFrameError, FrameError

SEVERAL: Final = "files"
"""The field of a form whose files are answered together, however many there are."""
MOST: Final = 64
"""Files that a form may have."""


@dataclass(frozen=True)
class Pictures:
    """The pictures of a request, and whether it asked for an answer to several."""

    jpegs: list[bytes]
    several: bool


@dataclass
class Part:
    """A file of a form."""

    name: str
    content: bytearray = field(default_factory=bytearray)


class TooLargeError(FrameError):
    """The body has more bytes than a picture may have."""


class TooSlowError(FrameError):
    """The body does not arrive in time."""


class UnsupportedTypeError(FrameError):
    """The body is neither a JPEG nor a form."""


class FormError(FrameError):
    """A multipart body without files, with others than were asked for, or one that breaks off."""


async def read(
    chunks: AsyncIterator[bytes], headers: Headers, limit: int, timeout_s: float
) -> Pictures:
    """Return the pictures, none of them empty.

    Args:
        chunks: the body as it comes.
        headers: the request's; its content type and length count.
        limit: bytes; not more than this and one chunk is read.
        timeout_s: how long the body may take to arrive.

    Raises:
        TooLargeError: the body is larger.
        TooSlowError: it is late.
        UnsupportedTypeError: the content type is another.
        FormError: the form does not hold one file, or only files named "files", or is malformed.
        BrokenFrameError: a picture has no bytes.
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
    pictures = Pictures([body], several=False)
    if kind == b"multipart/form-data":
        pictures = _pictures(_files(body, options.get(b"boundary", b"")))
    if not all(pictures.jpegs):
        raise BrokenFrameError("the frame has no bytes", remedy="Send the JPEG file's own bytes")
    return pictures


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


def _pictures(files: list[Part]) -> Pictures:
    """Take one file of any name, or any number of them named SEVERAL."""
    names = [each.name for each in files]
    several = bool(names) and set(names) == {SEVERAL}
    if len(files) > MOST or (len(files) != 1 and not several):
        raise FormError(
            "the form must hold one file, or several of one name",
            got=f"{len(files)} files" + (f" named {sorted(set(names))[:5]}" if files else ""),
            remedy=f'Name each of them "{SEVERAL}"; at most {MOST} are answered together',
        )
    return Pictures([bytes(each.content) for each in files], several)


def _files(body: bytes, boundary: bytes) -> list[Part]:
    """Return the parts of a form that are files."""
    header, value = bytearray(), bytearray()
    present: Part | None = None
    files: list[Part] = []

    def part_begin() -> None:
        nonlocal present
        present = None

    def header_end() -> None:
        nonlocal present
        if bytes(header).lower() == b"content-disposition":
            options = parse_options_header(bytes(value))[1]
            if b"filename" in options:
                present = Part(options.get(b"name", b"").decode(errors="replace")[:80])
        header.clear()
        value.clear()

    def headers_finished() -> None:
        if present is not None:
            files.append(present)

    def part_data(data: bytes, start: int, end: int) -> None:
        if present is not None:
            present.content.extend(data[start:end])

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
    return files
