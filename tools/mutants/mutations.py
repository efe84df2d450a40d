"""Lists the mutants of a module: its text with one place changed.

The operators are those of Cosmic Ray, and two of our own: one deletes a statement, and one lets an
exception pass, which Cosmic Ray's cannot do for a dotted name. Cosmic Ray replaces an operator by
each other one; of these we take the neighbour and the opposite, because the others are found by
the tests that find these two.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.plugins import get_operator
from parso.python.tree import Keyword, Name

_COMPARISONS = (
    "Lt_LtE Lt_GtE LtE_Lt LtE_Gt Gt_GtE Gt_LtE GtE_Gt GtE_Lt Eq_NotEq NotEq_Eq Is_IsNot IsNot_Is"
)
_ARITHMETIC = (
    "Add_Sub Sub_Add Mul_Div Div_Mul FloorDiv_Mul Mod_FloorDiv Pow_Mul BitAnd_BitOr BitOr_BitAnd"
    " BitXor_BitAnd LShift_RShift RShift_LShift"
)
_OTHERS = (
    "ReplaceUnaryOperator_Delete_USub ReplaceUnaryOperator_Delete_Not"
    " ReplaceUnaryOperator_Delete_Invert AddNot ReplaceTrueWithFalse ReplaceFalseWithTrue"
    " ReplaceAndWithOr ReplaceOrWithAnd ReplaceBreakWithContinue ReplaceContinueWithBreak"
    " NumberReplacer RemoveDecorator ZeroIterationForLoop"
)
OPERATORS = (
    *(f"ReplaceComparisonOperator_{pair}" for pair in _COMPARISONS.split()),
    *(f"ReplaceBinaryOperator_{pair}" for pair in _ARITHMETIC.split()),
    *_OTHERS.split(),
)
_IN_A_SIGNATURE = {"parameters", "lambdef", "param"}
Position = tuple[int, int]
Node = Any
"""A node of parso's tree; the types that parso publishes do not tell leaves from branches."""


@dataclass(frozen=True)
class Mutant:
    """A module's text with one place changed."""

    operator: str
    line: int
    """Line of the change in the module, from 1."""
    text: str
    """The whole text of the changed module."""
    change: str
    """The lines that differ, as `before → after`."""

    @property
    def digest(self) -> str:
        """Return a short name of the changed text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


class DeleteStatement(Operator):  # type: ignore[misc]  # Cosmic Ray publishes no types
    """Replaces a call whose result nobody takes, a `raise` or an `x += y` by `pass`."""

    def mutation_positions(self, node: Node) -> Iterator[tuple[Position, Position]]:
        """Yield the position of the statement, if the node is one that may be deleted."""
        if node.parent is None or node.parent.type not in {"simple_stmt", "suite"}:
            return
        if node.type == "expr_stmt":
            removable = node.children[1].type == "operator" and node.children[1].value in {
                "+=",
                "-=",
                "*=",
                "|=",
                "&=",
            }
        elif node.type == "atom_expr":
            removable = node.get_code().rstrip().endswith(")")
        else:
            removable = node.type == "raise_stmt" or node.get_code().strip() == "raise"
        if removable:
            yield node.start_pos, node.end_pos

    def mutate(self, node: Node, index: int) -> Node:
        """Return `pass` with the white space that stood before the statement."""
        return Keyword("pass", node.start_pos, prefix=node.get_first_leaf().prefix)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Return what Cosmic Ray's own tests of an operator would try."""
        return (
            Example("def f():\n    g()\n", "def f():\n    pass\n"),
            Example("def f(x):\n    x += 1\n", "def f(x):\n    pass\n"),
        )


class ReplaceException(Operator):  # type: ignore[misc]  # Cosmic Ray publishes no types
    """Replaces one of the exceptions that a handler catches by one that nobody raises."""

    def mutation_positions(self, node: Node) -> Iterator[tuple[Position, Position]]:
        """Yield the positions of the exceptions, if the node is the head of a handler."""
        for _, _, exception in self._caught(node):
            yield exception.start_pos, exception.end_pos

    def mutate(self, node: Node, index: int) -> Node:
        """Replace an exception, and return the head of the handler."""
        parent, place, exception = list(self._caught(node))[index]
        prefix = exception.get_first_leaf().prefix
        parent.children[place] = Name("GeneratorExit", exception.start_pos, prefix=prefix)
        return node

    @staticmethod
    def _caught(node: Node) -> Iterator[tuple[Node, int, Node]]:
        """Yield for each exception the node that it stands in, its index there, and its node."""
        if node.type != "except_clause":
            return
        caught = node.children[1]
        if caught.type != "atom":
            yield node, 1, caught
            return
        inside = caught.children[1]
        if inside.type == "testlist_comp":
            for place in range(0, len(inside.children), 2):
                yield inside, place, inside.children[place]
        else:
            yield caught, 1, inside

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Return what Cosmic Ray's own tests of an operator would try."""
        return (Example("try: f()\nexcept a.Error: pass", "try: f()\nexcept GeneratorExit: pass"),)


def mutants(source: str, most: int, seed: int) -> list[Mutant]:
    """Return the mutants of a module, or a sample of them.

    What stands in annotations, in the arguments of `@dataclass(...)` and in calls of a logger is
    left alone: what a program does does not depend on it. What does not compile is no mutant.

    Args:
        source: The text of the module.
        most: The maximum number of mutants.
        seed: Which sample is taken; the same seed takes the same one of the same text.
    """
    operators: dict[str, Operator] = {name: get_operator(f"core/{name}")() for name in OPERATORS}
    operators |= {"DeleteStatement": DeleteStatement(), "ReplaceException": ReplaceException()}
    idle = _idle_spans(source)
    places = []
    tree = get_ast(source)
    for name, operator in operators.items():
        found = (
            (node, start)
            for node in ast_nodes(tree)
            for start, _ in operator.mutation_positions(node)
        )
        for occurrence, (node, (line, column)) in enumerate(found):
            signature = node.parent is not None and node.parent.type in _IN_A_SIGNATURE
            stars = signature and getattr(node, "value", None) in {"*", "**", "/"}
            if not stars and not any(first <= (line, column) < last for first, last in idle):
                places.append((name, occurrence, line))
    random.Random(seed).shuffle(places)  # noqa: S311  # a sample, not a secret
    unmutated = ast.dump(ast.parse(source))
    taken: dict[str, Mutant] = {}
    for name, occurrence, line in places:
        if len(taken) >= most:
            break
        text = mutate_code(source, operators[name], occurrence)
        try:
            same = ast.dump(ast.parse(text)) == unmutated
            compile(text, "mutant", "exec", dont_inherit=True)
        except SyntaxError:
            continue
        if not same:
            taken.setdefault(text, Mutant(name, line, text, _change(source, text)))
    return sorted(taken.values(), key=lambda mutant: (mutant.line, mutant.operator, mutant.text))


def _change(before: str, after: str) -> str:
    """Return the lines that differ, without their indentation, as `before → after`."""
    changed = [
        line
        for line in difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
        if not line.startswith(("---", "+++", "@@"))
    ]
    old = " ".join(line[1:].strip() for line in changed if line.startswith("-"))
    new = " ".join(line[1:].strip() for line in changed if line.startswith("+"))
    return f"{old} → {new or '(nothing)'}"


def _idle_spans(source: str) -> list[tuple[Position, Position]]:
    """Return where a change has no effect at run time, as first and last position."""
    nodes: list[ast.expr | ast.stmt] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.AnnAssign | ast.arg) and node.annotation is not None:
            nodes.append(node.annotation)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
            nodes.append(node.returns)
        elif isinstance(node, ast.ClassDef):
            nodes += [
                decorator for decorator in node.decorator_list if isinstance(decorator, ast.Call)
            ]
            nodes += [base for base in node.bases if isinstance(base, ast.Subscript)]
        elif (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING") or (
            isinstance(node, ast.Expr) and ast.unparse(node).startswith("log.")
        ):
            nodes.append(node)
    return [
        ((node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0))
        for node in nodes
    ]
