"""Prints text, tables, progress and JSON on the terminal, exactly as they are.

What programs print holds names that strangers chose: of files, of columns, of datasets. Rich would
read "[red]" in them as a colour, "[/x]" as an error and ":x:" as a picture. Nothing is read here:
colours are given beside the text, and characters that would steer the terminal are written as
escapes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from contract.printable import printable

__all__ = [
    "TextConsole",
    "message_console",
    "name_value_table",
    "print_error",
    "print_json",
    "print_line",
    "print_unwrapped",
    "progress_bar",
    "styled",
    "wide_table",
]

LINE_BREAKS: Final = "\n\t"
UNLIMITED: Final = 1_000_000
"""More characters than any line has."""


class TextConsole(Console):
    """A console that prints text without looking for markup, emoji codes or words to highlight."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - those of Console
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401
        """Return a text as Rich prints it; all strings and cells of tables come through here."""
        return super().render_str(printable(text, LINE_BREAKS), **options)


def message_console(as_json: bool = False) -> TextConsole:
    """Return the console for messages: standard error if a JSON document goes to the output."""
    return TextConsole(stderr=as_json)


def styled(*parts: str | tuple[str, str]) -> Text:
    """Join texts; each is a string, or a string with its style such as ("failed", "red")."""
    pairs = ((part, "") if isinstance(part, str) else part for part in parts)
    return Text.assemble(*((printable(text, LINE_BREAKS), style) for text, style in pairs))


def print_line(console: Console, *parts: str | tuple[str, str]) -> None:
    """Print the parts of `styled` as one line, which a narrow terminal breaks."""
    console.print(styled(*parts), soft_wrap=True)


def print_error(program: str, error: object) -> None:
    """Print an error as one line on standard error, after the name of the program in red."""
    print_line(TextConsole(stderr=True), (f"{program}:", "red"), f" {error}")


def print_json(value: object) -> None:
    """Print one JSON document to standard output, without colour and without line breaks added."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
    sys.stdout.flush()  # `lapwing up --json` goes on running.


def wide_table(*headings: str, **options: Any) -> Table:  # noqa: ANN401 - those of Table
    """Return an empty table for `print_unwrapped`, or for a live display of one line a row."""
    table = Table(box=None, **options)
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    return table


def print_unwrapped(console: Console, table: Table) -> None:
    """Print a table in full width. A narrow terminal breaks its lines, and loses none of them."""
    wide = TextConsole(file=console.file, width=UNLIMITED, force_terminal=console.is_terminal)
    wide.width = Measurement.get(wide, wide.options, table).maximum
    wide.print(table)


def name_value_table() -> Table:
    """Return an empty table of two columns, names and values, without headings and lines.

    Both columns break what is too long for the terminal, and cut nothing off.
    """
    table = Table(show_header=False, box=None)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    return table


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[float], None]]:
    """Show a progress bar on standard error, and yield the function that sets its share, 0..1.

    Nothing is shown where standard error is no terminal.
    """
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(compact=True),
    )
    shown = TextConsole(stderr=True)
    with Progress(*columns, console=shown, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(printable(label), total=1.0)
        yield lambda share: bar.update(task, completed=share)
