"""Drives of a version from seeded starts, side by side, each one kept as soon as it has ended.

    <version>/evaluations/drives/<track>/<condition>/<laps>-<seed>/<NN>.json

The same version, course and number give the same drive to the bit, so what is kept is never driven
again: a job that was killed goes on, the gate uses what an evaluation drove, and two versions that
were driven over the same course are compared drive by drive.
"""

from __future__ import annotations

import functools
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from contract import atomic_files
from contract.child_process import die_with_parent
from contract.errors import ModelError, SettingError
from contract.models.registry import Registry
from contract.policy import load_version
from evaluator.closed_loop.perturbations import USUAL_OFFSET_M, Condition
from simulator.drivers.in_process import ModelDriver
from simulator.episode.episode import EpisodeConfig, run_episode
from simulator.episode.initial_state import draw_initial_states
from simulator.track.catalog import load_track

FOLDER: Final = "evaluations"
"""Within a version's: what is found out about it."""

DRIVES_A_PROCESS: Final = 10
"""After which it is replaced: the renderer keeps some 10 MB of every world that it has shown."""

Told = Callable[[int, int], None]
"""Called with the drives that have ended, and all that are to be driven."""


@dataclass(frozen=True)
class Course:
    """What two versions must have in common for their drives to be compared."""

    track: str
    condition: Condition
    laps: float
    seed: int

    @property
    def folder(self) -> Path:
        """Within the drives of a version; a track's own file is told by its content too."""
        name = self.track
        if name.endswith(".csv"):
            name = f"{Path(name).stem}-{atomic_files.sha256(Path(name))[:8]}"
        return Path(name) / self.condition.name / f"{self.laps:.12g}-{self.seed}"


def folder(registry: Registry, version: int) -> Path:
    """Return where what was found out about a version lies."""
    return registry.path(version) / FOLDER


def drives(
    registry: Registry,
    version: int,
    courses: Sequence[Course],
    count: int,
    processes: int,
    told: Told = lambda done, total: None,
) -> list[list[dict[str, Any]]]:
    """Have a version drive each course from its first `count` starts; return their outcomes.

    Args:
        registry: of the version.
        version: to drive.
        courses: to be driven.
        count: of starts; the first ones do not depend on how many there are.
        processes: that drive side by side; 0: one a core.
        told: of the progress.

    Returns:
        For each course the documents of its drives (simulator.episode.result), in the order
        of the starts.

    Raises:
        LapwingError: the version is damaged, or the track cannot be driven, or was changed
            meanwhile.
    """
    registry.verify(version)
    for course in courses:
        load_track(course.track)  # refused before processes are started
    root = folder(registry, version) / "drives"
    folders = {course: root / course.folder for course in courses}
    asked = [(course, number) for course in courses for number in range(count)]
    missing = [each for each in asked if not _path(folders, *each).is_file()]
    ended = len(asked) - len(missing)
    told(ended, len(asked))
    beside = processes or os.cpu_count() or 1
    at_once = beside * DRIVES_A_PROCESS
    for first in range(0, len(missing), at_once):
        batch = missing[first : first + at_once]
        work = [(registry.root, version, *each, _path(folders, *each)) for each in batch]
        for _ in _side_by_side(work, min(beside, len(work))):
            ended += 1
            told(ended, len(asked))
    return [[_read(_path(folders, course, each)) for each in range(count)] for course in courses]


def _side_by_side(work: Sequence[tuple[Any, ...]], processes: int) -> Iterator[None]:
    """Call `_kept` with each of the arguments, in processes of their own; yield as they end."""
    with ProcessPoolExecutor(
        processes,
        multiprocessing.get_context("spawn"),
        initializer=die_with_parent,
        initargs=(os.getpid(),),
    ) as pool:
        try:
            for each in as_completed([pool.submit(_kept, *arguments) for arguments in work]):
                each.result()
                yield
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # else all others are driven first
            raise


def once(
    models: Path, version: int, course: Course, number: int, kept: Path | None, *, film: bool
) -> dict[str, Any]:
    """Drive a course from its start of that number, in this process; return the outcome.

    Args:
        models: the registry's folder.
        version: to drive.
        course: to be driven.
        number: of the start, from 0.
        kept: a folder for the drive's report, chart and film; None keeps nothing.
        film: whether it is filmed.
    """
    track = load_track(course.track)
    usual = draw_initial_states(track, number + 1, course.seed, USUAL_OFFSET_M, ("clear",))[number]
    terms = EpisodeConfig(laps=course.laps, delay_s=course.condition.delay_s, video=film)
    driver = ModelDriver(_steer(models, version))
    return run_episode(track, course.condition.start(usual), terms, driver, kept).document()


def _kept(models: Path, version: int, course: Course, number: int, path: Path) -> None:
    """Drive once, and keep the outcome, unless it is of another track than was asked for."""
    outcome = once(models, version, course, number, None, film=False)
    if path.parent.parts[-3:] != course.folder.parts:
        raise SettingError(
            "the track was changed while it was driven", got=course.track, remedy="Ask again"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_files.write_json(path, outcome)


@functools.lru_cache(maxsize=2)
def _steer(models: Path, version: int) -> Callable[[Any], float]:
    """Return what steers; loaded once a process."""
    return load_version.load(Registry(models), version)[1]


def _path(folders: Mapping[Course, Path], course: Course, number: int) -> Path:
    return folders[course] / f"{number + 1:02}.json"


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found
    except ValueError as error:
        raise ModelError(
            f"the drive {path} cannot be read", got=error, remedy="Remove it: it is driven again"
        ) from error
