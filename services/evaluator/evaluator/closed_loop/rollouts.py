"""Lets a version drive from seeded starts, in several processes, and keeps each result.

    <version>/evaluations/drives/<track>/<condition>/<laps>-<seed>/<NN>.json

The same version, scenario and number give exactly the same drive, so a kept result is never driven
again. A job that was killed continues where it stopped, the gate uses the drives of an evaluation,
and two versions in the same scenario are compared drive by drive.
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

import cv2

from contract.child_process import die_with_parent
from contract.errors import ModelError, SettingError
from contract.files import atomic_files
from contract.jobs.deaths import memory_bound
from contract.jobs.queue import EVALUATION
from contract.models.registry import Registry
from contract.policy import load_version
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
        processes: number of processes that drive at the same time; 0 stands for one for each
            core, as far as the memory that the evaluator may use goes.
        on_progress: called after each drive.

    Returns:
        For each scenario the documents of its drives (simulator.episode.result), in the order of
        the starts.

    Raises:
        LapwingError: the version is damaged, or the track cannot be driven or was changed during
            the drives.
    """
    registry.verify(version)
    for scenario in scenarios:
        load_track(scenario.track)  # so that an error comes before processes are started
    root = evaluations_folder(registry, version) / "drives"
    folders = {scenario: root / scenario.folder for scenario in scenarios}
    all_drives = [(scenario, number) for scenario in scenarios for number in range(count)]
    missing = [drive for drive in all_drives if not _path(folders, *drive).is_file()]
    finished = len(all_drives) - len(missing)
    on_progress(finished, len(all_drives))
    workers = processes or default_processes()
    batch_size = workers * ROLLOUTS_PER_PROCESS
    for first in range(0, len(missing), batch_size):
        batch = missing[first : first + batch_size]
        calls = [(registry.root, version, *drive, _path(folders, *drive)) for drive in batch]
        for _ in _run_in_processes(calls, min(workers, len(calls))):
            finished += 1
            on_progress(finished, len(all_drives))
    return [
        [_read(_path(folders, scenario, number)) for number in range(count)]
        for scenario in scenarios
    ]


def default_processes() -> int:
    """Return how many processes drive at once: one for each core, as far as the memory goes."""
    cores, bound = os.cpu_count() or 1, memory_bound(EVALUATION)
    return max(1, min(cores, bound // PROCESS_BYTES - 1)) if bound else cores


def _run_in_processes(calls: Sequence[tuple[Any, ...]], processes: int) -> Iterator[None]:
    """Call `_rollout_to_file` with each of the arguments, in processes; yield as they end."""
    with ProcessPoolExecutor(
        processes,
        multiprocessing.get_context("spawn"),
        initializer=_start_process,
        initargs=(os.getpid(),),
    ) as pool:
        try:
            futures = [pool.submit(_rollout_to_file, *arguments) for arguments in calls]
            for future in as_completed(futures):
                future.result()
                yield
        except BaseException:
            # Without this, all other drives would be finished first.
            pool.shutdown(wait=False, cancel_futures=True)
            raise


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
    driver = ModelDriver(_load_steer(models, version))
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
def _load_steer(models: Path, version: int) -> Callable[[Any], float]:
    """Return the model's steering function; a process loads it once."""
    return load_version.load(Registry(models), version)[1]


def _path(folders: Mapping[Scenario, Path], scenario: Scenario, number: int) -> Path:
    return folders[scenario] / f"{number + 1:02}.json"


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
