"""Tests numbers against what mono writes and reads, and against the Unicode CLDR in babel."""

from __future__ import annotations

import csv
import functools
import unicodedata

import babel.numbers
import pytest
from babel import Locale, localedata
from hypothesis import given
from hypothesis import strategies as st
from support.data import samples
from support.data.mono_cultures import CULTURES

from contract.wire.culture_numbers import UNKNOWN, NumberSpelling, join, read

HYPHENS = "\u2012\u207b\u208b\u2212\u2796\ufe63\uff0d"
"""Signs of .NET's NumberFormatInfo.AllowHyphenDuringParsing."""
VALUES = (-12.5, -0.1234, 0.0, 9.13, 1234.5678, -1234567.25)


@pytest.mark.parametrize("name", CULTURES)
def test_what_mono_writes_is_read_as_the_same_number(name: str) -> None:
    culture = CULTURES[name]
    minus = {False: None, True: "-"}
    for value, text in culture.written.items():
        expected = NumberSpelling(culture.decimal, minus[value < 0])
        assert read(text) == (pytest.approx(value), expected)


@pytest.mark.parametrize("name", CULTURES)
def test_what_is_answered_is_read_by_mono_as_the_same_number(name: str) -> None:
    """The texts of the fixture are those that mono read as -0.1234, in this culture."""
    culture = CULTURES[name]
    with_mark, with_exponent = culture.answers
    assert culture.read[with_mark] == culture.read[with_exponent] == -0.1234
    for shown in (0.0, -12.5):  # before a negative number was shown, and after it
        found = read(culture.written[shown])
        assert found is not None
        assert found[1].write(-0.1234) == with_mark
    assert UNKNOWN.write(-0.1234) == with_exponent


def test_the_cultures_are_those_of_another_table_made_with_mono() -> None:
    path = samples.shared("protocol", "cultures.tsv")
    with path.open(encoding="ascii", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert {row["culture"] for row in rows} == set(CULTURES)
    for row in rows:
        written = CULTURES[row["culture"]].written
        for value, column in ((-12.5, "N4(-12.5)"), (1234.568, "N4(1234.5678)")):
            assert row[column].encode().decode("unicode_escape") == written[value]
        spelling = NumberSpelling(CULTURES[row["culture"]].decimal)
        assert spelling.write(-0.1234)[:-2] in row["parses_as_-0.1234"].split(" | ")


CLDR = {
    name: Locale.parse(name)
    for name in (
        *("ar", "ar_BH", "ar_DZ", "az_Arab", "ckb", "fa", "he", "ur"),  # marks of direction
        *(
            "ast",
            "aa",
            "cs",
            "bn_IN",
            "tok",
            "blo",
            "de_CH",
            "dje",
            "en_US_POSIX",
            "fr_CH",
        ),  # a hyphen
        *("et", "eu", "gsw", "hr", "sv"),  # another character
    )
}
"""Locales of the Unicode CLDR, among them one for each way to write a number."""


def cldr_form(locale: Locale) -> tuple[str, ...] | None:
    """Return the marks and groups with which a locale of the CLDR writes numbers."""
    symbols = locale.number_symbols.get(locale.default_numbering_system, {})
    if "decimal" not in symbols:
        return None
    pattern = locale.decimal_formats[None].pattern
    return symbols["decimal"], symbols["group"], symbols["minusSign"], pattern.partition(".")[0]


@pytest.mark.soak
def test_no_locale_of_the_cldr_writes_numbers_otherwise() -> None:
    known = {cldr_form(locale) for locale in CLDR.values()} | {None}
    names = localedata.locale_identifiers()
    assert [name for name in names if cldr_form(Locale.parse(name)) not in known] == []


@functools.cache
def cldr_marks(name: str) -> tuple[str, str]:
    """Return the decimal mark and the minus of a locale of the CLDR."""
    return (
        babel.numbers.get_decimal_symbol(CLDR[name], numbering_system="default"),
        babel.numbers.get_minus_sign_symbol(CLDR[name], numbering_system="default"),
    )


@functools.cache
def cldr_text(name: str, value: float) -> str:
    """Return a number as .NET writes it in a locale of the CLDR: with ASCII digits, four decimals.

    babel writes the digits and their groups. .NET writes the minus in front.
    """
    pattern = babel.numbers.parse_pattern(CLDR[name].decimal_formats[None].pattern)
    pattern.frac_prec = (4, 4)
    text = pattern.apply(abs(value), CLDR[name], numbering_system="default")
    return cldr_marks(name)[1] + text if value < 0 else text


def test_the_cldr_has_all_kinds_of_marks() -> None:
    texts = {cldr_text(name, -1234567.25) for name in CLDR}
    assert len(texts) > 15
    persian = "\u200e\u22121\u066c234\u066c567\u066b2500"
    assert {persian, "-12,34,567.2500", "\u22121\u00a0234\u00a0567,2500"} <= texts


@pytest.mark.parametrize("name", CLDR)
def test_what_the_cldr_writes_is_read_as_the_same_number(name: str) -> None:
    decimal, _ = cldr_marks(name)
    for value in VALUES:
        found = read(cldr_text(name, value))
        assert found is not None, cldr_text(name, value)
        assert found[0] == value
        assert found[1].decimal_mark == decimal


@pytest.mark.parametrize("name", CLDR)
def test_what_is_answered_is_read_by_net_5_as_the_same_number(name: str) -> None:
    """.NET reads the culture's own minus, and "-" if its own is one character or that."""
    decimal, own = cldr_marks(name)
    before, after = read(cldr_text(name, 0.0)), read(cldr_text(name, -12.5))
    assert before is not None
    assert after is not None
    assert after[1].write(-0.1234) == f"{own}0{decimal}123400"
    hyphen_is_read = own == "-" or own in HYPHENS
    if decimal == "\u066b":
        assert not hyphen_is_read
        assert not before[1].can_write(-0.1234)
        with pytest.raises(ValueError, match="has not shown how it writes a minus"):
            before[1].write(-0.1234)
        assert before[1].write(0.1234) == "0\u066b123400"
    elif hyphen_is_read:
        assert before[1].write(-0.1234) == f"-0{decimal}123400"
    else:  # docs/protocol.md names these: nothing tells them from others before a negative number
        assert name.split("_")[0] in {"ar", "he", "ur"}


@pytest.mark.parametrize("value", [0.0, -0.0, -4e-7, -6e-7, -1e-6, 4e-7, 1e-6])
def test_what_rounds_to_zero_needs_no_minus(value: float) -> None:
    """Python's own formatting tells what is left of a number after six decimals."""
    arabic = NumberSpelling("\u066b")
    assert arabic.can_write(value) == (float(f"{value:.6f}") >= 0)
    if arabic.can_write(value):
        assert arabic.write(value) == f"{abs(value):.6f}".replace(".", "\u066b")


@pytest.mark.parametrize(
    ("text", "value", "minus"),
    [
        ("(12.5000)", -12.5, None),
        ("-12.5000", -12.5, "-"),
        ("- 12.5000", -12.5, "-"),
        ("12.5000-", -12.5, "-"),
        ("12.5000 -", -12.5, "-"),
        ("-\u00a012.5000", -12.5, "-"),
        ("\u221212.5000", -12.5, "\u2212"),
        ("12.5000\u2212", -12.5, "\u2212"),
        ("\u200e-12.5000", -12.5, "\u200e-"),
        ("\u200f-12.5000", -12.5, "\u200f-"),
        ("\u061c-12.5000", -12.5, "\u061c-"),
        ("\u200e-\u200e12.5000", -12.5, "\u200e-\u200e"),
        ("12.5000\u200f-", -12.5, "\u200f-"),
    ],
)
def test_each_pattern_of_a_negative_number_is_read(
    text: str, value: float, minus: str | None
) -> None:
    assert read(text) == (value, NumberSpelling(".", minus))


@pytest.mark.parametrize("zero", [0x0660, 0x06F0, 0x0966, 0xFF10])
def test_digits_of_other_scripts_are_read(zero: int) -> None:
    digits = "".join(chr(zero + int(each)) for each in "125000")
    assert unicodedata.decimal(digits[0]) == 1
    assert read(f"-{digits[:2]}\u066b{digits[2:]}") == (-12.5, NumberSpelling("\u066b", "-"))


@pytest.mark.parametrize(
    "text",
    [
        "1,234",
        "12,34",
        "-1,234",
        "1.234,56",
        "1.234.5678",
        "1,234,5678",
        "1,2345.6789",
        "1234,567.8901",
        "1,234.567.8901",
        "1'234,567.8901",
        "--12.5000",
        "-12.5000-",
        "(-12.5000)",
        "(12.5000",
        "12.5000)",
        "- - 12.5000",
        "+12,5000",
        "12:5000",
        "12-5000",
        "1\u0662.5000",
        "12.5000x",
        "12,\u06605000",
        "\u00b2.5000",
        "0x1.0000",
    ],
)
def test_a_text_that_leaves_its_number_open_is_refused(text: str) -> None:
    """No culture writes such texts in N4, so each of them could be another number."""
    assert read(text) is None


@pytest.mark.parametrize(
    ("text", "value", "spelling"),
    [
        ("3", 3.0, UNKNOWN),
        ("-3", -3.0, NumberSpelling(None, "-")),
        ("0.12", 0.12, NumberSpelling(".")),
        ("1e-05", 1e-05, UNKNOWN),
        (" 9,1300\n", 9.13, NumberSpelling(",")),
    ],
)
def test_numbers_of_other_clients_are_read(
    text: str, value: float, spelling: NumberSpelling
) -> None:
    assert read(text) == (value, spelling)


def test_marks_of_several_numbers_are_joined() -> None:
    spelling = NumberSpelling(",", "-")
    assert join([UNKNOWN, NumberSpelling(","), NumberSpelling(None, "-"), spelling]) == spelling
    assert join([]) == UNKNOWN


@pytest.mark.parametrize(
    ("spellings", "problem"),
    [
        ([NumberSpelling(","), NumberSpelling(".")], "two decimal marks"),
        ([NumberSpelling(",", "-"), NumberSpelling(",", "\u2212")], "two kinds of minus"),
    ],
)
def test_marks_that_contradict_each_other_are_refused(
    spellings: list[NumberSpelling], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        join(spellings)


@given(st.floats(-1, 1), st.sampled_from([*".,/\u066b"]), st.sampled_from(["-", "\u200e\u2212"]))
def test_a_written_number_is_read_back(value: float, mark: str, minus: str) -> None:
    """The text is read by Python after its marks were exchanged for those of Python."""
    text = NumberSpelling(mark, minus).write(value)
    assert float(text.replace(mark, ".").replace(minus, "-")) == pytest.approx(value, abs=1e-6)
    assert text.startswith(minus) == (round(value, 6) < 0)


@given(st.floats(-1, 1))
def test_a_number_for_an_unknown_client_has_no_mark(value: float) -> None:
    text = UNKNOWN.write(value)
    assert float(text) == pytest.approx(value, abs=1e-6)
    assert set(text) <= set("-0123456789e")
