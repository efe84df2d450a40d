"""Reads a function's code out of Python's marshal format, as data.

Python's own `marshal` trusts what it reads: a forged string crashes it, and it makes code objects
that can be called. This reads the dozen types that a lambda of arithmetic is made of, of Python 2.7
to 3.13, into a dataclass of bytes, names and numbers. Format: CPython, Python/marshal.c.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from contract.errors import ModelError

MAX_BYTES: Final = 64 << 10
MAX_DEPTH: Final = 8
FLAG_REF: Final = 0x80

# The fields of a code object, in order, by the releases that wrote it so: "i" is a number of 32
# bits, "o" an object.
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
"""Of the fields that are objects; a layout that does not fit the bytes seldom gets them right."""


class UnreadableError(ModelError):
    """These bytes are no function's code that this module knows; the message says why."""


@dataclass(frozen=True)
class Code:
    """A function's code. It cannot be called: it is not Python's code object."""

    layout: str
    """The first release that wrote the fields so; a key of LAYOUTS."""
    arguments: int
    """How many it takes, those by keyword included."""
    code: bytes
    consts: tuple[object, ...]
    names: tuple[str, ...]
    """Globals and attributes that it mentions."""
    closure: tuple[str, ...]
    """Variables of the function around it that it mentions."""


def read(data: bytes) -> Code:
    """Return the one reading of `data` that fits a layout to the last byte.

    Raises:
        UnreadableError: none does.
    """
    if len(data) > MAX_BYTES:
        raise UnreadableError(f"it has {len(data):,} bytes, above {MAX_BYTES:,}")
    why = []
    for layout in LAYOUTS:
        reader = _Reader(data, layout)
        try:
            found = reader.value(0)
            if reader.place != len(data):
                raise UnreadableError(f"{len(data) - reader.place} bytes are left over")
            if isinstance(found, Code):
                return found
            raise UnreadableError("it is no function")
        except UnreadableError as error:
            why.append(f"{layout}: {error.what}")
    raise UnreadableError(f"its bytes fit no release of Python ({'; '.join(why)})")


class _Reader:
    def __init__(self, data: bytes, layout: str) -> None:
        self._data, self._layout = data, layout
        self.place = 0
        self._seen: list[object] = []
        self._interned: list[object] = []

    def value(self, depth: int) -> object:
        if depth > MAX_DEPTH:
            raise UnreadableError("it is nested too deeply")
        byte = self._take(1)[0]
        kind, kept = chr(byte & ~FLAG_REF), bool(byte & FLAG_REF)
        number = len(self._seen)
        if kept:  # the number is taken before what is inside takes its own
            self._seen.append(None)
        value = self._of_kind(kind, depth)
        if kept:
            self._seen[number] = value
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
            return self._earlier(self._seen if kind == "r" else self._interned)
        if kind in "()":
            count = self._size() if kind == "(" else self._take(1)[0]
            if count > len(self._data):
                raise UnreadableError("a tuple is longer than the bytes")
            return tuple(self.value(depth + 1) for _ in range(count))
        if kind == "c":
            return self._code(depth)
        raise UnreadableError(f"there is a value of type {kind!r}, which arithmetic does not need")

    def _code(self, depth: int) -> Code:
        values: dict[str, object] = {}
        for name, kind in LAYOUTS[self._layout]:
            values[name] = self._number("<i") if kind == "i" else self.value(depth + 1)
        for name, value in values.items():
            if not isinstance(value, TYPES.get(name, int)):
                raise UnreadableError(f"its {name} is a {type(value).__name__}")
        code, consts = values["code"], values["consts"]
        assert isinstance(code, bytes) and isinstance(consts, tuple)  # noqa: PT018 - as compared
        closure = self._names(values.get("free", ())) + self._names(values.get("cells", ()))
        if isinstance(kinds := values.get("kinds"), bytes):
            # CO_FAST_LOCAL is 0x20; a cell or free variable has another bit.
            names = self._names(values["locals"])
            closure = tuple(
                name for name, each in zip(names, kinds, strict=False) if each & ~0x20 & 0xC0
            )
        arguments = sum(
            value for name in ("argcount", "kwonly") if isinstance(value := values.get(name), int)
        )
        return Code(self._layout, arguments, code, consts, self._names(values["names"]), closure)

    def _names(self, value: object) -> tuple[str, ...]:
        if not isinstance(value, tuple):
            raise UnreadableError("its names are no tuple")
        return tuple(
            each if isinstance(each, str) else bytes(each).decode("latin-1")
            for each in value
            if isinstance(each, str | bytes)
        )

    def _earlier(self, among: list[object]) -> object:
        number = self._size()
        if number >= len(among):
            raise UnreadableError("it refers to what was not there")
        return among[number]

    def _float_of_text(self) -> float:
        text = self._text(self._take(self._take(1)[0]))
        try:
            return float(text)
        except ValueError as error:
            raise UnreadableError(f"{text!r} is no number") from error

    def _text(self, raw: bytes) -> str:
        return raw.decode("utf-8", errors="replace")

    def _number(self, form: str) -> int:
        return int(struct.unpack(form, self._take(4))[0])

    def _size(self) -> int:
        size = self._number("<i")
        if size < 0:
            raise UnreadableError("a length is negative")
        return size

    def _take(self, count: int) -> bytes:
        if self.place + count > len(self._data):
            raise UnreadableError("its bytes end too early")
        self.place += count
        return self._data[self.place - count : self.place]
