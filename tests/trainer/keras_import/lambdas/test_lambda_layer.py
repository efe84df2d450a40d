import re
import struct
from typing import Any

import pytest
from support.data import model_files

from contract.errors import ModelError
from trainer.keras_import.affine import Affine
from trainer.keras_import.lambdas import lambda_layer
from trainer.keras_import.lambdas.lambda_layer import Unread

NORMAL = Affine(1 / 127.5, -1.0)


def packed(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}i", *values)


def string(kind: bytes, text: bytes) -> bytes:
    return kind + packed(len(text)) + text


# As Python 2.7's marshal wrote `lambda x: x / 127.5 - 1`, by hand after CPython's marshal.c.
PYTHON_2 = b"".join(
    [
        b"c",
        packed(1, 1, 2, 0x43),
        string(b"s", bytes.fromhex("7c0000 640100 15 640200 18 53")),
        b"(",
        packed(3),
        b"N",
        b"g",
        struct.pack("<d", 127.5),
        b"i",
        packed(1),
        b"(",
        packed(0),
        b"(",
        packed(1),
        string(b"t", b"x"),
        b"(",
        packed(0),
        b"(",
        packed(0),
        string(b"s", b"model.py"),
        string(b"t", b"<lambda>"),
        packed(34),
        string(b"s", b""),
    ]
)


@pytest.mark.parametrize("release", [1, 2, 3])
def test_code_is_read_as_each_release_of_keras_wrote_it(release: int) -> None:
    _, config, _ = model_files.of_lambda(lambda x: x / 127.5 - 1.0, release)
    found = lambda_layer.read_lambda("it", config)
    assert isinstance(found, Affine)
    assert found.close_to(NORMAL)


def test_python_2_is_read() -> None:
    text = PYTHON_2.decode("raw_unicode_escape")
    found = lambda_layer.read_lambda("it", {"function": [text, None, None]})
    assert isinstance(found, Affine)
    assert found.close_to(NORMAL)


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"function": "normalize", "function_type": "function"}, "only the name .*normalize"),
        ({"function": {"class_name": "function", "config": "mine"}}, "only the name .*mine"),
        ({"function": ["AAAA", None, None]}, "fit no release of Python"),
        ({"function": ["\u20ac" * 9, None, None]}, "it is not base64"),
        ({"function": ["4wEA" * 100_000, None, None]}, "it has 400,000 characters"),
        ({"function": []}, "no code in a known form"),
        ({"function": None}, "no code in a known form"),
        ({}, "no code in a known form"),
    ],
)
def test_code_that_cannot_be_read_gives_the_reason(config: dict[str, Any], why: str) -> None:
    found = lambda_layer.read_lambda("it", config)
    assert isinstance(found, Unread)
    assert found.problem == "cannot be read"
    assert re.search(why, found.reason)


def _scaling(factor: Any, offset: Any) -> Any:
    return lambda x: x / factor - offset


def of_closure(*values: Any, **more: Any) -> dict[str, Any]:
    """Return the configuration of a Lambda with a closure whose values are in the file."""
    code = model_files.code_text(_scaling(127.5, 1.0), 2)
    return {"function": [code, None, list(values)], **more}


def test_the_numbers_of_a_closure_are_in_the_file() -> None:
    """The variables of a closure are in alphabetical order."""
    assert lambda_layer.read_lambda("it", of_closure(127.5, 1.0)) == NORMAL


def test_numbers_of_default_arguments_and_of_the_layers_arguments_are_in_the_file() -> None:
    code = model_files.code_text(lambda x, y, z: x / y - z, 2)
    for function, arguments in (([code, [127.5, 1], None], {}), ([code, None, None], None)):
        config = {"function": function, "arguments": arguments or {"y": 127.5, "z": 1}}
        if function[1]:
            config["arguments"] = {}
        assert lambda_layer.read_lambda("it", config) == NORMAL


SCALE = 127.5


def test_a_global_is_not_in_the_file_but_the_rest_of_the_formula_is() -> None:
    _, config, _ = model_files.of_lambda(lambda x: x / SCALE - 1.0, 2)
    found = lambda_layer.read_lambda("it", config)
    assert found == Unread(
        "scales with values that are not in the file", "SCALE (known: offset -1)", None, -1.0
    )
    assert isinstance(found, Unread)
    assert found.allows(NORMAL)
    assert not found.allows(Affine(1 / 127.5, -0.5))


@pytest.mark.parametrize(
    ("config", "why"),
    [
        (of_closure(127.5), "receives more than its one argument"),
        (of_closure([1.0, 2.0, 3.0], 1.0), r"factor is \[1.0, 2.0, 3.0\], not a number"),
        (of_closure(True, 1.0), "factor is True, not a number"),
        (of_closure(127.5, 1.0, arguments={"factor": 2}), "receives more than its one argument"),
        (of_closure(127.5, 1.0, arguments=[2]), "receives more than its one argument"),
    ],
)
def test_values_that_do_not_fit_the_code_are_refused(config: dict[str, Any], why: str) -> None:
    with pytest.raises(ModelError, match=f"it does something else than arithmetic.*{why}"):
        lambda_layer.read_lambda("it", config)


def test_more_arguments_are_refused() -> None:
    _, config, _ = model_files.of_lambda(lambda x: x / 2, 2, arguments={"factor": 2})
    with pytest.raises(ModelError, match="it does something else than arithmetic"):
        lambda_layer.read_lambda("it", config)
