import contextlib
import io
import json
import os
import pty
import subprocess
import sys

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


def test_numbers_and_paths_have_no_colour_of_their_own() -> None:
    console, file = printed(force_terminal=True)
    console.print("12 True /a/path 'text'")
    assert file.getvalue() == "12 True /a/path 'text'\n"


def test_messages_go_to_standard_error_only_beside_a_document() -> None:
    assert not printing.message_console().stderr
    assert printing.message_console(as_json=True).stderr


@pytest.mark.parametrize("width", [20, 80])
def test_a_table_is_never_cut(width: int) -> None:
    names = ["train-" + "long-name-" * 50 + "1a2b3c4d", "b" * 300]
    console, file = printed(width=width)
    table = printing.wide_table("job", "progress")
    table.add_row(*names)
    printing.print_unwrapped(console, table)
    assert all(name in file.getvalue() for name in names)


def test_a_live_display_has_one_line_for_each_row() -> None:
    """It prints the table itself, which a narrow terminal cuts off."""
    console, file = printed(width=20)
    table = printing.wide_table("driven by", "left  steering  right")
    table.add_row("a model of today", "- - - - - | - - - - -")
    console.print(table)
    assert len(file.getvalue().splitlines()) == 2


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
    assert out.count(b"\n") == 3  # each value has a line
    assert b'\n  "path"' in out
    assert json.loads(out) == document


def test_a_document_is_handed_on_before_the_program_ends() -> None:
    received = io.BytesIO()
    with contextlib.redirect_stdout(io.TextIOWrapper(received)) as output:
        printing.print_json([1])
        assert json.loads(received.getvalue()) == [1]
    output.detach()


PROGRESS = """
from contract.printing import progress_bar
with progress_bar("[red]lake[/red]") as set_share:
    set_share(0.25)
"""


def test_a_terminal_is_shown_the_share_that_is_done() -> None:
    """The program's standard error is a terminal, which this test reads."""
    reading, terminal = pty.openpty()
    try:
        environ = {**os.environ, "COLUMNS": "120", "TERM": "xterm"}
        subprocess.run([sys.executable, "-c", PROGRESS], stderr=terminal, env=environ, check=True)
        shown = os.read(reading, 1 << 16).decode()
    finally:
        os.close(terminal)
        os.close(reading)
    assert "[red]lake[/red]" in shown
    assert " 25%" in shown
    assert "50%" not in shown


def test_no_progress_is_shown_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with printing.progress_bar("lake") as set_share:
        set_share(0.25)
    assert capsys.readouterr() == ("", "")
