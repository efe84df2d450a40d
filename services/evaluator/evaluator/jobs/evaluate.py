"""The evaluation job: a version drives, and everything that was measured lies with it.

<version>/evaluations/<track>-<starts>x<laps>-seed<seed>/    evaluation.json, charts, films
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

from contract import atomic_files
from contract.errors import SettingError
from contract.jobs import queue
from contract.models.registry import Registry
from contract.policy import load_version
from contract.settings import load
from evaluator import tensorboard
from evaluator.closed_loop import perturbations as conditions
from evaluator.closed_loop import plots, rollouts, statistics
from evaluator.closed_loop.perturbations import CLEAR, Condition
from evaluator.closed_loop.rollouts import Course
from evaluator.offline import held_out, log_replay_eval, stored_drive
from evaluator.offline.rerun_command import chart
from evaluator.settings import Settings
from simulator.track.catalog import load_track
from simulator.viz.track_plot import write_png

log = logging.getLogger(__name__)

MOST_STARTS: Final = 200
MOST_LAPS: Final = 10.0


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
        version: of the model.
        track: lake, jungle, or a CSV file that this worker sees.
        starts: drives under each condition.
        laps: of each drive.
        conditions: as conditions.py reads them; the same starts under each.
        seed: of the starts.
        film: whether the worst drive under each condition is driven once more, for a film.

    Returns:
        What `lapwing evaluate` shows: the documents of all three, without the single drives.

    Raises:
        LapwingError: the version, the track or a condition is at fault.
    """
    _, report = queue.current_job()
    settings = load(Settings, os.environ)
    if not (1 <= starts <= MOST_STARTS and 0 < laps <= MOST_LAPS and seed >= 0):
        raise SettingError(
            "so many drives cannot be made",
            got=f"{starts} starts of {laps:g} laps, seed {seed}",
            remedy=f"At most {MOST_STARTS} of {MOST_LAPS:g}, and a seed from 0",
        )
    return evaluate(settings, report, version, track, starts, laps, list(conditions), seed, film)


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
    registry, chosen = Registry(settings.model_dir), conditions.parse(words)
    load_track(track)  # refused before the recordings are driven along
    sha256 = registry.verify(version).sha256
    recorded = _recordings(settings, registry, version, report)
    courses = [Course(track, each, laps, seed) for each in chosen]
    report(phase="drive", version=version)
    driven = rollouts.drives(
        registry,
        version,
        courses,
        starts,
        settings.drivers,
        lambda done, total: report(drives=done, drives_total=total),
    )
    report(phase="draw")
    name = f"{courses[0].folder.parts[0]}-{starts}x{laps:g}-seed{seed}"
    final = rollouts.folder(registry, version) / name
    with atomic_files.replace_folder(final) as folder:
        found = []
        for course, drives in zip(courses, driven, strict=True):
            found.append(_condition(registry, version, course, drives, folder, film))
        title = f"Version {version} on {track}: {starts} starts of {laps:g} laps, 95 % intervals"
        plots.conditions(folder / "conditions.png", title, found)
        document = {
            "version": version,
            "model_sha256": sha256,
            "track": track,
            "starts": starts,
            "laps": laps,
            "seed": seed,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "conditions": found,
            "pictures": ["conditions.png"],
        }
        atomic_files.write_json(folder / "evaluation.json", document)
    tensorboard.show(registry.root, name, document)
    brief = [{key: each[key] for key in ("condition", "measures", "film")} for each in found]
    return {
        "evaluation": {**document, "conditions": brief, "folder": str(final)},
        **recorded,
    }


def _condition(
    registry: Registry,
    version: int,
    course: Course,
    drives: list[dict[str, Any]],
    folder: Path,
    film: bool,
) -> dict[str, Any]:
    """Draw the drives under one condition, film the worst, and return the condition's document."""
    condition: Condition = course.condition
    title = f"Version {version} on {course.track}, {condition.name}"
    plots.plan_of(folder / f"{condition.name}.png", load_track(course.track), title, drives)
    document: dict[str, Any] = {
        "condition": condition.name,
        "measures": statistics.measure(drives),
        "drives": drives,
        "pictures": [f"{condition.name}.png"],
        "film": None,
    }
    if film:
        worst = max(range(len(drives)), key=lambda number: _badness(drives[number]))
        kept = folder / ".film"
        rollouts.once(registry.root, version, course, worst, kept, film=True)
        for suffix in ("mp4", "png"):
            (kept / f"drive.{suffix}").rename(folder / f"{condition.name}-worst.{suffix}")
        shutil.rmtree(kept)
        document["film"] = f"{condition.name}-worst.mp4"
        document["pictures"].append(f"{condition.name}-worst.png")
    return document


def _badness(drive: dict[str, Any]) -> tuple[int, float]:
    return len(drive["interventions"]), drive["metrics"]["lateral_max_m"] or 0.0


def _recordings(
    settings: Settings, registry: Registry, version: int, report: queue.Report
) -> dict[str, Any]:
    """Replay and score what the version was not trained on; keep and return both documents."""
    root = rollouts.folder(registry, version)
    steer = load_version.load(registry, version)[1]
    driven: list[dict[str, Any]] = []
    scored: list[dict[str, Any]] = []
    with (
        atomic_files.replace_folder(root / "replay") as replay,
        held_out.held_out(settings.data_dir, registry, version) as held,
    ):
        for number, each in enumerate(held):
            report(phase="replay", version=version, drives=number, drives_total=len(held))
            road = stored_drive.rows_of(each.dataset, each.reader, each.rows)
            if road is None:
                log.info("%s has no rows that were held out", each.dataset)
                continue
            document, drives = log_replay_eval.document(road, steer)
            picture = f"{each.dataset}.png"
            write_png(replay / picture, chart(road, drives[0], f"version {version}"))
            driven.append({**document, "held_out": each.said, "pictures": [picture]})
            scored.append({**log_replay_eval.open_loop(road, steer), "leak": each.said})
        atomic_files.write_json(replay / "replay.json", {"version": version, "datasets": driven})
    with atomic_files.replace_folder(root / "openloop") as folder:
        atomic_files.write_json(folder / "openloop.json", {"version": version, "datasets": scored})
    return {"replay": driven, "openloop": scored}
