"""The commands for this machine: `up`, `logs`, and those that other packages carry out."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer

from contract import printing
from lapwing import programs
from lapwing.options import AsJson
from lapwing.output import terminal
from lapwing.settings import read_home, read_settings
from lapwing.stack import processes, stack
from lapwing.stack.supervisor import PrintedLines

PASS_ON: Final[dict[str, Any]] = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}
"""Context settings of a command whose options another program reads, `--help` included."""


def up(as_json: AsJson = False) -> None:
    """Run all services on this machine without Docker.

    Ctrl-C stops them. With --json, the command prints one document once inference and the bridge
    answer: the folders, the addresses and the processes. The output of the services then goes to
    standard error.
    """
    settings = read_settings()
    processes.require_installed("docker compose up -d")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    print_line = terminal.Terminal(printing.message_console(as_json)).print_line
    own_lines = PrintedLines("lapwing", print_line)
    with stack.run_services(settings, print_line) as supervisor:
        own_lines.print(f"data, models and logs are in {settings.home.absolute()}")
        own_lines.print(f"inference: {settings.inference}/docs")
        own_lines.print(f"the simulator connects to port {settings.bridge_port}")
        own_lines.print("Ctrl-C stops all services")
        if as_json and stack.await_ports(settings, stop):
            printing.print_json(stack.describe_services(settings, supervisor))
        stop.wait()
        own_lines.print("stopping all services")


def logs(
    services: Annotated[
        list[str] | None,
        typer.Argument(help="Names of services, such as trainer. By default, all are shown."),
    ] = None,
    last: Annotated[
        int, typer.Option("--last", "-n", help="Number of lines to show for each service.")
    ] = 50,
    follow: Annotated[
        bool,
        typer.Option("--follow", "-f", help="Go on to show new lines until Ctrl-C."),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print one JSON document instead of text. With --follow, each line is a JSON "
            "document.",
        ),
    ] = False,
) -> None:
    """Show what the services printed under `lapwing up`."""
    folder, names = read_home().logs, services or []
    lines = list(terminal.last_lines(folder, names, last))
    if as_json and not follow:
        printing.print_json([{"service": name, "line": text} for name, text in lines])
        return
    print_line = (
        _print_line_as_json if as_json else terminal.Terminal(printing.message_console()).print_line
    )
    for name, text in lines:
        print_line(name, text)
    if follow:
        for name, text in terminal.new_lines(folder, names):
            print_line(name, text)


def _print_line_as_json(name: str, text: str) -> None:
    sys.stdout.write(json.dumps({"service": name, "line": text}) + "\n")
    sys.stdout.flush()


def sim(context: typer.Context) -> None:
    """Run the simulator: record demonstrations, drive and replay."""
    _pass_on(programs.SIMULATOR, "lapwing sim", context.args or ["--help"])


def video(context: typer.Context) -> None:
    """Make a video of a recording or of a folder of images."""
    _pass_on(programs.VIDEO, "lapwing video", context.args)


def doctor(context: typer.Context) -> None:
    """Find the faults of recordings, and say how to cure them."""
    _pass_on(programs.DOCTOR, "lapwing doctor", context.args)


def rerun(context: typer.Context) -> None:
    """Drive along recordings again, without a simulator."""
    _pass_on(programs.OFFLINE, "lapwing", ["rerun", *context.args])


def score(context: typer.Context) -> None:
    """Compare a model's steering with the recorded steering."""
    _pass_on(programs.OFFLINE, "lapwing", ["score", *context.args])


def export(context: typer.Context) -> None:
    """Write a version as ONNX, or a recording for LeRobot."""
    _pass_on(programs.EXPORT, "lapwing export", context.args or ["--help"])


def _pass_on(program: programs.Program, name: str, arguments: Sequence[str]) -> None:
    """Run another program in the place of this command, and end with its exit status."""
    settings = read_settings()
    raise typer.Exit(programs.run_in_foreground(settings, program, name, arguments))
