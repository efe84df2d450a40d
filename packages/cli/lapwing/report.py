"""The commands that ask how good a version is, and why."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from contract import jobs, publish
from contract.errors import SettingError
from contract.registry import Registry
from lapwing import show
from lapwing.follow import follow
from lapwing.local import AsJson
from lapwing.settings import read_settings

REPORT: Final = "report.html"
"""What a folder with a report has."""


def report(
    version: Annotated[int, typer.Argument(min=1, help="Of the model.")],
    out: Annotated[
        Path | None, typer.Option(help="Copy the report into this folder; an earlier one goes.")
    ] = None,
    wait: Annotated[
        bool | None,
        typer.Option("--wait/--no-wait", help="Follow the job; default at a terminal."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the report on a version: as one HTML file, Markdown and PDF."""
    settings, console = read_settings(), show.console(as_json)
    waits = (sys.stdout.isatty() or out is not None) if wait is None else wait
    if out is not None:
        _check(out, waits)
    Registry(settings.models).manifest(version)  # to be told at once, not by a job
    connection = settings.connect()
    queued = jobs.enqueue(jobs.REPORT, connection, str(version), {"version": version})
    if not waits:
        view = jobs.view(queued, connection)
        if as_json:
            show.document([dataclasses.asdict(view)])
        else:
            console.print(f"queued {queued}: `lapwing jobs` shows it", highlight=False)
        return
    result = follow(queued, connection, console)["report"]
    if out is not None:
        result = _copied(Registry(settings.models).path(version) / "report", out, result)
    if as_json:
        show.document({queued: {"report": result}})
    else:
        show.report(show.console(), result)


def _check(out: Path, waits: bool) -> None:
    if not waits:
        raise SettingError(
            "a report can be copied only when it is made",
            got="--out and --no-wait",
            remedy="Leave one of the two out",
        )
    if out.exists() and not (out / REPORT).exists() and (not out.is_dir() or any(out.iterdir())):
        raise SettingError(
            "--out has a value it cannot take", got=out,
            remedy="Name a folder that is new, empty, or holds an earlier report",
        )  # fmt: skip


def _copied(folder: Path, out: Path, result: dict[str, Any]) -> dict[str, Any]:
    """Copy a report; return the result with the copy's paths."""
    part = publish.temporary(out.absolute())
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(folder, part)
        if out.exists():
            shutil.rmtree(out)
        publish.rename(part, out.absolute())
    finally:
        shutil.rmtree(part, ignore_errors=True)
    named = {name: Path(str(result[name])).name for name in ("html", "markdown", "pdf")}
    paths = {name: str(out.absolute() / file) for name, file in named.items()}
    return {**result, **paths, "folder": str(out.absolute())}
