import pytest

from contract.errors import SettingError, TelemetryError
from simulator.unity.number_format import LOCALES, find_locale


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("en-US", 1234.5, "1,234.5000"),
        ("en-US", -0.25, "-0.2500"),
        ("de-DE", 12.5, "12,5000"),
        ("de-DE", 12500.0, "12.500,0000"),
        ("fr-FR", 1234.5, "1\u202f234,5000"),
        ("de-CH", 1234.5, "1\u2019234.5000"),
    ],
)
def test_numbers_have_the_marks_of_the_locale(name: str, value: float, text: str) -> None:
    assert find_locale(name).format_n4(value) == text


@pytest.mark.parametrize("name", LOCALES)
def test_a_locale_reads_its_own_numbers(name: str) -> None:
    assert find_locale(name).parse(find_locale(name).format_n4(-1234.5678)) == -1234.5678


def test_a_german_machine_ignores_a_decimal_point() -> None:
    assert find_locale("de-DE").parse("0.1") == 1
    assert find_locale("de-DE").parse("0,1") == 0.1


@pytest.mark.parametrize("text", ["", "abc", "nan", "1,2,3x"])
def test_a_text_that_is_not_a_number_is_refused(text: str) -> None:
    with pytest.raises(TelemetryError, match="not a number in en-US"):
        find_locale("en-US").parse(text)


def test_an_unknown_locale_is_refused() -> None:
    with pytest.raises(
        SettingError, match=r"no such locale: got xx-XX\. Choose one of en-US, de-DE"
    ):
        find_locale("xx-XX")
