import io
import json

import pytest

from contract import printing
from contract.printing import TextConsole

HOSTILE = ["x[/red]", "[bold]x[/bold]", ":smile:", "[link=http://a.example]x", "\x1b[31mred", "[/]"]


def printed(*, width: int = 80, **options: bool) -> tuple[TextConsole, io.StringIO]:
    file = io.StringIO()
    return TextConsole(file=file, width=width, **options), file


@pytest.mark.parametrize("text", HOSTILE)
def test_text_is_printed_as_it_is(text: str) -> None:
    console, file = printed()
    console.print(text)
    printing.print_line(console, ("failed:", "red"), f" {text}")
    shown = text.replace("\x1b", "\\x1b")
    assert file.getvalue() == f"{shown}\nfailed: {shown}\n"


@pytest.mark.parametrize("text", HOSTILE)
def test_cells_headings_and_titles_of_tables_are_text_too(text: str) -> None:
    console, file = printed()
    table = printing.wide_table(text, title=text)
    table.add_row(text)
    printing.print_unwrapped(console, table)
    assert file.getvalue().count(text.replace("\x1b", "\\x1b")) == 3


def test_our_own_colours_are_the_only_escapes_of_a_terminal() -> None:
    console, file = printed(force_terminal=True)
    printing.print_line(console, ("ok", "green"), " \x1b[31m")
    assert file.getvalue() == "\x1b[32mok\x1b[0m \\x1b[31m\n"


@pytest.mark.parametrize("width", [20, 80])
def test_a_table_is_never_cut(width: int) -> None:
    names = ["train-" + "long-name-" * 50 + "1a2b3c4d", "b" * 300]
    console, file = printed(width=width)
    table = printing.wide_table("job", "progress")
    table.add_row(*names)
    printing.print_unwrapped(console, table)
    assert all(name in file.getvalue() for name in names)


def test_a_table_of_names_and_values_breaks_what_is_too_long() -> None:
    console, file = printed(width=40)
    table = printing.name_value_table()
    table.add_row("n" * 60, "v" * 60)
    console.print(table)
    text = file.getvalue()
    assert (text.count("n"), text.count("v"), text.count("…")) == (60, 60, 0)


def test_an_error_is_one_line_of_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    printing.print_error("lapwing", f"no such file: {'x' * 200}[/red]")
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"lapwing: no such file: {'x' * 200}[/red]\n")


def test_json_can_be_printed_whatever_a_file_is_called(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    document = {"path": "\udcff\x9b é"}
    printing.print_json(document)
    out, _ = capsysbinary.readouterr()
    assert out.isascii()
    assert json.loads(out) == document
