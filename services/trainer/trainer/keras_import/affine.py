"""Arithmetic on one unknown, x, as far as a scaling layer can do it: scale * x + offset."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from typing import Final

from contract.errors import ModelError

MAX_CHARACTERS: Final = 200
MAX_NODES: Final = 60
LARGEST: Final = 1e9
"""No pixel is scaled by more; beyond it float32 has lost the steering."""

_OPERATORS: Final = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


@dataclass(frozen=True)
class Affine:
    """The value scale * x + offset; a plain number has a scale of 0."""

    scale: float
    offset: float

    def __str__(self) -> str:
        sign = "-" if self.offset < 0 else "+"
        return f"{self.scale:.9g} * x {sign} {abs(self.offset):.9g}"

    def close_to(self, other: Affine) -> bool:
        """Tell whether both are the same arithmetic, rounding aside."""
        return math.isclose(self.scale, other.scale, rel_tol=1e-6) and math.isclose(
            self.offset, other.offset, rel_tol=1e-6, abs_tol=1e-6
        )


X: Final = Affine(1.0, 0.0)


def number(value: float) -> Affine:
    """Return a plain number.

    Raises:
        ModelError: it is none that float32 can work with.
    """
    if isinstance(value, int) and abs(value) > LARGEST:
        raise _refusal("a number is too large", f"an integer of {value.bit_length()} bits")
    return _checked(Affine(0.0, float(value)))


def combine(operator: str, left: Affine, right: Affine) -> Affine:
    """Return `left operator right`, of + - * and /.

    Raises:
        ModelError: it is no scaling (x * x, 1 / x), divides by zero, is no number, or another
            operator.
    """
    if operator == "+":
        return _checked(Affine(left.scale + right.scale, left.offset + right.offset))
    if operator == "-":
        return _checked(Affine(left.scale - right.scale, left.offset - right.offset))
    if operator == "*":
        if left.scale and right.scale:
            raise _refusal("x is multiplied by itself", "x * x")
        factor, other = (right, left) if left.scale else (left, right)
        return _checked(Affine(other.scale * factor.offset, other.offset * factor.offset))
    if operator == "/":
        if right.scale:
            raise _refusal("something is divided by x", "1 / x")
        if right.offset == 0:
            raise _refusal("it divides by zero", "/ 0")
        return _checked(Affine(left.scale / right.offset, left.offset / right.offset))
    raise _refusal("there is an operator other than + - * and /", operator)


def parse(text: str) -> Affine:
    """Read an expression such as "x/127.5 - 1"; nothing of it is evaluated by Python.

    Raises:
        ModelError: it is anything but + - * / and parentheses on x and numbers, or leaves no x.
    """
    if len(text) > MAX_CHARACTERS:
        raise _refusal(f"it has more than {MAX_CHARACTERS} characters", len(text))
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _refusal("it cannot be read", f"{text!r} ({type(error).__name__})") from error
    if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
        raise _refusal(f"it has more than {MAX_NODES} parts", text)
    return scaling(_of_node(tree.body, text))


def scaling(value: Affine) -> Affine:
    """Return the value if x has a part in it.

    Raises:
        ModelError: it is the same for every picture.
    """
    if value.scale == 0:
        raise _refusal("its value does not depend on x", f"always {value.offset:g}")
    return value


def _of_node(node: ast.expr, text: str) -> Affine:
    if isinstance(node, ast.Name) and node.id == "x":
        return X
    if (
        isinstance(node, ast.Constant)
        and isinstance(node.value, int | float)
        and not isinstance(node.value, bool)
    ):
        return number(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _of_node(node.operand, text)
        return combine("*", number(-1), value) if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _of_node(node.left, text), _of_node(node.right, text)
        return combine(_OPERATORS[type(node.op)], left, right)
    raise _refusal("there is more in it than x and numbers", f"{ast.unparse(node)!r} in {text!r}")


def _checked(value: Affine) -> Affine:
    if not (abs(value.scale) <= LARGEST and abs(value.offset) <= LARGEST):  # so NaN is refused
        raise _refusal("a number is too large, or none", value)
    return value


def _refusal(why: str, got: object) -> ModelError:
    return ModelError(
        f"the arithmetic is no scaling of x: {why}",
        got=got,
        remedy='Write it with + - * / and numbers, like "x/127.5 - 1"',
    )
