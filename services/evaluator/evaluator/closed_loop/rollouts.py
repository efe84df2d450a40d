"""Lets a version drive from seeded starts, in several processes, and keeps each result.

    <version>/evaluations/drives/<track>/<condition>/<laps>-<seed>/<NN>.json

The same version, scenario and number give exactly the same drive, so a kept result is never driven
again. A job that was killed continues where it stopped, and two versions in the same scenario are
compared drive by drive.
"""

from __future__ import annotations

import functools
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import cv2

from contract.child_process import die_with_parent
from contract.errors import ModelError, SettingError
from contract.files import atomic_files
from contract.jobs.deaths import memory_bound
from contract.jobs.queue import EVALUATION
from contract.models.registry import Registry
from contract.policy import load_version
from contract.policy.policy import LoadedPolicy
from evaluator.closed_loop.perturbations import DEFAULT_OFFSET_M, Condition
from simulator.drivers.in_process import ModelDriver
from simulator.episode.episode import EpisodeConfig, run_episode
from simulator.episode.initial_state import draw_initial_states
from simulator.track.catalog import load_track

FOLDER: Final = "evaluations"
"""Folder of the evaluations within a version's folder."""

ROLLOUTS_PER_PROCESS: Final = 100
"""Drives after which a process is replaced: about 1 MB of each world remains in it."""

PROCESS_BYTES: Final = 340 << 20
"""Memory of a process that drives: 240 MiB, and what the renderer keeps. The worker and the job
itself need about as much as one."""

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
    """Processes that drive, kept from one call to the next; use it as a context manager.

    A process takes seconds to start, so none is started until a drive is missing.

    Args:
        registry: registry of the versions that drive.
        processes: number of processes that drive at the same time; 0 stands for one for each
            core, as far as the memory that the evaluator may use goes.
    """

    def __init__(self, registry: Registry, processes: int) -> None:
        self._registry = registry
        self._processes = processes or default_processes()
        self._executor: ProcessPoolExecutor | None = None
        self._drives = 0
        """Drives that the present processes were given."""
        self._verified: set[int] = set()

    def __enter__(self) -> Self:
        """Return the pool."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the processes; after an error without the drives that have not begun."""
        self._end(wait=kind is None)

    def run(
        self,
        drives: Sequence[Rollout],
        on_progress: OnProgress = lambda done, total: None,
    ) -> list[dict[str, Any]]:
        """Let versions drive, unless a result is kept; return the results in the same order.

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
            if version not in self._verified:
                self._registry.verify(version)
                self._verified.add(version)
                if mirror is not None:
                    mirror.pull_drives(version)
        scenarios = {drive.scenario for drive in drives}
        for scenario in scenarios:
            load_track(scenario.track)  # so that an error comes before processes are started
        folders = {scenario: scenario.folder for scenario in scenarios}
        paths = [self._path(drive, folders[drive.scenario]) for drive in drives]
        missing = [
            (self._registry.root, drive.version, drive.scenario, drive.number, path)
            for drive, path in zip(drives, paths, strict=True)
            if not path.is_file()
        ]
        finished = len(drives) - len(missing)
        on_progress(finished, len(drives))
        batch_size = self._processes * ROLLOUTS_PER_PROCESS
        for first in range(0, len(missing), batch_size):
            for _ in self._run(missing[first : first + batch_size], batch_size):
                finished += 1
                on_progress(finished, len(drives))
        if mirror is not None and missing:
            for version in versions:
                mirror.publish_drives(version)
        return [_read(path) for path in paths]

    def _path(self, drive: Rollout, folder: Path) -> Path:
        root = evaluations_folder(self._registry, drive.version) / "drives"
        return root / folder / f"{drive.number + 1:02}.json"

    def _run(self, calls: Sequence[tuple[Any, ...]], most: int) -> Iterator[None]:
        """Call `_rollout_to_file` with each of the arguments, in processes; yield as they end.

        The processes are replaced by new ones if they would make more than `most` drives.
        """
        if self._drives + len(calls) > most:
            self._end(wait=True)
        if self._executor is None:
            self._drives = 0
            self._executor = ProcessPoolExecutor(
                min(self._processes, most),
                multiprocessing.get_context("spawn"),
                initializer=_start_process,
                initargs=(os.getpid(),),
            )
        self._drives += len(calls)
        futures = [self._executor.submit(_rollout_to_file, *arguments) for arguments in calls]
        for future in as_completed(futures):
            future.result()
            yield

    def _end(self, *, wait: bool) -> None:
        if self._executor is not None:
            # Without cancelling, all other drives would be finished first.
            self._executor.shutdown(wait=wait, cancel_futures=True)
            self._executor = None


def run_rollouts(
    registry: Registry,
    version: int,
    scenarios: Sequence[Scenario],
    count: int,
    processes: int,
    on_progress: OnProgress = lambda done, total: None,
) -> list[list[dict[str, Any]]]:
    """Let a version drive each scenario from its first `count` starts; return the results.

    Args:
        registry: registry of the version.
        version: version that drives.
        scenarios: scenarios to drive.
        count: number of starts; the first ones are the same for every count.
        processes: number of processes, as of RolloutPool.
        on_progress: called after each drive.

    Returns:
        For each scenario the documents of its drives, in the order of the starts.

    Raises:
        LapwingError: as RolloutPool.run.
    """
    drives = [
        Rollout(version, scenario, number) for scenario in scenarios for number in range(count)
    ]
    with RolloutPool(registry, processes) as pool:
        results = pool.run(drives, on_progress)
    return [results[first : first + count] for first in range(0, len(results), count)]


def default_processes() -> int:
    """Return how many processes drive at once: one for each core, as far as the memory goes."""
    cores, bound = os.cpu_count() or 1, memory_bound(EVALUATION)
    return max(1, min(cores, bound // PROCESS_BYTES - 1)) if bound else cores


def _start_process(parent: int) -> None:
    """Prepare a process that drives."""
    die_with_parent(parent)
    cv2.setNumThreads(1)  # The processes use all cores already.


def rollout(
    models: Path, version: int, scenario: Scenario, number: int, kept: Path | None, *, film: bool
) -> dict[str, Any]:
    """Drive a scenario once, in this process; return the result as a JSON document.

    Args:
        models: folder of the registry.
        version: version that drives.
        scenario: scenario to drive.
        number: number of the start, from 0.
        kept: folder for the drive's report, chart and video; None keeps nothing.
        film: whether a video is made.
    """
    track = load_track(scenario.track)
    start = draw_initial_states(track, number + 1, scenario.seed, DEFAULT_OFFSET_M, ("clear",))[
        number
    ]
    config = EpisodeConfig(laps=scenario.laps, delay_s=scenario.condition.delay_s, video=film)
    driver = ModelDriver(_load_policy(models, version).answer_picture)
    return run_episode(track, scenario.condition.apply(start), config, driver, kept).document()


def _rollout_to_file(
    models: Path, version: int, scenario: Scenario, number: int, path: Path
) -> None:
    """Drive once and write the result, unless the track file has changed."""
    result = rollout(models, version, scenario, number, None, film=False)
    if path.parent.parts[-3:] != scenario.folder.parts:
        raise SettingError(
            "the track was changed while it was driven",
            got=scenario.track,
            remedy="Start the evaluation again",
        )
    atomic_files.make_folder(path.parent)
    atomic_files.write_json(path, result)


@functools.lru_cache(maxsize=2)
def _load_policy(models: Path, version: int) -> LoadedPolicy:
    """Return the model; a process loads it once."""
    return load_version.load_policy(Registry(models), version)


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
