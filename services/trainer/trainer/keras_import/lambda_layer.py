"""Reads what a Lambda layer of a model file computes, without running it.

For a lambda, the file holds the marshalled bytecode of the Python that wrote it, in base64 or,
before Keras 2.0.9, as text with one character for each byte. For a named function it holds only the
name.
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


def read_lambda(layer: str, config: Mapping[str, Any]) -> Affine | str:
    """Return the scaling that a Lambda computes, or the reason why its code cannot be read.

    Args:
        layer: the layer as messages name it.
        config: its configuration from the file.

    Raises:
        ModelError: the code can be read, but does more than scale its one argument.
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
        return "the file holds no code in a known form"
    more = [value for value in (*function[1:], config.get("arguments")) if value]
    if more:
        raise _refused(layer, f"it receives more than its one argument: {str(more)[:80]}")
    try:
        code = _code(function[0])
    except UnreadableError as error:
        return error.what
    try:
        return bytecode.interpret(code)
    except ModelError as error:
        raise _refused(layer, error.what) from error


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
        f"{layer} does something else than arithmetic on its one argument",
        got=got,
        remedy="Its code is never run. Only a scaling such as x/127.5 - 1 can be imported",
    )
