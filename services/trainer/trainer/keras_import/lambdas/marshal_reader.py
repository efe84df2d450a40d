"""Reads a function's code out of Python's marshal format, as data.

Python's own `marshal` trusts its input: a forged string crashes it, and it makes code objects that
can be called. This module reads the dozen types that a lambda of arithmetic is made of, as Python
2.7 to 3.14 write them, into a dataclass of bytes, names and numbers. The format is that of
CPython's Python/marshal.c.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from contract.errors import ModelError

MAX_BYTES: Final = 64 << 10
MAX_DEPTH: Final = 8
FLAG_REF: Final = 0x80
CO_FAST_FREE: Final = 0x80
CO_FAST_CELL: Final = 0x40

# The fields of a code object, in order, by the first release that wrote them so: "i" is an integer
# of 32 bits, "o" an object.
LAYOUTS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "3.11": (
        ("argcount", "i"), ("posonly", "i"), ("kwonly", "i"), ("stack", "i"), ("flags", "i"),
        ("code", "o"), ("consts", "o"), ("names", "o"), ("locals", "o"), ("kinds", "o"),
        ("file", "o"), ("name", "o"), ("qualname", "o"), ("line", "i"), ("lines", "o"),
        ("exceptions", "o"),
    ),
    "3.8": (
        ("argcount", "i"), ("posonly", "i"), ("kwonly", "i"), ("count", "i"), ("stack", "i"),
        ("flags", "i"), ("code", "o"), ("consts", "o"), ("names", "o"), ("locals", "o"),
        ("free", "o"), ("cells", "o"), ("file", "o"), ("name", "o"), ("line", "i"), ("lines", "o"),
    ),
    "3.0": (
        ("argcount", "i"), ("kwonly", "i"), ("count", "i"), ("stack", "i"), ("flags", "i"),
        ("code", "o"), ("consts", "o"), ("names", "o"), ("locals", "o"), ("free", "o"),
        ("cells", "o"), ("file", "o"), ("name", "o"), ("line", "i"), ("lines", "o"),
    ),
    "2.7": (
        ("argcount", "i"), ("count", "i"), ("stack", "i"), ("flags", "i"), ("code", "o"),
        ("consts", "o"), ("names", "o"), ("locals", "o"), ("free", "o"), ("cells", "o"),
        ("file", "o"), ("name", "o"), ("line", "i"), ("lines", "o"),
    ),
}  # fmt: skip

TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    **dict.fromkeys(("code", "kinds", "lines", "exceptions"), bytes),
    **dict.fromkeys(("consts", "names", "locals", "free", "cells"), tuple),
    **dict.fromkeys(("file", "name", "qualname"), (str, bytes)),
}
"""The types of the fields that are objects.

When the bytes are read with a wrong layout, these types seldom come out."""


class UnreadableError(ModelError):
    """The bytes are not the code of a function in a known form; the message says why."""


@dataclass(frozen=True)
class Code:
    """A function's code as data; unlike Python's code object it cannot be called."""

    layout: str
    """The first release that wrote the fields in this order; a key of LAYOUTS."""
    arguments: int
    """The number of its arguments, including those by keyword."""
    code: bytes
    consts: tuple[object, ...]
    names: tuple[str, ...]
    """The globals and attributes that it uses."""
    closure: tuple[str, ...]
    """The variables of the enclosing function that it uses."""
    variables: tuple[str, ...] = ("x",)
    """Its variables by number: first the arguments, then, since 3.11, those of the closure."""
    cells: tuple[str, ...] = ()
    """Its own variables that functions inside it use."""


def read(data: bytes) -> Code:
    """Return the code that `data` holds, by the first layout that fits it to the last byte.

    Raises:
        UnreadableError: no layout fits.
    """
    if len(data) > MAX_BYTES:
        raise UnreadableError(f"it has {len(data):,} bytes, above {MAX_BYTES:,}")
    reasons = []
    for layout in LAYOUTS:
        reader = _Reader(data, layout)
        try:
            value = reader.value(0)
            if reader.position != len(data):
                raise UnreadableError(f"{len(data) - reader.position} bytes are left over")
            if isinstance(value, Code):
                return value
            raise UnreadableError("it is not a function")
        except UnreadableError as error:
            reasons.append(f"{layout}: {error.what}")
    raise UnreadableError(
        f"its bytes fit no release of Python from 2.7 to 3.14 ({'; '.join(reasons)})"
    )


class _Reader:
    def __init__(self, data: bytes, layout: str) -> None:
        self._data, self._layout = data, layout
        self.position = 0
        self._references: list[object] = []
        self._interned: list[object] = []

    def value(self, depth: int) -> object:
        if depth > MAX_DEPTH:
            raise UnreadableError("it is nested too deeply")
        byte = self._take(1)[0]
        kind, referenced = chr(byte & ~FLAG_REF), bool(byte & FLAG_REF)
        number = len(self._references)
        if referenced:  # the outer value is numbered before its parts
            self._references.append(None)
        value = self._of_kind(kind, depth)
        if referenced:
            self._references[number] = value
        return value

    def _of_kind(self, kind: str, depth: int) -> object:
        if kind in "NTF":
            return {"N": None, "T": True, "F": False}[kind]
        if kind == "i":
            return self._number("<i")
        if kind == "I":
            return int(struct.unpack("<q", self._take(8))[0])
        if kind == "g":
            return float(struct.unpack("<d", self._take(8))[0])
        if kind == "f":
            return self._float_of_text()
        if kind in "zZ":
            return self._text(self._take(self._take(1)[0]))
        if kind in "aAu":
            return self._text(self._take(self._size()))
        if kind in "st":
            value = self._take(self._size())
            if kind == "t":
                self._interned.append(value)
            return value
        if kind in "rR":
            return self._earlier(self._references if kind == "r" else self._interned)
        if kind in "()":
            count = self._size() if kind == "(" else self._take(1)[0]
            if count > len(self._data):
                raise UnreadableError("a tuple is longer than the bytes")
            return tuple(self.value(depth + 1) for _ in range(count))
        if kind == "c":
            return self._code(depth)
        raise UnreadableError(f"it holds a value of type {kind!r}, which arithmetic does not need")

    def _code(self, depth: int) -> Code:
        values: dict[str, object] = {}
        for name, kind in LAYOUTS[self._layout]:
            values[name] = self._number("<i") if kind == "i" else self.value(depth + 1)
        for name, value in values.items():
            if not isinstance(value, TYPES.get(name, int)):
                raise UnreadableError(f"its {name} is a {type(value).__name__}")
        code, consts = values["code"], values["consts"]
        assert isinstance(code, bytes) and isinstance(consts, tuple)  # noqa: PT018 - as compared
        variables = self._names(values["locals"])
        free, cells = (self._names(values.get(name, ())) for name in ("free", "cells"))
        if isinstance(kinds := values.get("kinds"), bytes):
            free, cells = (
                tuple(name for name, kind in zip(variables, kinds, strict=False) if kind & bit)
                for bit in (CO_FAST_FREE, CO_FAST_CELL)
            )
        arguments = sum(
            value for name in ("argcount", "kwonly") if isinstance(value := values.get(name), int)
        )
        names = self._names(values["names"])
        return Code(self._layout, arguments, code, consts, names, free, variables, cells)

    def _names(self, value: object) -> tuple[str, ...]:
        if not isinstance(value, tuple):
            raise UnreadableError("its names are not a tuple")
        return tuple(
            name if isinstance(name, str) else bytes(name).decode("latin-1")
            for name in value
            if isinstance(name, str | bytes)
        )

    def _earlier(self, values: list[object]) -> object:
        number = self._size()
        if number >= len(values):
            raise UnreadableError("it refers to a value that does not exist")
        return values[number]

    def _float_of_text(self) -> float:
        text = self._text(self._take(self._take(1)[0]))
        try:
            return float(text)
        except ValueError as error:
            raise UnreadableError(f"{text!r} is not a number") from error

    def _text(self, raw: bytes) -> str:
        return raw.decode("utf-8", errors="replace")

    def _number(self, format_: str) -> int:
        return int(struct.unpack(format_, self._take(4))[0])

    def _size(self) -> int:
        size = self._number("<i")
        if size < 0:
            raise UnreadableError("a length is negative")
        return size

    def _take(self, count: int) -> bytes:
        if self.position + count > len(self._data):
            raise UnreadableError("its bytes end too early")
        self.position += count
        return self._data[self.position - count : self.position]
