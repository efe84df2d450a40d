"""Reads the frames of a request: a raw JPEG body, or the files of a multipart form."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from python_multipart.multipart import MultipartParser, parse_options_header

from contract.errors import BrokenFrameError, FrameError
from inference.api.body_reader import BodyReader

LIST_FIELD: Final = "files"
"""Name of the form field whose files are answered with a list, even where there is only one."""
MAX_FILES: Final = 64
"""Number of files that a form may have."""


@dataclass(frozen=True)
class RequestFrames:
    """The frames of a request, and whether it is answered with a list."""

    jpegs: list[bytes]
    is_list: bool


@dataclass
class FormFile:
    """A file of a form."""

    name: str
    content: bytearray = field(default_factory=bytearray)


class UnsupportedTypeError(FrameError):
    """The body is neither a JPEG nor a form."""


class FormError(FrameError):
    """A multipart form has no file, has files of wrong names, or breaks off."""


async def read_frames(
    chunks: AsyncIterator[bytes], content_type: str, declared: str, bodies: BodyReader
) -> RequestFrames:
    """Read the frames of a request; none of them is empty.

    Args:
        chunks: the body, in chunks as they arrive.
        content_type: its Content-Type; "" if it has none.
        declared: its Content-Length; "" if it has none.
        bodies: reads the body.

    Raises:
        TooLargeError: the body is larger than the limit.
        TooSlowError: the body is late.
        CrowdedError: too many other bodies are arriving.
        UnsupportedTypeError: the content type is another.
        FormError: the form holds neither one file nor only files named "files", or is malformed.
        BrokenFrameError: a frame has no bytes.
    """
    media_type, options = parse_options_header(content_type)
    if media_type not in (b"image/jpeg", b"image/jpg", b"multipart/form-data"):
        raise UnsupportedTypeError(
            "the request is no picture",
            got=content_type or "no Content-Type",
            remedy="Send image/jpeg, or multipart/form-data with one file",
        )
    body = await bodies.read(chunks, declared)
    frames = RequestFrames([body], is_list=False)
    if media_type == b"multipart/form-data":
        frames = _frames_of(_parse_form(body, options.get(b"boundary", b"")))
    if not all(frames.jpegs):
        raise BrokenFrameError("the frame has no bytes", remedy="Send the bytes of a JPEG file")
    return frames


def _frames_of(files: list[FormFile]) -> RequestFrames:
    """Return the frames of one file of any name, or of any number of files named LIST_FIELD."""
    names = [file.name for file in files]
    is_list = bool(names) and set(names) == {LIST_FIELD}
    if len(files) > MAX_FILES or (len(files) != 1 and not is_list):
        raise FormError(
            "the form must hold one file, or several of one name",
            got=f"{len(files)} files" + (f" named {sorted(set(names))[:5]}" if files else ""),
            remedy=f'Name each of several files "{LIST_FIELD}", and send at most {MAX_FILES}',
        )
    return RequestFrames([bytes(file.content) for file in files], is_list)


def _parse_form(body: bytes, boundary: bytes) -> list[FormFile]:
    """Return the parts of a form that are files."""
    header, value = bytearray(), bytearray()
    file: FormFile | None = None
    """The file whose part is being read; None in a part that is no file."""
    files: list[FormFile] = []

    def part_begin() -> None:
        nonlocal file
        file = None

    def header_end() -> None:
        nonlocal file
        if bytes(header).lower() == b"content-disposition":
            options = parse_options_header(bytes(value))[1]
            if b"filename" in options:
                file = FormFile(options.get(b"name", b"").decode(errors="replace")[:80])
        header.clear()
        value.clear()

    def headers_finished() -> None:
        if file is not None:
            files.append(file)

    def part_data(data: bytes, start: int, end: int) -> None:
        if file is not None:
            file.content.extend(data[start:end])

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
    except ValueError as error:  # the parser's own errors are ValueErrors
        raise FormError("the form is malformed", got=error, remedy="Send the whole form") from error
    return files
