"""Estimates the pose of the cameras and the colours of a world from recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from contract import printing
from simulator.calibration.camera_fit import CameraFit, fit_camera
from simulator.calibration.colour_fit import ColourFit, fit_colours
from simulator.calibration.moments import read_moments
from simulator.calibration.preset import write_preset
from simulator.cli.output import AsJson
from simulator.cli.shared import TrackName
from simulator.track.catalog import load_track

LABELS: Final = {
    "height_m": ("height above the road", "m", 3),
    "pitch_down_deg": ("pitch below the road", "°", 2),
    "roll_counterclockwise_deg": ("roll, counterclockwise", "°", 2),
}


def calibrate(
    recordings: Annotated[
        list[Path],
        typer.Argument(
            readable=False, help="Recordings of three cameras: folders, zip files or tar files."
        ),
    ],
    track: TrackName = "lake",
    moments: Annotated[
        int, typer.Option(min=8, max=500, help="Maximum number of moments of each recording.")
    ] = 40,
    out: Annotated[
        Path | None,
        typer.Option("--out", readable=False, help="File to write, for record --preset."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Estimate from recordings how the cameras stand, and the colours of the world.

    The images of three cameras at one moment tell height, pitch and roll. Colours are factors of
    those of the simulator's own world around the track, which should be the recordings' or be like
    it. Each figure is printed with half of its 95 % interval.
    """
    road = load_track(track)
    found = [moment for source in recordings for moment in read_moments(source, moments)]
    camera = fit_camera(found)
    colours = fit_colours(found, camera.pose, road)
    if out is not None:
        write_preset(out, colours.preset)
    if as_json:
        kept = {} if out is None else {"preset": str(out)}
        printing.print_json({**camera.document(), "regions": colours.document(), **kept})
    else:
        _print_fit(camera, colours, out)


def _print_fit(camera: CameraFit, colours: ColourFit, out: Path | None) -> None:
    table = printing.name_value_table()
    for name, (label, unit, digits) in LABELS.items():
        value, margin = getattr(camera.pose, name), camera.margins[name]
        table.add_row(label, f"{value:.{digits}f} {unit} ± {margin:.{digits}f}")
    table.add_row("moments", f"{camera.moments:,}")
    table.add_row("correlation of the aligned images", f"{camera.correlation:.2f}")
    for name, region in colours.regions.items():
        factors = (
            f"{value:.2f} ± {margin:.2f}"
            for value, margin in zip(region.colour, region.colour_margins, strict=True)
        )
        table.add_row(f"{name}: red, green, blue times", ", ".join(factors))
    road = colours.regions["road"]
    table.add_row("road: contrast times", f"{road.contrast:.2f} ± {road.contrast_margin:.2f}")
    if out is not None:
        table.add_row("saved", str(out))
    printing.message_console().print(table)
