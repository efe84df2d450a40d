"""The job that evaluates a version: it drives, and all results are written beside it.

<version>/evaluations/<track>-<starts>x<laps>-seed<seed>/    evaluation.json, charts, videos
<version>/evaluations/replay/, openloop/                     replay.json, openloop.json, charts
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from contract.dataset import store_catalog
from contract.errors import SettingError
from contract.files import atomic_files, disk_space
from contract.jobs import queue
from contract.models.registry import Registry
from contract.policy import load_version
from contract.policy.answer import output_count
from contract.settings import load
from evaluator import tensorboard
from evaluator.closed_loop import perturbations, plots, rollouts, statistics
from evaluator.closed_loop.executors.choice import choose_executor
from evaluator.closed_loop.executors.policy_source import ModelFolder
from evaluator.closed_loop.perturbations import CLEAR
from evaluator.closed_loop.rollouts import Scenario
from evaluator.closed_loop.statistics import MEAN_SPEED, MEASURES
from evaluator.offline import held_out, log_replay_eval, stored_drive
from evaluator.offline.path_plot import draw_replay
from evaluator.settings import Settings
from simulator.track.catalog import load_track

log = logging.getLogger(__name__)

MAX_STARTS: Final = 200
MAX_LAPS: Final = 10.0
EVALUATION_BYTES: Final = 64 << 20
"""Bytes that an evaluation takes at most, of which its films are the larger part."""


def run(
    version: int,
    track: str = "lake",
    starts: int = 20,
    laps: float = 1.0,
    conditions: Sequence[str] = (CLEAR,),
    seed: int = 1,
    film: bool = True,
) -> dict[str, Any]:
    """Evaluate a version; RQ calls this in a process of its own.

    Args:
        version: version of the model.
        track: lake, jungle, random: and a seed, or a CSV file that this worker can read.
        starts: number of drives under each condition.
        laps: number of laps of each drive.
        conditions: texts that perturbations.parse reads; all have the same starts.
        seed: seed of the starts.
        film: whether the worst drive under each condition is repeated to make a video.

    Returns:
        What `lapwing evaluate` shows: the three documents, without the single drives.

    Raises:
        LapwingError: the version, the track or a condition cannot be used.
    """
    _, report = queue.current_job()
    settings = load(Settings, os.environ)
    if not (1 <= starts <= MAX_STARTS and 0 < laps <= MAX_LAPS and seed >= 0):
        raise SettingError(
            "the number of starts, laps or the seed is out of range",
            got=f"{starts} starts of {laps:g} laps, seed {seed}",
            remedy=f"Ask for 1 to {MAX_STARTS} starts, at most {MAX_LAPS:g} laps and a seed from 0",
        )
    with disk_space.writing(settings.model_dir, "the evaluation", EVALUATION_BYTES):
        return evaluate(
            settings, report, version, track, starts, laps, list(conditions), seed, film
        )


def evaluate(
    settings: Settings,
    report: queue.Report,
    version: int,
    track: str,
    starts: int,
    laps: float,
    words: list[str],
    seed: int,
    film: bool,
) -> dict[str, Any]:
    """Do the work of `run`."""
    registry, conditions = Registry(settings.model_dir), perturbations.parse(words)
    load_track(track)  # so that an error comes before the log replays
    sha256 = registry.verify(version).sha256
    recordings = _evaluate_recordings(settings, registry, version, report)
    scenarios = [Scenario(track, condition, laps, seed) for condition in conditions]
    report(phase="drive", version=version)
    drives = rollouts.run_rollouts(
        registry,
        version,
        scenarios,
        starts,
        choose_executor(settings, report),
        lambda done, total: report(drives=done, drives_total=total),
    )
    report(phase="draw")
    name = f"{scenarios[0].folder.parts[0]}-{starts}x{laps:g}-seed{seed}"
    final = rollouts.evaluations_folder(registry, version) / name
    with atomic_files.replace_folder(final) as folder:
        documents = [
            _publish_condition(registry, version, scenario, scenario_drives, folder, film)
            for scenario, scenario_drives in zip(scenarios, drives, strict=True)
        ]
        title = f"Version {version} on {track}: {starts} starts of {laps:g} laps, 95 % intervals"
        plots.draw_conditions(folder / "conditions.png", title, documents)
        document = {
            "version": version,
            "model_sha256": sha256,
            "track": track,
            "starts": starts,
            "laps": laps,
            "seed": seed,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "conditions": documents,
            "pictures": ["conditions.png"],
        }
        atomic_files.write_json(folder / "evaluation.json", document)
    tensorboard.log_evaluation(registry.root, name, document)
    brief = [
        {key: condition[key] for key in ("condition", "measures", "film")}
        for condition in documents
    ]
    return {
        "evaluation": {**document, "conditions": brief, "folder": str(final)},
        **recordings,
    }


def _publish_condition(
    registry: Registry,
    version: int,
    scenario: Scenario,
    drives: list[dict[str, Any]],
    folder: Path,
    film: bool,
) -> dict[str, Any]:
    """Draw the drives under one condition, film the worst, and return the condition's document."""
    name = scenario.condition.name
    learned = output_count(registry.manifest(version).config) == 2
    measures = (*MEASURES, MEAN_SPEED) if learned else MEASURES
    title = f"Version {version} on {scenario.track}, {name}"
    plots.draw_interventions(folder / f"{name}.png", load_track(scenario.track), title, drives)
    document: dict[str, Any] = {
        "condition": name,
        "measures": statistics.summarize(drives, measures),
        "drives": drives,
        "pictures": [f"{name}.png"],
        "film": None,
    }
    if film:
        worst = max(range(len(drives)), key=lambda number: _severity(drives[number]))
        kept = folder / ".film"
        source, track = ModelFolder(registry.root, version), load_track(scenario.track)
        rollouts.drive_once(source, track, scenario, worst, kept, film=True)
        for suffix in ("mp4", "png"):
            (kept / f"drive.{suffix}").rename(folder / f"{name}-worst.{suffix}")
        shutil.rmtree(kept)
        document["film"] = f"{name}-worst.mp4"
        document["pictures"].append(f"{name}-worst.png")
    return document


def _severity(drive: dict[str, Any]) -> tuple[int, float]:
    """Return a key by which the worst drive is the largest."""
    return len(drive["interventions"]), drive["metrics"]["lateral_max_m"] or 0.0


def _evaluate_recordings(
    settings: Settings, registry: Registry, version: int, report: queue.Report
) -> dict[str, Any]:
    """Replay and score the rows that the version was not trained on; write both documents."""
    root = rollouts.evaluations_folder(registry, version)
    manifest, steer = load_version.load(registry, version)
    note = log_replay_eval.stored_frames_note(manifest)
    replays: list[dict[str, Any]] = []
    scores: list[dict[str, Any]] = []
    with (
        atomic_files.replace_folder(root / "replay") as replay_folder,
        held_out.open_held_out(settings.data_dir, registry, version) as datasets,
    ):
        for number, rows in enumerate(datasets):
            report(phase="replay", version=version, drives=number, drives_total=len(datasets))
            drive = stored_drive.select_rows(rows.dataset, rows.reader, rows.rows)
            if drive is None:
                log.info("%s has no held-out rows in which the car is known to move", rows.dataset)
                continue
            document, results = log_replay_eval.evaluate_replays(drive, steer)
            picture = f"{rows.dataset}.png"
            draw_replay(replay_folder / picture, drive, results[0], f"version {version}")
            replays.append({**document, "held_out": rows.reason + note, "pictures": [picture]})
            open_loop = log_replay_eval.score_open_loop(drive, steer)
            scores.append({**open_loop, "leak": rows.reason + note})
        replay_document = {"version": version, "datasets": replays}
        atomic_files.write_json(replay_folder / "replay.json", replay_document)
    with atomic_files.replace_folder(root / "openloop") as folder:
        atomic_files.write_json(folder / "openloop.json", {"version": version, "datasets": scores})
    left_out = store_catalog.read_stores(settings.data_dir).unreadable
    return {"replay": replays, "openloop": scores, "left_out": left_out}
