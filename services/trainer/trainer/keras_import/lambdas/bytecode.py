"""Recovers the arithmetic of a lambda from its bytecode, without running it.

This is a small abstract interpreter. Its stack holds the scale and offset of each value instead of
arrays, and it knows only the few opcodes that arithmetic on one argument compiles to. Anything else
ends it: a call, an index, a branch. The code does not say which release of Python wrote it. So
every dialect that the layout of the code allows is tried, and those that understand it must agree.

A file holds the values of a closure and of default arguments, but not those of globals. Code that
is a scaling with such a constant is computed twice, with two sets of numbers in place of the
constants: what comes out the same does not depend on them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from contract.errors import ModelError
from trainer.keras_import import affine
from trainer.keras_import.affine import Affine
from trainer.keras_import.lambdas.marshal_reader import Code, UnreadableError
from trainer.keras_import.lambdas.opcodes import BINARY, COPY_FREE, DIALECTS, HAS_ARGUMENT, Dialect

MAX_INSTRUCTIONS: Final = 200
TRIALS: Final = ((3.7, 1.3), (11.9, 2.9))
"""Two sets of numbers for unknown constants: the first of a set, and its growth with each name."""


class NotArithmeticError(ModelError):
    """The code does more than scale its argument; the message says what."""


@dataclass(frozen=True)
class PartlyKnown:
    """A scaling with constants whose values the code does not hold."""

    names: tuple[str, ...]
    """The names of these constants."""
    scale: float | None
    """The scale, if it does not depend on them."""
    offset: float | None
    """The offset, if it does not depend on them."""


@dataclass(frozen=True)
class _Constant(Affine):
    """A named constant on the stack, of which an attribute may be taken."""

    name: str


def interpret(code: Code, known: Mapping[str, float] | None = None) -> Affine | PartlyKnown:
    """Return the scaling that a function computes from its first argument.

    Args:
        code: the function's code.
        known: values of its other arguments and of the variables of its closure, by name.

    Raises:
        NotArithmeticError: the function computes something else.
        UnreadableError: the code is of a release of Python that is not known here.
    """
    known = known or {}
    if code.cells:
        raise NotArithmeticError(f"it has functions inside it, for {', '.join(code.cells[:6])}")
    given = sum(name in known for name in code.variables[1 : code.arguments])
    if code.arguments - given != 1:
        raise NotArithmeticError(f"it takes {code.arguments} arguments")
    dialects = {
        name: dialect for name, dialect in DIALECTS.items() if code.layout in dialect.layouts
    }
    possible = {name: each for name, each in dialects.items() if _fits(code.code, each)}
    if not possible:
        raise UnreadableError(
            "it is the bytecode of a Python that is not known here: it is laid out as since 3.11, "
            "but does not begin as in 3.11 to 3.14"
        )
    results: dict[str, Affine | PartlyKnown] = {}
    reasons: dict[str, list[str]] = {}
    for name, dialect in possible.items():
        try:
            results[name] = _interpret(code, dialect, known)
        except NotArithmeticError as error:
            reasons.setdefault(error.what, []).append(name)
    if not results:
        uses = f"it uses {', '.join(code.names[:6])}; " if code.names else ""
        raise NotArithmeticError(
            uses
            + "; ".join(f"as Python {', '.join(names)}: {what}" for what, names in reasons.items())
        )
    first, *others = results.values()
    if any(result != first for result in others):
        raise NotArithmeticError(f"it means different things in Python {', '.join(results)}")
    return first


def _fits(code: bytes, dialect: Dialect) -> bool:
    """Tell whether code begins as every function does in a dialect, and has its empty places."""
    if dialect.resume is None:
        return True
    copies = len(code) > 1 and dialect.opcodes.get(code[0]) == COPY_FREE and code[1] > 0
    if code[2 * copies : 2 * copies + 2] != bytes([dialect.resume, 0]):
        return False
    for start in range(0, len(code), 2):
        count = dialect.caches.get(dialect.opcodes.get(code[start], ""))
        after = code[start + 2 :]
        if count is not None and len(after) - len(after.lstrip(b"\0")) < 2 * count:
            return False
    return True


def _interpret(code: Code, dialect: Dialect, known: Mapping[str, float]) -> Affine | PartlyKnown:
    runs = [_Run(code, dialect, known, trial) for trial in TRIALS]
    one, two = (run.result() for run in runs)
    if not runs[0].unknown:
        return one
    same_scale = math.isclose(one.scale, two.scale, rel_tol=1e-9)
    same_offset = math.isclose(one.offset, two.offset, rel_tol=1e-9, abs_tol=1e-12)
    return PartlyKnown(
        tuple(runs[0].unknown),
        one.scale if same_scale else None,
        one.offset if same_offset else None,
    )


class _Run:
    """One pass over the code, with numbers in place of the constants that are not known."""

    def __init__(
        self, code: Code, dialect: Dialect, known: Mapping[str, float], trial: tuple[float, float]
    ) -> None:
        self._code, self._dialect, self._known = code, dialect, known
        self._first, self._growth = trial
        self._stack: list[Affine] = []
        self.unknown: dict[str, Affine] = {}
        """The constants that are not known, by name, with their numbers in this pass."""

    def result(self) -> Affine:
        """Return the scaling that the function returns."""
        for opcode, argument in _instructions(self._code.code, self._dialect.wide):
            meaning = self._dialect.opcodes.get(opcode, "")
            try:
                if meaning == "return":
                    return affine.require_scaling(self._stack.pop())
                if meaning == "return const":
                    return affine.require_scaling(self._const(argument))
                if not (self._load(meaning, argument) or self._compute(meaning, argument)):
                    raise NotArithmeticError(f"opcode {opcode} is not arithmetic")
            except IndexError:
                raise NotArithmeticError("its stack runs empty") from None
            except NotArithmeticError:
                raise
            except ModelError as error:
                raise NotArithmeticError(error.what) from error
        raise NotArithmeticError("it returns nothing")

    def _load(self, meaning: str, argument: int) -> bool:
        """Push what an instruction loads; tell whether it is one that loads."""
        stack, dialect = self._stack, self._dialect
        if meaning == "const":
            stack.append(self._const(argument))
        elif meaning == "small integer":
            stack.append(affine.number(argument))
        elif meaning == "argument":
            stack.append(self._variable(argument))
        elif meaning == "two arguments":
            stack += [self._variable(argument >> 4), self._variable(argument & 15)]
        elif meaning == "local":
            stack.append(self._named(self._code.variables[argument]))
        elif meaning == "free":
            stack.append(self._named(self._code.closure[argument]))
        elif meaning == "global":
            stack.append(self._named(self._name(argument, dialect.shift)))
        elif meaning == "attribute":
            holder = stack.pop()
            if not isinstance(holder, _Constant):
                raise NotArithmeticError("it takes an attribute of x")
            name = self._name(argument, dialect.attribute_shift)
            self.unknown.pop(holder.name, None)
            stack.append(self._named(f"{holder.name}.{name}"))
        else:
            return False
        return True

    def _compute(self, meaning: str, argument: int) -> bool:
        """Combine values on the stack; tell whether the instruction is one that does."""
        stack = self._stack
        if meaning in ("no-op", COPY_FREE):
            return True
        if meaning == "plus":
            stack.append(affine.combine("+", affine.number(0), stack.pop()))
        elif meaning == "minus":
            stack.append(affine.combine("*", affine.number(-1), stack.pop()))
        elif meaning in ("+", "-", "*", "/") or (meaning == "binary" and argument in BINARY):
            right, left = stack.pop(), stack.pop()
            operator = BINARY[argument] if meaning == "binary" else meaning
            stack.append(affine.combine(operator, left, right))
        elif meaning == "old /":
            right, left = stack.pop(), stack.pop()
            if not left.scale:  # Python 2 divided two integers to an integer
                raise NotArithmeticError("it divides two numbers, where Python 2 rounded")
            stack.append(affine.combine("/", left, right))
        else:
            return False
        return True

    def _variable(self, number: int) -> Affine:
        if number == 0:
            return affine.X
        if number >= self._code.arguments:
            raise NotArithmeticError("a variable of its own is not arithmetic")
        return self._named(self._code.variables[number])

    def _named(self, name: str) -> Affine:
        """Return the value of a constant, or this pass's number for it if it is not known."""
        if name in self._known:
            return affine.number(self._known[name])
        if name not in self.unknown:
            number = self._first + self._growth * len(self.unknown)
            self.unknown[name] = _Constant(0.0, number, name)
        return self.unknown[name]

    def _name(self, argument: int, shift: int) -> str:
        if argument & ((1 << shift) - 1):
            raise NotArithmeticError("it calls a function")
        return self._code.names[argument >> shift]

    def _const(self, number: int) -> Affine:
        value = self._code.consts[number]
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
        size = 2 if wide else 1 + 2 * (opcode >= HAS_ARGUMENT)
        argument = int.from_bytes(code[position + 1 : position + size], "little")
        if position + size > len(code):
            raise NotArithmeticError("its last instruction is cut off")
        instructions.append((opcode, argument))
        position += size
    return instructions
