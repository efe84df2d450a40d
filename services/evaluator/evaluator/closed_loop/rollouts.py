"""Lets a version drive from seeded starts, several at a time, and keeps each result.

    <version>/evaluations/drives/<track>/<condition>/<laps>-<seed>/<NN>.json

The same version, scenario and number give exactly the same drive, so a kept result is never driven
again. A job that was killed continues where it stopped, and two versions in the same scenario are
compared drive by drive.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from contract.errors import ModelError, SettingError
from contract.files import atomic_files
from contract.models.registry import Registry
from evaluator.closed_loop.executors.executor import DriveExecutor
from evaluator.closed_loop.executors.policy_source import PolicySource
from evaluator.closed_loop.perturbations import DEFAULT_OFFSET_M, Condition
from simulator.drivers.in_process import ModelDriver
from simulator.episode.episode import EpisodeConfig, run_episode
from simulator.episode.initial_state import draw_initial_states
from simulator.track.catalog import load_track
from simulator.track.geometry import Track

FOLDER: Final = "evaluations"
"""Folder of the evaluations within a version's folder."""

OnProgress = Callable[[int, int], None]
"""Called with the number of finished drives and the number of all drives."""


@dataclass(frozen=True)
class Scenario:
    """What two versions must have in common for their drives to be compared."""

    track: str
    condition: Condition
    laps: float
    seed: int

    @property
    def folder(self) -> Path:
        """Folder within the drives of a version; a CSV file's name is followed by a checksum.

        Not all file systems allow the colon of random:7 in a name, so a hyphen is in its place.
        """
        name = self.track
        if name.endswith(".csv"):
            name = f"{Path(name).stem}-{atomic_files.sha256(Path(name))[:8]}"
        return Path(name.replace(":", "-")) / self.condition.name / f"{self.laps:.12g}-{self.seed}"


def evaluations_folder(registry: Registry, version: int) -> Path:
    """Return the folder with the evaluations of a version."""
    return registry.path(version) / FOLDER


@dataclass(frozen=True)
class Rollout:
    """One drive of a version: from start `number` of a scenario, counted from 0."""

    version: int
    scenario: Scenario
    number: int


class RolloutPool:
    """Drives versions where an executor says, and keeps the results; use it as a context manager.

    Args:
        registry: registry of the versions that drive.
        executor: where the drives are made. It is ended with the pool.
    """

    def __init__(self, registry: Registry, executor: DriveExecutor) -> None:
        self._registry = registry
        self._executor = executor
        self._sources: dict[int, PolicySource] = {}
        self._tracks: dict[tuple[str, Path], Track] = {}

    def __enter__(self) -> Self:
        """Return the pool."""
        self._executor.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        """End the executor; after an error without the drives that have not begun."""
        self._executor.__exit__(kind, *error)

    def run(
        self,
        drives: Sequence[Rollout],
        on_progress: OnProgress = lambda done, total: None,
    ) -> list[dict[str, Any]]:
        """Let versions drive, unless a result is kept; return the results in the same order.

        Each result is written as soon as it is there.

        Args:
            drives: drives to make.
            on_progress: called after each drive.

        Returns:
            The documents of the drives (simulator.episode.result).

        Raises:
            LapwingError: a version is damaged, or a track cannot be driven or was changed during
                the drives.
        """
        mirror, versions = self._registry.mirror, sorted({drive.version for drive in drives})
        for version in versions:
            if version not in self._sources:
                self._registry.verify(version)
                self._sources[version] = self._executor.source(self._registry, version)
                if mirror is not None:
                    mirror.pull_drives(version)
        scenarios = {drive.scenario for drive in drives}
        for scenario in scenarios:
            load_track(scenario.track)  # an error comes before the checksum of a file that is none
        folders = {scenario: scenario.folder for scenario in scenarios}
        for scenario in scenarios:
            key = (scenario.track, folders[scenario])
            self._tracks[key] = self._tracks.get(key) or load_track(scenario.track)
        paths = [self._path(drive, folders[drive.scenario]) for drive in drives]
        missing = [
            (drive, path) for drive, path in zip(drives, paths, strict=True) if not path.is_file()
        ]
        finished = len(drives) - len(missing)
        on_progress(finished, len(drives))
        calls = [
            (
                self._sources[drive.version],
                self._tracks[drive.scenario.track, folders[drive.scenario]],
                drive.scenario,
                drive.number,
            )
            for drive, _ in missing
        ]
        for index, result in self._executor.run(drive_once, calls):
            drive, path = missing[index]
            if drive.scenario.folder != folders[drive.scenario]:
                raise SettingError(
                    "the track was changed while it was driven",
                    got=drive.scenario.track,
                    remedy="Start the evaluation again",
                )
            atomic_files.make_folder(path.parent)
            atomic_files.write_json(path, result)
            finished += 1
            on_progress(finished, len(drives))
        if mirror is not None and missing:
            for version in versions:
                mirror.publish_drives(version)
        return [_read(path) for path in paths]

    def _path(self, drive: Rollout, folder: Path) -> Path:
        root = evaluations_folder(self._registry, drive.version) / "drives"
        return root / folder / f"{drive.number + 1:02}.json"


def run_rollouts(
    registry: Registry,
    version: int,
    scenarios: Sequence[Scenario],
    count: int,
    executor: DriveExecutor,
    on_progress: OnProgress = lambda done, total: None,
) -> list[list[dict[str, Any]]]:
    """Let a version drive each scenario from its first `count` starts; return the results.

    Args:
        registry: registry of the version.
        version: version that drives.
        scenarios: scenarios to drive.
        count: number of starts; the first ones are the same for every count.
        executor: where the drives are made; it is ended in the end.
        on_progress: called after each drive.

    Returns:
        For each scenario the documents of its drives, in the order of the starts.

    Raises:
        LapwingError: as RolloutPool.run.
    """
    drives = [
        Rollout(version, scenario, number) for scenario in scenarios for number in range(count)
    ]
    with RolloutPool(registry, executor) as pool:
        results = pool.run(drives, on_progress)
    return [results[first : first + count] for first in range(0, len(results), count)]


def drive_once(
    source: PolicySource,
    track: Track,
    scenario: Scenario,
    number: int,
    kept: Path | None = None,
    *,
    film: bool = False,
) -> dict[str, Any]:
    """Drive a scenario once, in this process; return the result as a JSON document.

    Args:
        source: what the version that drives is loaded from.
        track: track of the scenario.
        scenario: scenario to drive.
        number: number of the start, from 0.
        kept: folder for the drive's report, chart and video; None keeps nothing.
        film: whether a video is made.
    """
    start = draw_initial_states(track, number + 1, scenario.seed, DEFAULT_OFFSET_M, ("clear",))[
        number
    ]
    config = EpisodeConfig(laps=scenario.laps, delay_s=scenario.condition.delay_s, video=film)
    driver = ModelDriver(source.load().answer_picture)
    return run_episode(track, scenario.condition.apply(start), config, driver, kept).document()


def _read(path: Path) -> dict[str, Any]:
    try:
        result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return result
    except ValueError as error:
        raise ModelError(
            f"the drive {path} cannot be read",
            got=error,
            remedy="Remove it; then the drive is repeated",
        ) from error
