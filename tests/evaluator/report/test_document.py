from evaluator.report import document
from evaluator.report.document import MISSING


def test_words_between_backticks_are_code() -> None:
    assert document.split_code("`lapwing` makes `it`.") == [
        ("lapwing", True),
        (" makes ", False),
        ("it", True),
        (".", False),
    ]
    assert document.split_code("plain") == [("plain", False)]


def test_a_negative_number_has_a_minus_sign() -> None:
    assert document.format_number(-0.125, "+.2f", " m") == "−0.12 m"
    assert document.format_number(None, ".2f", " m") == MISSING


def test_a_slug_can_be_a_file_name() -> None:
    assert document.slug("delay=100ms / Fog") == "delay-100ms-fog"
    assert document.slug("…") == "x"
