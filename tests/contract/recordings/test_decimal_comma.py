import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.recordings.decimal_comma import possible_readings
from contract.recordings.driving_log import RANGES


def format_like_mono(value: float) -> str:
    """Write a float like Mono's ToString in the locale de-DE: seven digits and a decimal comma."""
    return "0" if value == 0 else f"{value:.7G}".replace(".", ",")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0,0,0,1,814037E-05", (0, 0, 0, 1.814037e-05)),
        ("-0,15,0,0,1,368393E-05", (-0.15, 0, 0, 1.368393e-05)),
        ("0,0,1372461,0,0,02287625", (0, 0.1372461, 0, 0.02287625)),
        ("-0,25,1,0,5,678449", (-0.25, 1, 0, 5.678449)),
        ("-0,5000001,0,5,0,25,30,19", (-0.5000001, 0.5, 0.25, 30.19)),
        ("1,1,1,30", (1, 1, 1, 30)),
    ],
)
def test_a_row_with_one_reading_is_read(text: str, values: tuple[float, ...]) -> None:
    assert possible_readings(text.split(","), RANGES) == [values]


def test_a_row_with_several_readings_keeps_them_all() -> None:
    assert len(possible_readings(["0", "1", "0", "5", "0", "3"], RANGES)) == 2


@pytest.mark.parametrize("text", ["0,0,0", "7,0,0,0", "x,0,0,0", "0,0,0,0,0,0,0,0,0", "-0,0,0,3"])
def test_a_row_that_fits_no_ranges_has_no_reading(text: str) -> None:
    assert possible_readings(text.split(","), RANGES) == []


@given(
    st.tuples(
        st.floats(-1, 1, width=32),
        st.floats(0, 1, width=32),
        st.floats(0, 1, width=32),
        st.floats(0, 31, width=32),
    )
)
def test_the_written_values_are_always_among_the_readings(values: tuple[float, ...]) -> None:
    written = [format_like_mono(value) for value in values]
    expected = tuple(float(text.replace(",", ".")) for text in written)
    assert expected in possible_readings(",".join(written).split(","), RANGES)
