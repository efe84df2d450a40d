import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import ModelError
from trainer.keras_import import affine
from trainer.keras_import.affine import Affine

NUMBERS = st.one_of(
    st.integers(1, 300), st.floats(0.01, 300, allow_nan=False).map(lambda each: round(each, 3))
)


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> str:
    """Return an expression that scales x: x itself, or a scaling and a number."""
    if depth == 0:
        return "x"
    inner = draw(expressions(depth=depth - 1))
    value = draw(NUMBERS)
    forms = [f"({inner}) {operator} {value}" for operator in "+-*/"]
    forms += [f"{value} {operator} ({inner})" for operator in "+-*"]
    forms += [f"-({inner})", f"({inner}) - ({value} - 1) / 2", inner]
    return draw(st.sampled_from(forms))


@given(expressions(), st.floats(-255, 255))
def test_the_scaling_is_what_python_would_compute(text: str, x: float) -> None:
    found = affine.parse(text)
    expected = eval(text, {"__builtins__": {}}, {"x": x})
    assert math.isclose(found.scale * x + found.offset, expected, rel_tol=1e-6, abs_tol=1e-3)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ModelError):
        assert affine.parse(text).scale != 0


@pytest.mark.parametrize(
    ("text", "scale", "offset"),
    [
        ("x/127.5-1", 1 / 127.5, -1),
        ("x / 255. - .5", 1 / 255, -0.5),
        ("(x - 128) / 128", 1 / 128, -1),
        ("-0.5 + x/255", 1 / 255, -0.5),
        ("x", 1, 0),
        ("2 * (x - 3) * 4", 8, -24),
    ],
)
def test_common_scalings_are_read(text: str, scale: float, offset: float) -> None:
    assert affine.parse(text).close_to(Affine(scale, offset))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("__import__('os').system('true')", "more than x and numbers"),
        ("x.real", "more than x and numbers"),
        ("x if x else 1", "more than x and numbers"),
        ("y / 2", "more than x and numbers"),
        ("x + True", "more than x and numbers"),
        ("x + 1j", "more than x and numbers"),
        ("x ** 2", "more than x and numbers"),
        ("x * x", "x is multiplied by itself"),
        ("1 / x", "it divides by x"),
        ("x / 0", "divides by zero"),
        ("x / (1 - 1)", "divides by zero"),
        ("3 + 4", "does not depend on x"),
        ("x - x", "does not depend on x"),
        ("x * 1e300", "too large"),
        ("x + 9" + "9" * 150, "too large"),
        ("x + 1e999", "too large"),
        ("", "cannot be read"),
        ("x +", "cannot be read"),
        ("x" + "+1" * 200, "more than 200 characters"),
        ("x" + "+1" * 90, "more than 60 parts"),
    ],
)
def test_an_expression_that_is_not_a_scaling_is_refused(text: str, why: str) -> None:
    with pytest.raises(ModelError, match=why):
        affine.parse(text)


def test_a_scaling_is_printed_as_an_expression() -> None:
    assert str(affine.parse("x/127.5 - 1")) == "0.00784313725 * x - 1"
