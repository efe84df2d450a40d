import pytest

from contract.errors import SettingError, TelemetryError
from simulator.unity.number_format import LOCALES, locale


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
def test_n4_has_the_locales_marks(name: str, value: float, text: str) -> None:
    assert locale(name).n4(value) == text


@pytest.mark.parametrize("name", LOCALES)
def test_a_locale_reads_what_it_wrote(name: str) -> None:
    assert locale(name).parse(locale(name).n4(-1234.5678)) == -1234.5678


def test_a_german_machine_reads_a_point_as_nothing() -> None:
    assert locale("de-DE").parse("0.1") == 1
    assert locale("de-DE").parse("0,1") == 0.1


@pytest.mark.parametrize("text", ["", "abc", "nan", "1,2,3x"])
def test_what_is_no_number_fails(text: str) -> None:
    with pytest.raises(TelemetryError, match="no number in en-US"):
        locale("en-US").parse(text)


def test_an_unknown_locale_is_refused() -> None:
    with pytest.raises(SettingError, match=r"no such locale: got xx-XX\. Known: en-US, de-DE"):
        locale("xx-XX")
