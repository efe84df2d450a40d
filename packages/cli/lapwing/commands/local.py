"""The commands that concern this machine alone: `up`, `demo`, `logs` and those passed on."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from lapwing import programs
from lapwing.commands import demo as demonstration
from lapwing.output import tables, terminal
from lapwing.settings import read_settings
from lapwing.stack import stack

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]


def up(as_json: AsJson = False) -> None:
    """Run all services on this machine, without Docker, until Ctrl-C.

    With --json it prints one document once inference and the bridge answer: the folders, the
    addresses and the processes. The output of the services then goes to standard error.
    """
    settings = read_settings()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    lines = terminal.Terminal(tables.console(as_json))
    with stack.running(settings, lines.line) as supervisor:
        lines.line("lapwing", f"data, models and logs are in {settings.home.absolute()}")
        lines.line("lapwing", f"inference: {settings.inference}/docs")
        lines.line("lapwing", f"the simulator connects to port {settings.bridge_port}")
        lines.line("lapwing", "Ctrl-C stops everything")
        if as_json and stack.await_ports(settings, stop):
            tables.document(stack.summary(settings, supervisor))
        stop.wait()
        lines.line("lapwing", "stopping")


def demo(
    recording: Annotated[
        Path | None,
        typer.Argument(help="A recording: folder, zip or tar; default: record on lake."),
    ] = None,
    epochs: Annotated[int, typer.Option(help="At most.")] = 8,
    as_json: AsJson = False,
) -> None:
    """Record, import, train, publish, serve and drive: the whole chain, and one table.

    Without a recording the model drives a lap; exit 1 unless nobody had to help it.
    """
    options = {"epochs": epochs}
    figures = demonstration.run(read_settings(), recording, options, tables.console(as_json))
    if as_json:
        tables.document(figures)
    if not figures["drive"].get("success", True):
        raise typer.Exit(1)


PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def _run(program: programs.Program, name: str, words: list[str]) -> int:
    return programs.run(read_settings(), program, name, words)


def sim(context: typer.Context) -> None:
    """The simulator: record, drive, evaluate, gallery, replay; lapwing sim --help."""
    raise typer.Exit(
        programs.run(read_settings(), programs.SIMULATOR, "lapwing sim", context.args or ["--help"])
    )


def video(context: typer.Context) -> None:
    """Make an MP4 of a recording or a folder of JPEGs; lapwing video --help."""
    raise typer.Exit(
        programs.run(read_settings(), programs.SIMULATOR, "lapwing", ["video", *context.args])
    )


def doctor(context: typer.Context) -> None:
    """Say what is wrong with recordings, and what cures it; lapwing doctor --help."""
    raise typer.Exit(
        programs.run(read_settings(), programs.DOCTOR, "lapwing doctor", context.args or ["--help"])
    )


def rerun(context: typer.Context) -> None:
    """Drive along recordings again, closed loop without a simulator; lapwing rerun --help."""
    raise typer.Exit(
        programs.run(read_settings(), programs.OFFLINE, "lapwing", ["rerun", *context.args])
    )


def score(context: typer.Context) -> None:
    """Score a model on recordings, open loop, beside its baselines; lapwing score --help."""
    raise typer.Exit(
        programs.run(read_settings(), programs.OFFLINE, "lapwing", ["score", *context.args])
    )


def logs(
    services: Annotated[list[str] | None, typer.Argument(help="Default: all of them.")] = None,
    last: Annotated[int, typer.Option("--last", "-n", help="Lines of each.")] = 50,
    follow_up: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what the services printed under `lapwing up`."""
    folder, names = read_settings().logs, services or []
    lines = list(terminal.kept(folder, names, last))
    if as_json:
        tables.document([{"service": name, "line": text} for name, text in lines])
        return
    shown = terminal.Terminal(Console())
    for name, text in lines:
        shown.line(name, text)
    if follow_up:
        for name, text in terminal.followed(folder, names):
            shown.line(name, text)
