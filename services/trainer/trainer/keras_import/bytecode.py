"""Recovers the arithmetic of a lambda from its bytecode, without running it.

This is a small abstract interpreter. Its stack holds the scale and offset of each value instead of
arrays, and it knows only the few opcodes that arithmetic on one argument compiles to. Anything else
ends it: a global, an attribute, a call. Python's releases number and size their opcodes
differently, and the code does not say which release wrote it. So every dialect that the layout of
the code allows is tried, and those that understand the code must agree. The numbers come from
CPython's Include/opcode.h and opcode_ids.h.
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
    """The code does more than scale its argument; the message says what."""


@dataclass(frozen=True)
class Dialect:
    """The bytecode that one range of Python's releases writes."""

    layouts: Sequence[str]
    """The layouts of code objects (keys of marshal_reader.LAYOUTS) that it occurs in."""
    wide: bool
    """Whether every instruction has two bytes; if not, it has one, or three with an argument."""
    opcodes: Mapping[int, str]
    """What each opcode means; an opcode that is not listed is refused."""


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
}
DIALECTS: Final = {
    "2.7": Dialect(("2.7",), False, {**_OLD, 21: "old /"}),
    "3.0-3.5": Dialect(("3.0",), False, _OLD),
    "3.6-3.10": Dialect(("3.0", "3.8"), True, _OLD),
    "3.11-3.12": Dialect(
        ("3.11",),
        True,
        {
            0: "no-op",
            9: "no-op",
            100: "const",
            124: "argument",
            83: "return",
            10: "plus",
            11: "minus",
            121: "return const",
            122: "binary",
            151: "no-op",
        },
    ),
    "3.13": Dialect(
        ("3.11",),
        True,
        {
            0: "no-op",
            30: "no-op",
            83: "const",
            85: "argument",
            36: "return",
            42: "minus",
            103: "return const",
            45: "binary",
            149: "no-op",
        },
    ),
}
_BINARY: Final = {0: "+", 5: "*", 10: "-", 11: "/", 13: "+", 18: "*", 23: "-", 24: "/"}
_HAS_ARGUMENT: Final = 90


def interpret(code: Code) -> Affine:
    """Return the scaling that a function computes from its one argument.

    Raises:
        NotArithmeticError: the function computes something else.
    """
    if code.names:
        raise NotArithmeticError(f"it uses {', '.join(code.names[:6])}")
    if code.closure:
        raise NotArithmeticError(f"it uses {', '.join(code.closure[:6])} of the code around it")
    if code.arguments != 1:
        raise NotArithmeticError(f"it takes {code.arguments} arguments")
    results: dict[str, Affine] = {}
    reasons: dict[str, str] = {}
    for name, dialect in DIALECTS.items():
        if code.layout in dialect.layouts:
            try:
                results[name] = _run(code, dialect)
            except NotArithmeticError as error:
                reasons[name] = error.what
    if not results:
        raise NotArithmeticError(
            "; ".join(f"as Python {name}: {reason}" for name, reason in reasons.items())
        )
    first, *others = results.values()
    if any(result != first for result in others):
        raise NotArithmeticError(f"it means different things in Python {', '.join(results)}")
    return first


def _run(code: Code, dialect: Dialect) -> Affine:
    stack: list[Affine] = []
    for opcode, argument in _instructions(code.code, dialect.wide):
        meaning = dialect.opcodes.get(opcode, "")
        try:
            if meaning == "no-op":
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
                if not left.scale:  # Python 2 divided two integers to an integer
                    raise NotArithmeticError("it divides two numbers, where Python 2 rounded")
                stack.append(affine.combine("/", left, right))
            elif meaning == "return":
                return affine.require_scaling(stack.pop())
            elif meaning == "return const":
                return affine.require_scaling(_const(code, argument))
            else:
                raise NotArithmeticError(f"opcode {opcode} is not arithmetic")
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
        raise NotArithmeticError(f"it uses {str(value)[:40]!r}, which is not a number")
    return affine.number(value)  # type: ignore[arg-type]  # its type was just compared


def _instructions(code: bytes, wide: bool) -> list[tuple[int, int]]:
    instructions: list[tuple[int, int]] = []
    position = 0
    while position < len(code):
        if len(instructions) == MAX_INSTRUCTIONS:
            raise NotArithmeticError(f"it has more than {MAX_INSTRUCTIONS} instructions")
        opcode = code[position]
        size = 2 if wide else 1 + 2 * (opcode >= _HAS_ARGUMENT)
        argument = int.from_bytes(code[position + 1 : position + size], "little")
        if position + size > len(code):
            raise NotArithmeticError("its last instruction is cut off")
        instructions.append((opcode, argument))
        position += size
    return instructions
