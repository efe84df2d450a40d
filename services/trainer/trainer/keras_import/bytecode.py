"""Recovers the arithmetic of a lambda from its bytecode, without running it.

A small abstract interpreter: the stack holds scale and offset of each value instead of arrays, and
the opcodes are the few that arithmetic on one argument compiles to. Anything else, a global, an
attribute, a call, ends it. Python's releases number and size their opcodes differently, and the
code does not say which release wrote it: every dialect that its layout allows is tried, and those
that understand it must agree. Numbers: CPython, Include/opcode.h and opcode_ids.h.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from contract.errors import ModelError
from trainer.keras_import import affine
from trainer.keras_import.affine import Affine
from trainer.keras_import.marshal_reader import Code

MAX_INSTRUCTIONS: Final = 200


class NotArithmeticError(ModelError):
    """The code does something else than scale its argument; the message says what."""


@dataclass(frozen=True)
class Dialect:
    """How one range of releases writes bytecode."""

    layouts: Sequence[str]
    wide: bool
    """Instructions of two bytes each; else one, or three from `has_argument` on."""
    opcodes: Mapping[int, str]


_OLD: Final = {
    100: "const",
    124: "argument",
    83: "return",
    9: "nothing",
    10: "plus",
    11: "minus",
    20: "*",
    23: "+",
    24: "-",
    27: "/",
}
DIALECTS: Final = {
    "2.7": Dialect(("2.7",), False, {**_OLD, 21: "old /"}),
    "3.0-3.5": Dialect(("3.0",), False, _OLD),
    "3.6-3.10": Dialect(("3.0", "3.8"), True, _OLD),
    "3.11-3.12": Dialect(
        ("3.11",),
        True,
        {
            0: "nothing",
            9: "nothing",
            100: "const",
            124: "argument",
            83: "return",
            10: "plus",
            11: "minus",
            121: "return const",
            122: "binary",
            151: "nothing",
        },
    ),
    "3.13": Dialect(
        ("3.11",),
        True,
        {
            0: "nothing",
            30: "nothing",
            83: "const",
            85: "argument",
            36: "return",
            42: "minus",
            103: "return const",
            45: "binary",
            149: "nothing",
        },
    ),
}
_BINARY: Final = {0: "+", 5: "*", 10: "-", 11: "/", 13: "+", 18: "*", 23: "-", 24: "/"}
_HAS_ARGUMENT: Final = 90


def arithmetic(code: Code) -> Affine:
    """Return what a function does to its one argument.

    Raises:
        NotArithmeticError: it is anything but a scaling of it.
    """
    if code.names:
        raise NotArithmeticError(f"it uses {', '.join(code.names[:6])}")
    if code.closure:
        raise NotArithmeticError(f"it uses {', '.join(code.closure[:6])} of the code around it")
    if code.arguments != 1:
        raise NotArithmeticError(f"it takes {code.arguments} arguments")
    found: dict[str, Affine] = {}
    why: dict[str, str] = {}
    for name, dialect in DIALECTS.items():
        if code.layout in dialect.layouts:
            try:
                found[name] = _run(code, dialect)
            except NotArithmeticError as error:
                why[name] = error.what
    if not found:
        raise NotArithmeticError(
            "; ".join(f"as Python {name}: {each}" for name, each in why.items())
        )
    first, *others = found.values()
    if any(each != first for each in others):
        raise NotArithmeticError(f"it means different things in {', '.join(found)}")
    return first


def _run(code: Code, dialect: Dialect) -> Affine:
    stack: list[Affine] = []
    for opcode, argument in _instructions(code.code, dialect.wide):
        meaning = dialect.opcodes.get(opcode, "")
        try:
            if meaning == "nothing":
                continue
            if meaning == "const":
                stack.append(_const(code, argument))
            elif meaning == "argument" and argument == 0:
                stack.append(affine.X)
            elif meaning == "plus":
                stack.append(stack.pop())
            elif meaning == "minus":
                stack.append(affine.combine("*", affine.number(-1), stack.pop()))
            elif meaning in ("+", "-", "*", "/") or (meaning == "binary" and argument in _BINARY):
                right, left = stack.pop(), stack.pop()
                operator = _BINARY[argument] if meaning == "binary" else meaning
                stack.append(affine.combine(operator, left, right))
            elif meaning == "old /":
                right, left = stack.pop(), stack.pop()
                if not left.scale:  # of two whole numbers Python 2 gave a whole one
                    raise NotArithmeticError("it divides numbers as Python 2 did")
                stack.append(affine.combine("/", left, right))
            elif meaning == "return":
                return affine.scaling(stack.pop())
            elif meaning == "return const":
                return affine.scaling(_const(code, argument))
            else:
                raise NotArithmeticError(f"opcode {opcode} is no arithmetic")
        except IndexError:
            raise NotArithmeticError("its stack runs empty") from None
        except NotArithmeticError:
            raise
        except ModelError as error:
            raise NotArithmeticError(error.what) from error
    raise NotArithmeticError("it returns nothing")


def _const(code: Code, number: int) -> Affine:
    value = code.consts[number]
    if type(value) not in (int, float):
        raise NotArithmeticError(f"it uses {str(value)[:40]!r}, which is no number")
    return affine.number(value)  # type: ignore[arg-type]  # its type was just compared


def _instructions(code: bytes, wide: bool) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    place = 0
    while place < len(code):
        if len(found) == MAX_INSTRUCTIONS:
            raise NotArithmeticError(f"it has more than {MAX_INSTRUCTIONS} instructions")
        opcode = code[place]
        size = 2 if wide else 1 + 2 * (opcode >= _HAS_ARGUMENT)
        argument = int.from_bytes(code[place + 1 : place + size], "little")
        if place + size > len(code):
            raise NotArithmeticError("its last instruction is cut off")
        found.append((opcode, argument))
        place += size
    return found
