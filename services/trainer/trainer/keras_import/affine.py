"""Arithmetic on one variable, x, that a scaling layer can compute: scale * x + offset."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from typing import Final

from contract.errors import ModelError

MAX_CHARACTERS: Final = 200
MAX_NODES: Final = 60
LARGEST: Final = 1e9
"""Maximum size of scale and offset; beyond it float32 is too coarse for a steering."""

_OPERATORS: Final = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


@dataclass(frozen=True)
class Affine:
    """The expression scale * x + offset; a plain number has a scale of 0."""

    scale: float
    offset: float

    def __str__(self) -> str:
        sign = "-" if self.offset < 0 else "+"
        return f"{self.scale:.9g} * x {sign} {abs(self.offset):.9g}"

    def close_to(self, other: Affine) -> bool:
        """Tell whether both are the same apart from rounding."""
        return math.isclose(self.scale, other.scale, rel_tol=1e-6) and math.isclose(
            self.offset, other.offset, rel_tol=1e-6, abs_tol=1e-6
        )


X: Final = Affine(1.0, 0.0)


def number(value: float) -> Affine:
    """Return a plain number as an expression.

    Raises:
        ModelError: it is not finite, or too large for float32.
    """
    if isinstance(value, int) and abs(value) > LARGEST:
        raise _not_a_scaling("a number is too large", f"an integer of {value.bit_length()} bits")
    return _check_size(Affine(0.0, float(value)))


def combine(operator: str, left: Affine, right: Affine) -> Affine:
    """Return `left operator right`, where the operator is one of + - * and /.

    Raises:
        ModelError: the result is not a scaling of x (x * x, 1 / x) or not a number, it divides by
            zero, or the operator is another one.
    """
    if operator == "+":
        return _check_size(Affine(left.scale + right.scale, left.offset + right.offset))
    if operator == "-":
        return _check_size(Affine(left.scale - right.scale, left.offset - right.offset))
    if operator == "*":
        if left.scale and right.scale:
            raise _not_a_scaling("x is multiplied by itself", "x * x")
        factor, other = (right, left) if left.scale else (left, right)
        return _check_size(Affine(other.scale * factor.offset, other.offset * factor.offset))
    if operator == "/":
        if right.scale:
            raise _not_a_scaling("it divides by x", "1 / x")
        if right.offset == 0:
            raise _not_a_scaling("it divides by zero", "/ 0")
        return _check_size(Affine(left.scale / right.offset, left.offset / right.offset))
    raise _not_a_scaling("it has an operator other than + - * and /", operator)


def parse(text: str) -> Affine:
    """Read an expression such as "x/127.5 - 1" without having Python evaluate it.

    Raises:
        ModelError: the text has more in it than x, numbers, + - * / and parentheses, or its value
            does not depend on x.
    """
    if len(text) > MAX_CHARACTERS:
        raise _not_a_scaling(f"it has more than {MAX_CHARACTERS} characters", len(text))
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _not_a_scaling("it cannot be read", f"{text!r} ({type(error).__name__})") from error
    if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
        raise _not_a_scaling(f"it has more than {MAX_NODES} parts", text)
    return require_scaling(_evaluate(tree.body, text))


def require_scaling(value: Affine) -> Affine:
    """Return the expression if it depends on x.

    Raises:
        ModelError: its value is the same for every image.
    """
    if value.scale == 0:
        raise _not_a_scaling("its value does not depend on x", f"always {value.offset:g}")
    return value


def _evaluate(node: ast.expr, text: str) -> Affine:
    if isinstance(node, ast.Name) and node.id == "x":
        return X
    if (
        isinstance(node, ast.Constant)
        and isinstance(node.value, int | float)
        and not isinstance(node.value, bool)
    ):
        return number(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _evaluate(node.operand, text)
        return combine("*", number(-1), value) if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _evaluate(node.left, text), _evaluate(node.right, text)
        return combine(_OPERATORS[type(node.op)], left, right)
    raise _not_a_scaling("it holds more than x and numbers", f"{ast.unparse(node)!r} in {text!r}")


def _check_size(value: Affine) -> Affine:
    if not (
        abs(value.scale) <= LARGEST and abs(value.offset) <= LARGEST
    ):  # written so that NaN is refused
        raise _not_a_scaling("a number is too large, or not a number", value)
    return value


def _not_a_scaling(reason: str, got: object) -> ModelError:
    return ModelError(
        f"the arithmetic is not a scaling of x: {reason}",
        got=got,
        remedy='Write it with + - * / and numbers, like "x/127.5 - 1"',
    )
