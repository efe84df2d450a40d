"""`lapwing explain`: has the trainer make the pictures of a version, and says where they are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from contract.jobs import queue
from lapwing.ask import ask
from lapwing.commands.local import AsJson
from lapwing.jobs import uploads
from lapwing.jobs.follow import Wait
from lapwing.output import tables
from lapwing.settings import read_settings

MAPS: Final = "-convolution-"
"""In the names of pictures of which there are too many to list."""


def explain(
    version: Annotated[int, typer.Argument(help="Of the model; `lapwing models` lists them.")],
    images: Annotated[
        list[Path] | None,
        typer.Argument(help="JPEGs or PNGs; default: frames that validated the version."),
    ] = None,
    wait: Wait = None,
    as_json: AsJson = False,
) -> None:
    """Draw what a version sees, where it looks, and where it errs."""
    settings = read_settings()
    settings.connect()  # said at once, before anything is copied, where it does not answer
    copied = bool(settings.inbox_dir)
    sources = uploads.images(images or [], settings.models, copied)
    arguments = {
        "version": version,
        "images": [str(each) for each in sources],
        "staged": copied,
    }
    result = ask(queue.EXPLAIN, str(version), arguments, wait, as_json)
    if result is None:
        return
    if as_json:
        tables.document(result)
    else:
        explained(tables.console(), result["explained"], copied)


def explained(to: Console, result: dict[str, Any], copied: bool) -> None:
    """Show what was found and drawn.

    Args:
        to: where.
        result: of the job.
        copied: whether the pictures are in a container, from which they are to be fetched.
    """
    table = Table(show_header=False, box=None)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("model version", str(result["version"]))
    for each in result["figures"]:
        if each["name"].startswith("validation"):
            unit = {"deg": "°", "1": "", "rows": ""}.get(each["unit"], f" {each['unit']}")
            digits = {"rows": ".0f", "deg": ".2f", "1": ".3f"}.get(each["unit"], ".4f")
            table.add_row(each["name"], f"{each['value']:{digits}}{unit}")
    for each in result["frames"]:
        table.add_row(each["name"], _steering(each))
    for worst in result["hardest"][:1]:
        where = f"{worst['dataset']}, {worst['time_s']:.1f} s: "
        table.add_row("hardest validation frame", where + _steering(worst))
    for each in result["missing"]:
        table.add_row("[yellow]missing[/]", each)
    for each in result["pictures"]:
        if MAPS not in each["file"]:
            table.add_row(each["file"], each["shows"])
    table.add_row(f"frame-N{MAPS}M.png", "the maps of each convolution for frame N")
    table.add_row("they are in", result["folder"])
    if copied:
        table.add_row("fetch them with", f"docker compose cp trainer:{result['folder']} .")
    to.print(table)


def _steering(frame: dict[str, Any]) -> str:
    said = f"network {frame['network_deg']:+.1f}°"
    return said + (f", driver {frame['driver_deg']:+.1f}°" if "driver_deg" in frame else "")
