"""What the doctor does: it examines recordings, or all datasets, and cures what it is asked to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import cv2

from contract.dataset import exclusions, store, store_catalog
from contract.errors import LapwingError, StoreError
from ingest.doctor import store_faults
from ingest.doctor.checks import timestamps
from ingest.doctor.finding import UNUSABLE, Finding, Runs
from ingest.doctor.recording_arrays import RecordingArrays
from ingest.doctor.runner import CHECKS, OnProgress, check_recordings, read_recordings
from ingest.doctor.stored_recording import read_stored
from ingest.settings import Settings


@dataclass(frozen=True)
class Exclusion:
    """Rows that the doctor took out of use."""

    dataset: str
    finding: str
    lines: Runs
    rows: int
    """Number of these rows."""
    version: int
    """Version of the dataset's exclusions; see contract/dataset/exclusions.py."""


@dataclass(frozen=True)
class Examination:
    """What the doctor read, found and did."""

    recordings: list[RecordingArrays]
    findings: list[Finding]
    pauses: list[int]
    exclusions: list[Exclusion] = field(default_factory=list)
    cured: list[str] = field(default_factory=list)
    """Datasets that can be used again."""


def examine_recordings(
    paths: Sequence[Path],
    scratch: Path,
    on_progress: OnProgress,
    full_lock: float,
    errors: list[LapwingError],
) -> Examination:
    """Examine recordings, and compare them with each other.

    Args:
        paths: the recordings' folders and archives.
        scratch: a folder in which archives are unpacked for the time of the reading.
        on_progress: is called with the progress of the reading.
        full_lock: the value of the steering at full lock, 25 for degrees.
        errors: receives the errors of recordings that cannot be read.
    """
    recordings = read_recordings(paths, scratch, on_progress, full_lock, errors)
    return _examination(recordings, [])


def examine_datasets(settings: Settings, on_progress: OnProgress) -> Examination:
    """Examine all datasets of the data volume: their files, their rows and their frames.

    Raises:
        StoreError: there are no datasets.
    """
    data_dir = settings.data_dir
    sound, faults = store_faults.find_faults(data_dir)
    if not sound and not faults:
        raise StoreError(
            "there is nothing to examine",
            got=f"no dataset in {store_catalog.folder(data_dir)}",
            remedy="Name a recording, or import one first: lapwing ingest PATH",
        )
    cv2.setNumThreads(1)  # The threads below use all cores already.
    recordings = []
    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="measure") as executor:
        for manifest in sound:
            with store.open_store(data_dir, manifest) as reader:
                name, rows = manifest.dataset, manifest.rows

                def report(done: int, name: str = name, rows: int = rows) -> None:
                    on_progress(name, done, rows)

                recordings.append(read_stored(reader, name, executor, report))
    return _examination(recordings, store_faults.describe_faults(data_dir, faults))


def cure(settings: Settings, paths: Sequence[Path], scratch: Path) -> list[str]:
    """Make datasets usable again, and return their names.

    Those of an earlier schema are migrated. Others need their recordings, which are imported again.

    Args:
        settings: the settings of ingest.
        paths: recordings; those whose datasets are sound are left alone.
        scratch: a folder in which archives are unpacked for the time of the reading.

    Raises:
        LapwingError: a recording cannot be read or stored.
    """
    _, faults = store_faults.find_faults(settings.data_dir)
    cured = []
    for dataset in faults:
        try:
            cured.append(store_faults.migrate(settings.data_dir, dataset).dataset)
        except StoreError:  # It is not of that schema, and stays among the findings.
            continue
    rest = [dataset for dataset in faults if dataset not in cured]
    for path in paths:
        cured += store_faults.import_again(settings, path, scratch, rest)
    return cured


def remaining_faults(settings: Settings) -> list[Finding]:
    """Return a finding for each dataset that still cannot be used."""
    faults = store_faults.find_faults(settings.data_dir)[1]
    return store_faults.describe_faults(settings.data_dir, faults)


def exclude_datasets(settings: Settings, recordings: Sequence[RecordingArrays]) -> list[Exclusion]:
    """Exclude the unusable rows of datasets, which `examine_datasets` read."""
    return [
        exclusion
        for recording in recordings
        for exclusion in _exclude(settings.data_dir, recording.name, recording)
    ]


def exclude_recordings(
    settings: Settings,
    paths: Sequence[Path],
    recordings: Sequence[RecordingArrays],
    scratch: Path,
) -> list[Exclusion]:
    """Exclude the unusable rows of recordings from the datasets that were imported from them.

    Args:
        settings: the settings of ingest.
        paths: the recordings' folders and archives.
        recordings: what `examine_recordings` read from them.
        scratch: a folder in which archives are unpacked for the time of the reading.

    Raises:
        StoreError: a recording was not imported.
    """
    datasets = [
        dataset
        for path in paths
        for dataset in store_faults.find_datasets(settings.data_dir, path, scratch)
    ]
    done = []
    for dataset, recording in zip(datasets, recordings, strict=True):
        if dataset is None:
            raise StoreError(
                f"rows of {recording.name} cannot be excluded",
                got="a recording that is not imported as it is now",
                remedy="Import it first: lapwing ingest PATH",
            )
        done += _exclude(settings.data_dir, dataset, recording)
    return done


def _exclude(data_dir: Path, dataset: str, recording: RecordingArrays) -> list[Exclusion]:
    """Exclude the unusable rows of one dataset."""
    done = []
    for finding in (finding for check in CHECKS for finding in check(recording)):
        if finding.name in UNUSABLE:
            [lines] = finding.line_runs
            state = exclusions.exclude(data_dir, dataset, lines, f"doctor: {finding.name}")
            rows = exclusions.count_lines(
                lines, [(line, line) for line in recording.lines.tolist()]
            )
            done.append(Exclusion(dataset, finding.name, lines, rows, state.version))
    return done


def _examination(recordings: list[RecordingArrays], findings: list[Finding]) -> Examination:
    found = check_recordings(recordings) if recordings else []
    pauses = [timestamps.count_pauses(recording) for recording in recordings]
    return Examination(recordings, [*findings, *found], pauses)
