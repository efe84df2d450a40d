import unicodedata

import pytest

from contract.printable import printable


@pytest.mark.parametrize(
    "text",
    ["", "lap 3", "Größe 5\u00a0mph", "道路", "مسار", "[/x] :smile: 100 %", "it's \\x1b as text"],
)
def test_text_that_prints_is_not_changed(text: str) -> None:
    assert printable(text) is text or printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x9b31m\x7f", "\\x9b31m\\x7f"),
        ("abc\u202efdp.exe", "abc\\u202efdp.exe"),
        ("\udcff.csv", "\\udcff.csv"),
    ],
)
def test_what_steers_a_terminal_or_cannot_be_encoded_becomes_an_escape(
    text: str, shown: str
) -> None:
    assert printable(text) == shown
    shown.encode("utf-8")


def test_no_control_character_is_left_but_those_to_keep() -> None:
    """Unicode's own categories are the judge."""
    everything = "".join(map(chr, range(0x3000)))
    left = {unicodedata.category(character) for character in printable(everything, "\n")}
    assert left & {"Cc", "Cf", "Cs", "Zl", "Zp"} == {"Cc"}
    assert "\n" in printable(everything, "\n")
