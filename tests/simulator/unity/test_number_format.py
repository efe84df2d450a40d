"""Tests the locales against what mono writes and reads (tests/fixtures/mono)."""

import pytest
from support.data.mono_cultures import CULTURES

from contract.errors import SettingError, TelemetryError
from simulator.unity.number_format import LOCALES, find_locale


def test_the_locales_are_the_cultures_of_mono() -> None:
    assert sorted(LOCALES) == sorted(CULTURES)
    assert len(LOCALES) == 207


@pytest.mark.parametrize("name", CULTURES)
def test_numbers_are_written_as_mono_writes_them(name: str) -> None:
    locale, culture = find_locale(name), CULTURES[name]
    for value in (-12.5, 1234.568, 1234567.0, 0.0):
        assert locale.format_n4(value) == culture.written[value]


@pytest.mark.parametrize("name", CULTURES)
def test_numbers_are_read_as_mono_reads_them(name: str) -> None:
    culture = CULTURES[name]
    read = {text: parsed(name, text) for text in culture.read}
    assert read == pytest.approx(culture.read)


def parsed(name: str, text: str) -> float | None:
    """Return what a locale reads, or None if it refuses the text."""
    try:
        return find_locale(name).parse(text)
    except TelemetryError:
        return None


@pytest.mark.parametrize("text", ["", "abc", "nan", "1,2,3x"])
def test_a_text_that_is_not_a_number_is_refused(text: str) -> None:
    with pytest.raises(TelemetryError, match="not a number in en-US"):
        find_locale("en-US").parse(text)


def test_an_unknown_locale_is_refused() -> None:
    with pytest.raises(SettingError, match=r"no such locale: got xx-XX\. Give one of .* 207"):
        find_locale("xx-XX")
