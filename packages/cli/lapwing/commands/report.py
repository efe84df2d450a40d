"""The command `report`: it has the report on a version written, and copies it on request."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from contract import printing
from contract.errors import SettingError
from contract.files import atomic_files, file_access
from contract.jobs import queue
from contract.models.registry import Registry
from lapwing.jobs.follow import run_job
from lapwing.options import AsJson, Version, Wait
from lapwing.output import tables
from lapwing.settings import read_home

HTML: Final = "report.html"
"""Name of a file that every folder with a report contains."""


def report(
    version: Version,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            readable=False,
            help="Folder to copy the report into. A report that is in it already is replaced.",
        ),
    ] = None,
    wait: Wait = None,
    as_json: AsJson = False,
) -> None:
    """Write the report on a version as HTML, Markdown and PDF."""
    registry = Registry(read_home().models)
    registry.manifest(version)  # An unknown version is refused here, before a job is queued.
    if out is not None:
        wait = True if wait is None else wait
        _check_target(out, wait)
    result = run_job(queue.REPORT, str(version), {"version": version}, wait, as_json)
    if result is None:
        return
    if out is not None:
        result = {"report": _copy_report(registry.path(version) / "report", out, result["report"])}
    if as_json:
        printing.print_json(result)
    else:
        tables.print_report(printing.message_console(), result["report"])


def _check_target(out: Path, wait: bool) -> None:
    """Raise an error unless a report can be copied to `out`: now, not when the job has ended.

    Raises:
        SettingError: there is something else, or the command is not to wait for the report.
        FileAccessError: this user may not write there.
    """
    if not wait:
        raise SettingError(
            "a report can be copied only after it is made",
            got="--out and --no-wait",
            remedy="Leave out one of the two options",
        )
    with file_access.explain_denied(to_write=True):
        if not _takes_a_report(out):
            raise SettingError(
                "--out has a value it cannot take",
                got=out,
                remedy="Name a folder that is new, is empty or holds an earlier report",
            )
        with atomic_files.staging_folder(out.absolute()):
            pass  # It can be made there, and is removed again.


def _takes_a_report(out: Path) -> bool:
    """Tell whether nothing else would be lost if a report were put there."""
    if not out.exists() or (out / HTML).exists():
        return True
    return out.is_dir() and atomic_files.is_empty(out)


def _copy_report(folder: Path, out: Path, result: dict[str, Any]) -> dict[str, Any]:
    """Copy a report, and return the job's result with the paths of the copy."""
    with atomic_files.replace_folder(out.absolute()) as new_folder:
        shutil.copytree(folder, new_folder, dirs_exist_ok=True)
    paths = {
        name: str(out.absolute() / Path(str(result[name])).name)
        for name in ("html", "markdown", "pdf")
    }
    return {**result, **paths, "folder": str(out.absolute())}
