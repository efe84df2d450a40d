"""What the demonstration prints at its end: whether the model drives, and what to do next.

Hashes are not shown. `lapwing demo --json` has them, and so has the report on the version.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any, Final

from contract import printing
from contract.printing import TextConsole
from lapwing.output import tables

Rows = list[tuple[str, str | tuple[str, str]]]
"""Names and values; a value with a colour is a pair."""

NAME_CHARS: Final = 29
"""Width of the column of names."""
MORE_EPOCHS: Final = 12
"""Number of epochs that is proposed where the car had to be put back on the road."""
UNDEFINED: Final = "–"


def print_demo(console: TextConsole, figures: dict[str, Any], program: str) -> None:
    """Print one table: first what a person wants to know, then the figures behind it.

    No value is broken, so that paths and commands can be copied from a narrow terminal and found
    in a file.

    Args:
        console: the console.
        figures: what `lapwing demo --json` prints.
        program: how a person starts the command line here.
    """
    drive = figures["drive"]
    answers = _replay_rows(figures) if "answered" in drive else _drive_rows(figures)
    for rows in (answers, _next_rows(figures, program), _figure_rows(figures)):
        console.print()
        for name, value in rows:
            printing.print_line(console, f"{name:<{NAME_CHARS}}", value)


def _drive_rows(figures: dict[str, Any]) -> Rows:
    drive = figures["drive"]
    metrics = drive["metrics"]
    mean, largest = (_value(metrics[f"lateral_{name}_m"], ".2f", " m") for name in ("mae", "max"))
    off_road = metrics["off_road_share"]
    off_road_percent = _value(None if off_road is None else 100 * off_road, ".1f", " %")
    laps = "lap" if drive["laps"] == 1 else "laps"
    rows: Rows = [
        ("Did it drive?", _verdict(drive)),
        (
            "laps",
            f"{drive['laps_done']} of {drive['laps']:g} {laps} of {drive['track']}, "
            f"{drive['distance_m']:,.0f} m in {drive['elapsed_s']:.0f} s",
        ),
        ("interventions", f"{len(drive['interventions'])}"),
        ("distance from the line", f"{mean} on average, {largest} at most"),
        ("with a wheel off the road", f"{off_road_percent} of the time"),
    ]
    titles = {".mp4": "film", ".png": "map of the drive", ".json": "figures of the drive"}
    rows += [(titles[Path(path).suffix], _short_path(Path(path))) for path in figures["report"]]
    return rows


def _verdict(drive: dict[str, Any]) -> tuple[str, str]:
    """Return in a sentence, with its colour, whether the car drove by itself."""
    if drive["success"]:
        return "Yes, by itself.", "green"
    count = len(drive["interventions"])
    times = "once" if count == 1 else f"{count} times"
    what = f"it was put back on the road {times}" if count else "it did not finish in time"
    return f"No: {what}.", "red"


def _replay_rows(figures: dict[str, Any]) -> Rows:
    drive, metrics = figures["drive"], figures["training"]["metrics"]
    answered = drive["answered"] + drive["folded"]
    complete = answered == drive["telemetries"]
    learned = metrics["validation_mse"] < min(
        metrics["validation_mse_zero"], metrics["validation_mse_hold"]
    )
    return [
        (
            "Did it answer?",
            ("Yes, every frame.", "green") if complete else ("Not every frame.", "red"),
        ),
        (
            "Did it learn?",
            ("Yes: it errs less than drivers that do not look.", "green")
            if learned
            else ("No: a driver that does not look errs as little.", "yellow"),
        ),
        ("frames answered", f"{answered:,} of {drive['telemetries']:,}"),
        ("MSE of the model", f"{metrics['validation_mse']:.4f}"),
        ("MSE: predict-zero, hold-last", tables.format_baseline_mse(metrics)),
    ]


def _next_rows(figures: dict[str, Any], program: str) -> Rows:
    """Return the commands that lead on from the demonstration."""
    home = shlex.quote(_short_path(Path(figures["home"])))
    rows: Rows = [
        ("next: Udacity's simulator", f"LAPWING_HOME={home} {program} up"),
        ("next: learn from your laps", f"{program} demo path/to/recording"),
    ]
    if figures["drive"].get("success", True):
        return rows
    return [("next: train for longer", f"{program} demo --epochs {MORE_EPOCHS}"), *rows]


def _figure_rows(figures: dict[str, Any]) -> Rows:
    imports, training = figures["imports"], figures["training"]
    drive, metrics = figures["drive"], training["metrics"]
    wire = drive.get("wire", drive)
    accepted, rejected = (sum(result[name] for result in imports) for name in ("rows", "rejected"))
    seconds = [f"{name} {value:.0f}" for name, value in figures["seconds"].items()]
    rows: Rows = [
        (
            "model version",
            f"{figures['model']['version']}"
            + (
                ""
                if training["version"] == figures["model"]["version"]
                else f"; the gate refused the new version {training['version']}"
            ),
        ),
        ("rows imported / rejected", f"{accepted:,} / {rejected:,}"),
        (
            "rows that train / validate",
            f"{metrics['train_rows']:,.0f} / {metrics['validation_rows']:,.0f}",
        ),
        ("samples in an epoch", f"{metrics['train_samples']:,.0f}"),
        ("epochs", f"{metrics['epochs']:.0f}, best {metrics['best_epoch']:.0f}"),
        ("MSE: training / validation", tables.format_model_mse(metrics)),
    ]
    if "wire" in drive:
        rows.append(("MSE: predict-zero, hold-last", tables.format_baseline_mse(metrics)))
    return [
        *rows,
        ("correlation with the driver", tables.format_correlation(metrics)),
        ("round trip p50 / p99", f"{wire['p50_ms']:.1f} / {wire['p99_ms']:.1f} ms"),
        ("seconds", ", ".join(seconds)),
    ]


def _value(value: float | None, form: str, unit: str) -> str:
    return UNDEFINED if value is None else f"{value:{form}}{unit}"


def _short_path(path: Path) -> str:
    """Return a path as a person types it here: from the folder of this process, if it is inside."""
    path = path.absolute()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
