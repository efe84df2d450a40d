"""Shows a track in every light on one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contract import printing
from contract.errors import SettingError
from simulator.cli.output import AsJson
from simulator.cli.shared import Seed, TrackName
from simulator.track.catalog import load_track
from simulator.viz.contact_sheet import draw_contact_sheet, write_png


def gallery(
    track: TrackName = "lake",
    beside: Annotated[
        list[Path] | None,
        typer.Option(
            "--beside",
            readable=False,
            help="Folder of a recording to show for comparison. The option can be repeated.",
        ),
    ] = None,
    seed: Seed = 1,
    out: Annotated[Path, typer.Option("--out", readable=False, help="File to write, .png.")] = Path(
        "gallery.png"
    ),
    as_json: AsJson = False,
) -> None:
    """Show a track in every light on one picture.

    The picture can also show frames of recordings for comparison.
    """
    if out.suffix != ".png":
        raise SettingError(
            "the name of the picture must end in .png",
            got=out,
            remedy="Name it so, for example --out gallery.png",
        )
    sheet = draw_contact_sheet(load_track(track), seed, beside or [])
    out.parent.mkdir(parents=True, exist_ok=True)
    write_png(out, sheet)
    if as_json:
        printing.print_json({"gallery": str(out)})
    else:
        text = f"{out}: {sheet.shape[1]} x {sheet.shape[0]} pixels"
        printing.print_line(printing.message_console(), text)
