"""Drives a track many times over a bridge, from different starts, and summarizes the drives."""

from __future__ import annotations

from pathlib import Path

from contract import printing
from contract.files import atomic_files
from contract.printing import TextConsole
from simulator.episode.episode import EpisodeConfig, run_episode
from simulator.episode.initial_state import draw_initial_states
from simulator.episode.result import EvaluationResult
from simulator.track.geometry import Track
from simulator.unity.connection import UnityConnection
from simulator.unity.number_format import LOCALES


def drive_many(
    track: Track,
    count: int,
    seed: int,
    offset_m: float,
    lights: tuple[str, ...],
    config: EpisodeConfig,
    bridge: str,
    folder: Path | None,
    console: TextConsole,
) -> EvaluationResult:
    """Drive several times over a bridge, with a new connection for each drive.

    Args:
        track: Track to drive.
        count: Number of drives.
        seed: Seed of their initial states.
        offset_m: Largest offset of a start from the driving line.
        lights: Names of the lights to use.
        config: Settings of each drive.
        bridge: Address of the bridge.
        folder: Folder for `evaluation.json` and a folder for each drive; None writes nothing.
        console: TextConsole that shows each drive's result as soon as it is known.

    Raises:
        ServiceError: The bridge is gone or does not answer.
    """
    episodes = []
    starts = draw_initial_states(track, count, seed, offset_m, lights)
    for number, start in enumerate(starts, 1):
        episode_folder = None if folder is None else folder / f"{number:02}"
        connection = UnityConnection(bridge, LOCALES["en-US"])
        try:
            episode = run_episode(track, start, config, connection, episode_folder)
        finally:
            connection.close()
        episodes.append(episode)
        mark = ("ok", "green") if episode.success else ("failed", "red")
        printing.print_line(
            console,
            f"{number:3} ",
            mark,
            f" {episode.conditions}: {len(episode.interventions)} interventions, "
            f"lateral {episode.metrics.lateral_mae_m or 0:.2f} m mean, "
            f"{episode.metrics.lateral_max_m or 0:.2f} m at most",
        )
    result = EvaluationResult(tuple(episodes))
    if folder is not None:
        atomic_files.write_json(folder / "evaluation.json", result.document())
    return result
