"""The opcodes that arithmetic on one argument compiles to, in each range of Python's releases.

Python's releases number and size their opcodes differently. The numbers come from CPython's
Include/opcode.h and opcode_ids.h.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class Dialect:
    """The bytecode that one range of Python's releases writes."""

    layouts: Sequence[str]
    """The layouts of code objects (keys of marshal_reader.LAYOUTS) that it occurs in."""
    wide: bool
    """Whether every instruction has two bytes; if not, it has one, or three with an argument."""
    opcodes: Mapping[int, str]
    """What each opcode means; an opcode that is not listed is refused."""
    resume: int | None = None
    """The opcode with which every function begins since 3.11, after COPY_FREE_VARS if any."""
    shift: int = 0
    """Bits of the argument of a global below its number: one since 3.11, which asks for a call."""
    attribute_shift: int = 0
    """The same bits of an attribute's argument: one since 3.12."""
    caches: Mapping[str, int] = field(default_factory=dict)
    """The number of empty instructions after one of a meaning, which tells 3.11 and 3.12 apart."""


COPY_FREE: Final = "copy free"
_OLD: Final = {
    100: "const",
    124: "argument",
    83: "return",
    9: "no-op",
    10: "plus",
    11: "minus",
    20: "*",
    23: "+",
    24: "-",
    27: "/",
    116: "global",
    136: "free",
    106: "attribute",
}
_SINCE_3_11: Final = {
    0: "no-op",
    9: "no-op",
    100: "const",
    124: "argument",
    83: "return",
    10: "plus",
    11: "minus",
    122: "binary",
    151: "no-op",
    116: "global",
    137: "local",
    106: "attribute",
    149: COPY_FREE,
}
DIALECTS: Final = {
    "2.7": Dialect(("2.7",), False, {**_OLD, 21: "old /"}),
    "3.0-3.5": Dialect(("3.0",), False, _OLD),
    "3.6-3.10": Dialect(("3.0", "3.8"), True, _OLD),
    "3.11": Dialect(
        ("3.11",),
        True,
        _SINCE_3_11,
        resume=151,
        shift=1,
        caches={"global": 5, "attribute": 4},
    ),
    "3.12": Dialect(
        ("3.11",),
        True,
        {**_SINCE_3_11, 121: "return const"},
        resume=151,
        shift=1,
        attribute_shift=1,
        caches={"global": 4, "attribute": 9},
    ),
    "3.13": Dialect(
        ("3.11",),
        True,
        {
            0: "no-op",
            30: "no-op",
            83: "const",
            85: "argument",
            88: "two arguments",
            36: "return",
            42: "minus",
            103: "return const",
            45: "binary",
            149: "no-op",
            91: "global",
            84: "local",
            82: "attribute",
            62: COPY_FREE,
        },
        resume=149,
        shift=1,
        attribute_shift=1,
    ),
    "3.14": Dialect(
        ("3.11",),
        True,
        {
            0: "no-op",
            27: "no-op",
            82: "const",
            94: "small integer",
            84: "argument",
            86: "argument",
            87: "two arguments",
            89: "two arguments",
            35: "return",
            41: "minus",
            44: "binary",
            128: "no-op",
            92: "global",
            83: "local",
            80: "attribute",
            60: COPY_FREE,
        },
        resume=128,
        shift=1,
        attribute_shift=1,
    ),
}
BINARY: Final = {0: "+", 5: "*", 10: "-", 11: "/", 13: "+", 18: "*", 23: "-", 24: "/"}
"""The operators of BINARY_OP, from 13 on those that assign."""
HAS_ARGUMENT: Final = 90
"""Until 3.5, opcodes from this one on have an argument."""
