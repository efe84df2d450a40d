"""The command `report`: has a version's report written, and copies it to where it is wanted."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from contract import atomic_files
from contract.errors import SettingError
from contract.jobs import queue
from contract.models.registry import Registry
from lapwing.ask import ask
from lapwing.commands.local import AsJson
from lapwing.jobs.follow import Wait
from lapwing.output import tables
from lapwing.settings import read_settings

HTML: Final = "report.html"
"""What a folder with a report has."""


def report(
    version: Annotated[int, typer.Argument(min=1, help="Of the model.")],
    out: Annotated[
        Path | None, typer.Option(help="Copy the report into this folder; an earlier one goes.")
    ] = None,
    wait: Wait = None,
    as_json: AsJson = False,
) -> None:
    """Write the report on a version: as one HTML file, as Markdown and as PDF."""
    registry = Registry(read_settings().models)
    registry.manifest(version)  # said at once, where there is none
    if out is not None:
        wait = True if wait is None else wait
        _check(out, wait)
    result = ask(queue.REPORT, str(version), {"version": version}, wait, as_json)
    if result is None:
        return
    if out is not None:
        result = {"report": _copied(registry.path(version) / "report", out, result["report"])}
    if as_json:
        tables.document(result)
    else:
        tables.report(tables.console(), result["report"])


def _check(out: Path, wait: bool) -> None:
    if not wait:
        raise SettingError(
            "a report can be copied only when it is made",
            got="--out and --no-wait",
            remedy="Leave one of the two out",
        )
    if out.exists() and not (out / HTML).exists() and (not out.is_dir() or any(out.iterdir())):
        raise SettingError(
            "--out has a value it cannot take",
            got=out,
            remedy="Name a folder that is new, empty, or holds an earlier report",
        )


def _copied(folder: Path, out: Path, result: dict[str, Any]) -> dict[str, Any]:
    """Copy a report; return the result with the copy's paths."""
    with atomic_files.replace_folder(out.absolute()) as made:
        shutil.copytree(folder, made, dirs_exist_ok=True)
    paths = {
        name: str(out.absolute() / Path(str(result[name])).name)
        for name in ("html", "markdown", "pdf")
    }
    return {**result, **paths, "folder": str(out.absolute())}
