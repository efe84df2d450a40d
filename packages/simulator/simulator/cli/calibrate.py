"""Estimates the pose of the cameras from recordings, and shows or keeps it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from contract import printing
from simulator.calibration.camera_fit import CameraFit, fit_camera
from simulator.calibration.moments import read_moments
from simulator.calibration.preset import write_preset
from simulator.cli.output import AsJson

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
    moments: Annotated[
        int, typer.Option(min=8, max=500, help="Maximum number of moments of each recording.")
    ] = 40,
    out: Annotated[
        Path | None,
        typer.Option("--out", readable=False, help="File to write, for record --camera."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Estimate from recordings how the cameras stand above the road.

    The images of three cameras at one moment tell height, pitch and roll. Each is printed with
    half of its 95 % interval.
    """
    found = [moment for source in recordings for moment in read_moments(source, moments)]
    fit = fit_camera(found)
    if out is not None:
        write_preset(out, fit.pose)
    if as_json:
        kept = {} if out is None else {"preset": str(out)}
        printing.print_json({**fit.document(), **kept})
    else:
        _print_fit(fit, out)


def _print_fit(fit: CameraFit, out: Path | None) -> None:
    table = printing.name_value_table()
    for name, (label, unit, digits) in LABELS.items():
        value, margin = getattr(fit.pose, name), fit.margins[name]
        table.add_row(label, f"{value:.{digits}f} {unit} ± {margin:.{digits}f}")
    table.add_row("moments", f"{fit.moments:,}")
    table.add_row("correlation of the aligned images", f"{fit.correlation:.2f}")
    if out is not None:
        table.add_row("saved", str(out))
    printing.message_console().print(table)
