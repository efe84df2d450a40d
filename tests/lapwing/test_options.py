import pytest

from contract.errors import SettingError
from lapwing import options


@pytest.mark.parametrize("text", ["60,25", " 60 , 25 "])
def test_rows_are_two_numbers(text: str) -> None:
    assert options.rows(text) == [60, 25]


@pytest.mark.parametrize("text", ["200x66", "200X66", "200 x 66"])
def test_a_size_is_width_and_height(text: str) -> None:
    assert options.size(text) == [200, 66]


@pytest.mark.parametrize(("text", "value"), [("auto", "auto"), ("0.25", 0.25), ("0", 0.0)])
def test_a_correction_is_a_number_or_auto(text: str, value: float | str) -> None:
    assert options.correction(text) == value


@pytest.mark.parametrize("text", ["", "Auto", "-0.1", "1.5", "nan", "0,2", "1e-1"])
def test_any_other_correction_is_said(text: str) -> None:
    with pytest.raises(SettingError, match="takes auto, or a number from 0 to 1"):
        options.correction(text)


@pytest.mark.parametrize("text", ["60", "60,25,3", "-1,5", "a,b", "", "99999,1", "1.5,2"])
def test_anything_else_is_said(text: str) -> None:
    with pytest.raises(SettingError, match="--crop has a value it cannot take: got"):
        options.rows(text)
