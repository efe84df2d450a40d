import marshal
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.keras_import import bytecode, marshal_reader
from trainer.keras_import.affine import Affine
from trainer.keras_import.bytecode import NotArithmeticError
from trainer.keras_import.marshal_reader import Code

NORMAL = Affine(1 / 127.5, -1.0)


def of(layout: str, code: str, *consts: object, **more: Any) -> Code:
    """Return code from bytes in hex; its constants follow None."""
    return Code(
        layout,
        more.pop("arguments", 1),
        bytes.fromhex(code),
        (None, *consts),
        more.pop("names", ()),
        more.pop("closure", ()),
    )


# x / 127.5 - 1 as each range of releases compiles it.
COMPILED = {
    "2.7": of("2.7", "7c0000 640100 15 640200 18 53", 127.5, 1),
    "3.5": of("3.0", "7c0000 640100 1b 640200 18 53", 127.5, 1.0),
    "3.6": of("3.0", "7c00 6401 1b00 6402 1800 5300", 127.5, 1.0),
    "3.8": of("3.8", "7c00 6401 1b00 6402 1800 5300", 127.5, 1.0),
    "3.11": of("3.11", "9700 7c00 6401 7a0b 0000 6402 7a0a 0000 5300", 127.5, 1.0),
    "3.13": of("3.11", "9500 5500 5301 2d0b 0000 5302 2d0a 0000 2400", 127.5, 1.0),
}


@pytest.mark.parametrize("release", COMPILED)
def test_the_same_lambda_is_read_in_every_release(release: str) -> None:
    assert bytecode.interpret(COMPILED[release]).close_to(NORMAL)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: x / 127.5 - 1.0, NORMAL),
        (lambda image: image / 255.0 - 0.5, Affine(1 / 255, -0.5)),
        (lambda x: (x - 128) / 128, Affine(1 / 128, -1)),
        (lambda x: -1 + x * (2 / 255), Affine(2 / 255, -1)),
        (lambda x: -x, Affine(-1, 0)),
        (lambda x: x, Affine(1, 0)),
    ],
)
def test_lambdas_of_this_python_are_read(function: Callable[..., Any], expected: Affine) -> None:
    code = marshal_reader.read(marshal.dumps(function.__code__))
    assert bytecode.interpret(code).close_to(expected)


OUTSIDE = 2.0


def _around(factor: float) -> Callable[..., Any]:
    return lambda x: x * factor


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda _x: __import__("os").system("true"), "uses __import__, system"),
        (lambda x: x.real, "uses real"),
        (lambda x: x * OUTSIDE, "uses OUTSIDE"),
        (_around(2.0), "uses factor of the code around it"),
        (lambda x, y: x + y, "takes 2 arguments"),
        (lambda x, *, y: x + y, "takes 2 arguments"),
        (lambda x: x[:, 60:], "not a number|not arithmetic"),
        (lambda x: x * x, "multiplied by itself"),
        (lambda x: 1 / x, "it divides by x"),
        (lambda x: x**2, "not arithmetic"),
        (lambda x: x // 2, "not arithmetic"),
        (lambda x: x if x > 0 else -x, "not arithmetic"),
        (lambda x: [each + 1 for each in x], "not arithmetic|uses|takes"),
        (lambda _x: 7, "does not depend on x"),
        (lambda x: x + "a", "'a', which is not a number"),
        (lambda x: x + True, "'True', which is not a number"),
    ],
)
def test_other_code_is_refused_with_its_reason(function: Callable[..., Any], why: str) -> None:
    with pytest.raises(NotArithmeticError, match=why):
        bytecode.interpret(marshal_reader.read(marshal.dumps(function.__code__)))


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (of("3.8", "7c00 7c01 1700 5300"), "not arithmetic"),  # a second local
        (of("3.8", "7c00 6409 1700 5300", 1.0), "its stack runs empty"),  # no such constant
        (of("3.8", "1700 5300"), "its stack runs empty"),
        (of("3.8", "7c00"), "it returns nothing"),
        (of("3.8", "7c"), "its last instruction is cut off"),
        (of("3.8", "0900" * 500), "more than 200 instructions"),
        (of("2.7", "640100 640200 15 7c0000 14 53", 1, 2), "where Python 2 rounded"),
    ],
)
def test_forged_code_is_refused(code: Code, why: str) -> None:
    with pytest.raises(NotArithmeticError, match=why):
        bytecode.interpret(code)


@given(st.binary(max_size=40), st.sampled_from(list(marshal_reader.LAYOUTS)))
def test_any_code_is_read_or_refused(code: bytes, layout: str) -> None:
    try:
        found = bytecode.interpret(Code(layout, 1, code, (None, 2.0, 3, "a"), (), ()))
    except NotArithmeticError:
        return
    assert found.scale != 0
