import pytest

from contract.errors import SettingError
from lapwing import options


def parse(text: str) -> float | str:
    return options.parse_word_or_number("--steering-correction", text, ("auto",), 0, 1)


@pytest.mark.parametrize("text", ["60,25", " 60 , 25 "])
def test_a_crop_is_two_numbers_of_rows(text: str) -> None:
    assert options.parse_crop(text) == [60, 25]


@pytest.mark.parametrize("text", ["200x66", "200X66", "200 x 66"])
def test_a_size_is_width_and_height(text: str) -> None:
    assert options.parse_size(text) == [200, 66]


@pytest.mark.parametrize(("text", "value"), [("auto", "auto"), ("0.25", 0.25), ("0", 0.0)])
def test_a_word_or_a_number_is_read(text: str, value: float | str) -> None:
    assert parse(text) == value


@pytest.mark.parametrize("text", ["", "Auto", "-0.1", "1.5", "nan", "0,2", "1e-1"])
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match="takes auto, or a number from 0 to 1"):
        parse(text)


@pytest.mark.parametrize("text", ["60", "60,25,3", "-1,5", "a,b", "", "99999,1", "1.5,2"])
def test_another_form_of_a_crop_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match="--crop has a value it cannot take: got"):
        options.parse_crop(text)


def test_conditions_are_names_between_commas() -> None:
    assert options.parse_conditions(" fog, dusk ,fog, ") == ["fog", "dusk", "fog"]
    assert options.parse_conditions("") == []
