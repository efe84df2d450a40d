"""Drives from many starts, one after the other, and adds up what came of them."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from contract import atomic_files
from simulator.episode.episode import Terms, run
from simulator.episode.initial_state import starts
from simulator.episode.result import Evaluation
from simulator.track.geometry import Track
from simulator.unity.connection import Wire
from simulator.unity.number_format import LOCALES


def evaluate(
    track: Track,
    count: int,
    seed: int,
    offset_m: float,
    lights: tuple[str, ...],
    terms: Terms,
    bridge: str,
    folder: Path | None,
    console: Console,
) -> Evaluation:
    """Drive `count` times over a bridge; each drive is a connection of its own.

    Args:
        track: the road.
        count: of drives.
        seed: of their starts.
        offset_m: at most, of a start from the line that people drive.
        lights: that take turns.
        terms: of each drive.
        bridge: its address.
        folder: for `evaluation.json`, and a folder a drive; None keeps nothing.
        console: is told each drive's result at once.

    Raises:
        ServiceError: the bridge is gone or does not answer.
    """
    outcomes = []
    for number, start in enumerate(starts(track, count, seed, offset_m, lights), 1):
        kept = None if folder is None else folder / f"{number:02}"
        wire = Wire(bridge, LOCALES["en-US"])
        try:
            outcomes.append(run(track, start, terms, wire, kept))
        finally:
            wire.close()
        last = outcomes[-1]
        mark = "[green]ok[/]" if last.success else "[red]failed[/]"
        console.print(
            f"{number:3} {mark} {last.conditions}: {len(last.interventions)} interventions, "
            f"lateral {last.metrics.lateral_mae_m or 0:.2f} m mean, "
            f"{last.metrics.lateral_max_m or 0:.2f} m at most",
            highlight=False,
            soft_wrap=True,
        )
    result = Evaluation(tuple(outcomes))
    if folder is not None:
        atomic_files.write_json(folder / "evaluation.json", result.document())
    return result
