"""The command `explain`: it has the figures and images made that explain a model version."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from contract import printing
from contract.jobs import queue
from contract.printing import TextConsole
from lapwing.jobs import uploads
from lapwing.jobs.follow import await_job
from lapwing.options import AsJson, Version, Wait
from lapwing.settings import read_settings

FEATURE_MAPS: Final = "-convolution-"
"""Part of the file names of the feature maps, which are too many to list."""


def explain(
    version: Version,
    images: Annotated[
        list[Path] | None,
        typer.Argument(
            readable=False,
            help="JPEG or PNG files to explain. By default, frames are taken from the rows "
            "that validated the version.",
        ),
    ] = None,
    wait: Wait = None,
    as_json: AsJson = False,
) -> None:
    """Draw what a model version sees, and where it errs.

    The images show the feature maps of each layer, the parts of a frame that decide the
    steering, and the frames with the largest errors.
    """
    settings = read_settings()
    connection = settings.connect()  # Without Redis it fails here, before it copies anything.
    copied = bool(settings.inbox_dir)
    with ExitStack() as held:
        sources = uploads.stage_images(images or [], settings.models, copied, held)
        arguments = {
            "version": version,
            "images": [str(source) for source in sources],
            "staged": copied,
        }
        job_id = queue.enqueue(queue.EXPLAIN, connection, str(version), arguments)
    result = await_job(job_id, connection, wait, as_json)
    if result is None:
        return
    if as_json:
        printing.print_json(result)
    else:
        print_explanation(printing.message_console(), result["explained"], copied)


def print_explanation(console: TextConsole, result: dict[str, Any], copied: bool) -> None:
    """Print the figures of an explanation, and where its images are.

    Args:
        console: receives the table.
        result: result of the job, from its key "explained".
        copied: tells that the images lie in a container, from which the user has to fetch them.
    """
    table = printing.name_value_table()
    table.add_row("model version", str(result["version"]))
    for figure in result["figures"]:
        if figure["name"].startswith("validation"):
            unit = {"deg": "°", "1": "", "rows": ""}.get(figure["unit"], f" {figure['unit']}")
            digits = {"rows": ".0f", "deg": ".2f", "1": ".3f"}.get(figure["unit"], ".4f")
            table.add_row(figure["name"], f"{figure['value']:{digits}}{unit}")
    for frame in result["frames"]:
        table.add_row(frame["name"], _format_steering(frame))
    for frame in result["hardest"][:1]:
        where = f"{frame['dataset']}, {frame['time_s']:.1f} s: "
        table.add_row("hardest validation frame", where + _format_steering(frame))
    for reason in result["missing"]:
        table.add_row(printing.styled(("missing", "yellow")), reason)
    for image in result["pictures"]:
        if FEATURE_MAPS not in image["file"]:
            table.add_row(image["file"], image["shows"])
    table.add_row(f"frame-N{FEATURE_MAPS}M.png", "the feature maps of convolution M for frame N")
    table.add_row("folder", result["folder"])
    if copied:
        table.add_row("command to fetch it", f"docker compose cp trainer:{result['folder']} .")
    console.print(table)


def _format_steering(frame: dict[str, Any]) -> str:
    text = f"network {frame['network_deg']:+.1f}°"
    return text + (f", driver {frame['driver_deg']:+.1f}°" if "driver_deg" in frame else "")
