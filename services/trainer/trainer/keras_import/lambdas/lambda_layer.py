"""Reads what a Lambda layer of a model file computes, without running it.

For a lambda, the file holds the marshalled bytecode of the Python that wrote it, in base64 or,
before Keras 2.0.9, as text with one character for each byte. Beside it lie the values of default
arguments and of the closure, but not those of globals. For a named function it holds only the name.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contract.errors import ModelError
from trainer.keras_import.affine import Affine
from trainer.keras_import.lambdas import bytecode, marshal_reader
from trainer.keras_import.lambdas.bytecode import NotArithmeticError
from trainer.keras_import.lambdas.marshal_reader import Code, UnreadableError


@dataclass(frozen=True)
class Unread:
    """Says why the formula of a Lambda is not, or not wholly, in the file."""

    problem: str
    """What is wrong, to follow the words "the code of the layer"."""
    reason: str
    scale: float | None = None
    """The scale, if the file tells that much."""
    offset: float | None = None
    """The offset, if the file tells that much."""

    def allows(self, formula: Affine) -> bool:
        """Tell whether a formula agrees with what the file tells."""
        known = Affine(
            formula.scale if self.scale is None else self.scale,
            formula.offset if self.offset is None else self.offset,
        )
        return known.close_to(formula)


def read_lambda(layer: str, config: Mapping[str, Any]) -> Affine | Unread:
    """Return the scaling that a Lambda computes, or why the file does not tell it.

    Args:
        layer: the layer as messages name it.
        config: its configuration from the file.

    Raises:
        ModelError: the code can be read, but does more than scale its first argument.
    """
    function = config.get("function")
    if isinstance(function, dict):
        inner = function.get("config")
        if function.get("class_name") != "__lambda__" or not isinstance(inner, dict):
            name = inner if isinstance(inner, str) else function.get("class_name")
            return _cannot_be_read(f"the file holds only the name of the function, {name}")
        function = [inner.get("code"), inner.get("defaults"), inner.get("closure")]
    if isinstance(function, str):
        return _cannot_be_read(f"the file holds only the name of the function, {function[:60]}")
    if not isinstance(function, list) or not function or not isinstance(function[0], str):
        return _cannot_be_read("the file holds no code in a known form")
    try:
        code = _code(function[0])
        known = _constants(layer, code, function[1:], config.get("arguments"))
        found = bytecode.interpret(code, known)
    except UnreadableError as error:
        return _cannot_be_read(error.what)
    except NotArithmeticError as error:
        raise _refused(layer, error.what) from error
    if isinstance(found, Affine):
        return found
    names = ", ".join(found.names)
    form = ", ".join(
        f"{part} {value:.9g}"
        for part, value in (("scale", found.scale), ("offset", found.offset))
        if value is not None
    )
    return Unread(
        "scales with values that are not in the file",
        f"{names}{f' (known: {form})' if form else ''}",
        found.scale,
        found.offset,
    )


def _cannot_be_read(reason: str) -> Unread:
    return Unread("cannot be read", reason)


def _constants(
    layer: str, code: Code, defaults_and_closure: Sequence[Any], arguments: object
) -> dict[str, float]:
    """Return the numbers that the file gives for arguments and for variables of a closure.

    Raises:
        ModelError: the file gives something else than numbers, or more than the code takes.
    """
    defaults, closure = (*defaults_and_closure, None, None)[:2]
    given: dict[str, Any] = {}
    for values, names in (
        (defaults, code.variables[1 : code.arguments][-len(defaults) :] if defaults else ()),
        (closure, code.closure),
    ):
        if values and (not isinstance(values, list) or len(values) != len(names)):
            raise _refused(layer, f"it receives more than its one argument: {str(values)[:80]}")
        given |= dict(zip(names, values or (), strict=True))
    if arguments:
        if not isinstance(arguments, dict) or not {*arguments} <= {
            *code.variables[1 : code.arguments]
        }:
            raise _refused(layer, f"it receives more than its one argument: {str(arguments)[:80]}")
        given |= arguments
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _refused(layer, f"{name} is {str(value)[:60]}, not a number")
    return given


def _code(text: str) -> Code:
    """Read the code in a text, which has one of two encodings."""
    reasons = []
    for decode in (_from_characters, _from_base64):
        try:
            return marshal_reader.read(decode(text))
        except UnreadableError as error:
            reasons.append(error.what)
    raise UnreadableError(" and ".join(reasons))


def _from_characters(text: str) -> bytes:
    if len(text) > marshal_reader.MAX_BYTES:
        raise UnreadableError(f"it has {len(text):,} characters")
    return text.encode("raw_unicode_escape", errors="replace")


def _from_base64(text: str) -> bytes:
    if len(text) > 2 * marshal_reader.MAX_BYTES:
        raise UnreadableError(f"it has {len(text):,} characters")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableError("it is not base64") from error


def _refused(layer: str, got: str) -> ModelError:
    return ModelError(
        f"{layer} does something else than arithmetic on its first argument",
        got=got,
        remedy="Its code is never run. Only a scaling such as x/127.5 - 1 can be imported",
    )
