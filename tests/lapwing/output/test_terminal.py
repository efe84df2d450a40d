import io
import threading
from pathlib import Path

import pytest

from contract.errors import ServiceError
from contract.printing import TextConsole
from lapwing.output import terminal


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    (tmp_path / "ingest.log").write_text("one\ntwo\nthree\n")
    (tmp_path / "trainer.log").write_text("four\n")
    return tmp_path


def test_a_line_begins_with_the_name_of_its_service() -> None:
    out = io.StringIO()
    screen = terminal.Terminal(TextConsole(file=out, width=40))
    screen.print_line("ingest", "a [bold]line[/bold] of any length" * 3)
    assert out.getvalue().startswith("ingest        │ a [bold]line[/bold] of")
    assert out.getvalue().count("\n") == 1


def test_the_last_lines_of_each_service_are_returned(logs: Path) -> None:
    assert list(terminal.last_lines(logs, [], 2)) == [
        ("ingest", "two"),
        ("ingest", "three"),
        ("trainer", "four"),
    ]


def test_a_service_can_be_chosen(logs: Path) -> None:
    assert list(terminal.last_lines(logs, ["trainer"], 50)) == [("trainer", "four")]


def test_a_service_without_a_log_is_reported(logs: Path) -> None:
    with pytest.raises(ServiceError, match="there are no logs of redis"):
        list(terminal.last_lines(logs, ["redis"], 50))


def test_new_lines_are_returned_as_they_are_printed(logs: Path) -> None:
    def write() -> None:
        with (logs / "ingest.log").open("a") as file:
            file.write("new\n")

    timer = threading.Timer(0.2, write)
    timer.start()
    assert next(terminal.new_lines(logs, ["ingest"])) == ("ingest", "new")
    timer.join()


def test_a_service_may_colour_its_lines_and_do_nothing_else_to_the_terminal() -> None:
    out = io.StringIO()
    screen = terminal.Terminal(TextConsole(file=out, width=200, force_terminal=True))
    screen.print_line("ingest", "\x1b[31mred\x1b[0m \x1b[2J \x1bc \x1b]0;title\x07 \u202e")
    label, _, shown = out.getvalue().partition("│ ")
    assert label.startswith("\x1b[32mingest")
    assert "\x1b[31mred\x1b[0m" in shown
    assert shown.replace("\x1b[31m", "").replace("\x1b[0m", "") == (
        "red \\x1b[2J \\x1bc \\x1b]0;title\\x07 \\u202e\n"
    )
