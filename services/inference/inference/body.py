"""Takes one picture out of a request: a raw JPEG body, or a multipart form with one file."""

from __future__ import annotations

from collections.abc import AsyncIterator

from python_multipart.multipart import MultipartParser, parse_options_header

from contract.errors import FrameError


class TooLargeError(FrameError):
    """The body has more bytes than a picture may have."""


class UnsupportedTypeError(FrameError):
    """The body is neither a JPEG nor a form."""


class FormError(FrameError):
    """A multipart body without a file, or one that breaks off."""


async def read(chunks: AsyncIterator[bytes], content_type: str, limit: int) -> bytes:
    """Return the bytes of the picture.

    Args:
        chunks: the body as it comes.
        content_type: the request's header.
        limit: bytes; not more than this and one chunk is read.

    Raises:
        TooLargeError: the body is larger.
        UnsupportedTypeError: the content type is another.
        FormError: the form holds no file, or is malformed.
    """
    kind, options = parse_options_header(content_type)
    if kind not in (b"image/jpeg", b"image/jpg", b"multipart/form-data"):
        raise UnsupportedTypeError(
            "the request is no picture",
            got=content_type or "no Content-Type",
            remedy="Send image/jpeg, or multipart/form-data with one file",
        )
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise TooLargeError(
                "the body is too large",
                got=f"more than {limit:,} bytes",
                remedy="The simulator's frames have about 13,000",
            )
    if kind == b"multipart/form-data":
        return _file_of_form(bytes(body), options.get(b"boundary", b""))
    return bytes(body)


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
