"""What a Lambda layer of a model file computes, read from the file and never run.

A file holds a lambda as the marshalled bytecode of the Python that wrote it, in base64 or, before
Keras 2.0.9, as text of one character a byte; of a named function it holds no more than the name.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from contract.errors import ModelError
from trainer.keras_import import bytecode, marshal_reader
from trainer.keras_import.affine import Affine
from trainer.keras_import.marshal_reader import Code, UnreadableError


def of_lambda(who: str, config: Mapping[str, Any]) -> Affine | str:
    """Return the scaling that a Lambda does, or why its code cannot be read.

    Raises:
        ModelError: the code can be read, and does anything but scale its one argument.
    """
    function = config.get("function")
    if isinstance(function, dict):
        inner = function.get("config")
        if function.get("class_name") != "__lambda__" or not isinstance(inner, dict):
            name = inner if isinstance(inner, str) else function.get("class_name")
            return f"the file holds only the name of the function, {name}"
        function = [inner.get("code"), inner.get("defaults"), inner.get("closure")]
    if isinstance(function, str):
        return f"the file holds only the name of the function, {function[:60]}"
    if not isinstance(function, list) or not function or not isinstance(function[0], str):
        return "the file holds no code that is known"
    more = [each for each in (*function[1:], config.get("arguments")) if each]
    if more:
        raise _refusal(who, f"it is given more than its one argument: {str(more)[:80]}")
    try:
        code = _code(function[0])
    except UnreadableError as error:
        return error.what
    try:
        return bytecode.arithmetic(code)
    except ModelError as error:
        raise _refusal(who, error.what) from error


def _code(text: str) -> Code:
    """Read the code in a text; what is not one spelling is the other."""
    found = []
    for decode in (_plain, _base64):
        try:
            return marshal_reader.read(decode(text))
        except UnreadableError as error:
            found.append(error.what)
    raise UnreadableError(" and ".join(found))


def _plain(text: str) -> bytes:
    if len(text) > marshal_reader.MAX_BYTES:
        raise UnreadableError(f"it has {len(text):,} characters")
    return text.encode("raw_unicode_escape", errors="replace")


def _base64(text: str) -> bytes:
    if len(text) > 2 * marshal_reader.MAX_BYTES:
        raise UnreadableError(f"it has {len(text):,} characters")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableError("it is no base64") from error


def _refusal(who: str, got: str) -> ModelError:
    return ModelError(
        f"{who} does something else than arithmetic on its one argument",
        got=got,
        remedy="It is not run. Only a scaling such as x/127.5 - 1 can be taken over",
    )
