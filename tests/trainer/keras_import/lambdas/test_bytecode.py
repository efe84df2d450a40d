import marshal
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.keras_import.affine import Affine
from trainer.keras_import.lambdas import bytecode, marshal_reader
from trainer.keras_import.lambdas.bytecode import NotArithmeticError, PartlyKnown
from trainer.keras_import.lambdas.marshal_reader import Code, UnreadableError

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
        **more,
    )


# x / 127.5 - 1 as each range of releases compiles it.
COMPILED = {
    "2.7": of("2.7", "7c0000 640100 15 640200 18 53", 127.5, 1),
    "3.5": of("3.0", "7c0000 640100 1b 640200 18 53", 127.5, 1.0),
    "3.6": of("3.0", "7c00 6401 1b00 6402 1800 5300", 127.5, 1.0),
    "3.8": of("3.8", "7c00 6401 1b00 6402 1800 5300", 127.5, 1.0),
    "3.11": of("3.11", "9700 7c00 6401 7a0b 0000 6402 7a0a 0000 5300", 127.5, 1.0),
    "3.13": of("3.11", "9500 5500 5301 2d0b 0000 5302 2d0a 0000 2400", 127.5, 1.0),
    "3.14": of(
        "3.11", "8000 5600 5201 2c0b" + "0000" * 5 + "5e01 2c0a" + "0000" * 5 + "2300", 127.5
    ),
}
# x / SCALE - C.OFFSET, as each range of releases compiles it.
_NAMES = {"names": ("SCALE", "C", "OFFSET")}
OF_NAMES = {
    "2.7": of("2.7", "7c0000 740000 15 740100 6a0200 18 53", **_NAMES),
    "3.5": of("3.0", "7c0000 740000 1b 740100 6a0200 18 53", **_NAMES),
    "3.8": of("3.8", "7c00 7400 1b00 7401 6a02 1800 5300", **_NAMES),
    "3.11": of(
        "3.11",
        "9700 7c00 7400"
        + "0000" * 5
        + "7a0b 0000 7402"
        + "0000" * 5
        + "6a02"
        + "0000" * 4
        + "7a0a 0000 5300",
        **_NAMES,
    ),
    "3.12": of(
        "3.11",
        "9700 7c00 7400"
        + "0000" * 4
        + "7a0b 0000 7402"
        + "0000" * 4
        + "6a04"
        + "0000" * 9
        + "7a0a 0000 5300",
        **_NAMES,
    ),
    "3.13": of(
        "3.11",
        "9500 5500 5b00"
        + "0000" * 4
        + "2d0b 0000 5b02"
        + "0000" * 4
        + "5204"
        + "0000" * 9
        + "2d0a 0000 2400",
        **_NAMES,
    ),
    "3.14": of(
        "3.11",
        "8000 5600 5c00"
        + "0000" * 4
        + "2c0b"
        + "0000" * 5
        + "5c02"
        + "0000" * 4
        + "5004"
        + "0000" * 9
        + "2c0a"
        + "0000" * 5
        + "2300",
        **_NAMES,
    ),
}


@pytest.mark.parametrize("release", COMPILED)
def test_the_same_lambda_is_read_in_every_release(release: str) -> None:
    found = bytecode.interpret(COMPILED[release])
    assert isinstance(found, Affine)
    assert found.close_to(NORMAL)


@pytest.mark.parametrize("release", OF_NAMES)
def test_constants_that_the_code_does_not_hold_are_named_in_every_release(release: str) -> None:
    assert bytecode.interpret(OF_NAMES[release]) == PartlyKnown(("SCALE", "C.OFFSET"), None, None)


@pytest.mark.parametrize("release", OF_NAMES)
def test_constants_may_be_given(release: str) -> None:
    found = bytecode.interpret(OF_NAMES[release], {"SCALE": 127.5, "C.OFFSET": 1.0})
    assert isinstance(found, Affine)
    assert found.close_to(NORMAL)


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
    found = bytecode.interpret(code)
    assert isinstance(found, Affine)
    assert found.close_to(expected)


OUTSIDE = 2.0


def _around(factor: float) -> Callable[..., Any]:
    return lambda x: x * factor


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda _x: __import__("os").system("true"), "uses __import__, system"),
        (lambda x: x.real, "uses real"),
        (lambda x: OUTSIDE / x, "it divides by x"),
        (lambda x: abs(x), "uses abs; .*it calls a function"),
        (lambda x: OUTSIDE.hex(), "uses OUTSIDE, hex; .*not arithmetic|it calls"),
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
    ("function", "expected"),
    [
        (lambda x: x * OUTSIDE, PartlyKnown(("OUTSIDE",), None, 0.0)),
        (lambda x: x / 127.5 - OUTSIDE, PartlyKnown(("OUTSIDE",), 1 / 127.5, None)),
        (_around(2.0), PartlyKnown(("factor",), None, 0.0)),
    ],
)
def test_a_scaling_with_a_constant_from_outside_is_told(
    function: Callable[..., Any], expected: PartlyKnown
) -> None:
    code = marshal_reader.read(marshal.dumps(function.__code__))
    assert bytecode.interpret(code) == expected


def test_a_constant_of_the_closure_may_be_given() -> None:
    code = marshal_reader.read(marshal.dumps(_around(2.0).__code__))
    assert bytecode.interpret(code, {"factor": 2.0}) == Affine(2.0, 0.0)


@pytest.mark.parametrize("code", ["7f00 5600 2300", "9501 5500 2400", "", "97"])
def test_code_of_a_python_that_is_not_known_cannot_be_read(code: str) -> None:
    with pytest.raises(
        UnreadableError, match=r"a Python that is not known here: .* 3\.11 to 3\.14"
    ):
        bytecode.interpret(of("3.11", code))


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
        (of("3.8", "7400 1700 5300", names=()), "its stack runs empty"),  # no such name
        (of("3.8", "7c00 5300", cells=("x",)), "it has functions inside it, for x"),
    ],
)
def test_forged_code_is_refused(code: Code, why: str) -> None:
    with pytest.raises(NotArithmeticError, match=why):
        bytecode.interpret(code)


@given(st.binary(max_size=40), st.sampled_from(list(marshal_reader.LAYOUTS)))
def test_any_code_is_read_or_refused(code: bytes, layout: str) -> None:
    try:
        found = bytecode.interpret(Code(layout, 1, code, (None, 2.0, 3, "a"), ("a", "b"), ()))
    except (NotArithmeticError, UnreadableError):
        return
    assert found.scale != 0
