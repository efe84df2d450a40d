"""Prints what the commands `rerun` and `score` measured, as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from evaluator.offline.log_replay import Rerun
from evaluator.offline.logged_drive import Recorded
from evaluator.offline.path_quality import Reference


def reruns(
    driver: str, found: Sequence[tuple[Recorded, Reference, Sequence[Rerun]]], kept: Sequence[Path]
) -> None:
    """Show drives along recordings, and what of the recordings speaks against them."""
    table = Table(box=None, title=driver, title_justify="left")
    for head in ("recording", "driven", "limit", "autonomy", "put back", "off the path, rms"):
        table.add_column(head, no_wrap=True)
    for road, _, drives in found:
        for each in drives:
            table.add_row(
                road.name,
                f"{each.elapsed_s:.0f} s",
                f"{each.limit_m:g} m",
                f"{each.autonomy_percent:.1f} %",
                f"{len(each.interventions)} times",
                f"{each.rmse_m:.2f} m",
            )
    to = Console(soft_wrap=True)
    to.print(table)
    for road, reference, _ in found:
        notes = [f"unfit as a reference: {reason}" for reason in reference.reasons]
        if road.cameras == 1:
            notes.append("of the centre camera alone: views from beside are warped further")
        if road.nominal:
            notes.append("its file names carry no time: rows count as 1/15 s apart")
        if road.left_out:
            notes.append(f"{road.left_out} lines were left out")
        for note in notes:
            to.print(f"{road.name}: {note}", highlight=False)
    for path in kept:
        to.print(f"kept {path}", highlight=False)


def scores(version: int, documents: Sequence[Mapping[str, Any]]) -> None:
    """Show a model's open-loop errors, beside its baselines'."""
    to = Console(soft_wrap=True)
    for each in documents:
        found = each["score"]
        table = Table(
            "",
            "MSE",
            "MAE",
            box=None,
            title_justify="left",
            title=f"{each['recording']}, {found['rows']:.0f} rows"
            f"{' that were held out' if each['held_out'] else ''}",
        )
        for label, mark in (
            (f"version {version}", ""),
            ("predict zero", "_zero"),
            ("hold last", "_hold"),
        ):
            table.add_row(label, f"{found['mse' + mark]:.4f}", f"{found[f'mae{mark}_deg']:.2f}°")
        to.print(table)
        names = ("skill", "correlation", "correlation_smoothed")
        skill, plain, smooth = (
            "–" if found[name] is None else f"{found[name]:.2f}" for name in names
        )
        lines = [
            f"skill {skill}, bias {found['bias_deg']:+.2f}°, correlation {plain}, with the "
            f"smoothed label {smooth}"
        ]
        lines += [
            f"recorded {part['from']:+.2f} to {part['to']:+.2f}, {part['rows']:.0f} rows: "
            f"MAE {part['mae_deg']:.1f}°, bias {part['bias_deg']:+.1f}°"
            for part in each["by_bin"]
        ]
        lines += [
            f"{part['camera']} camera: answered {part['correction']:+.3f} more than the centre"
            for part in each["by_camera"][1:]
        ]
        for line in (*lines, f"leak: {each['leak']['says']}"):
            to.print(f"  {line}", highlight=False)
