"""Finds out which rows of a recording a model was trained on.

A dataset's name ends with digits of a checksum of the recording's content. So a recording is
recognised under any name and in any folder. It is not recognised if its content has changed since:
if it is a part of the recording, or if rows were added.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.dataset import split_file, timeline
from contract.dataset.split_file import SplitFile
from contract.errors import SettingError
from contract.models.registry import ModelManifest
from contract.recordings import driving_log
from contract.recordings.archive import Recording
from evaluator.offline.logged_drive import LoggedDrive

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

OVERLAP_NOTE = "these scores show in part what the model memorized"


@dataclass(frozen=True)
class SplitRows:
    """How each row of a recording was used in a training."""

    trained: Flags
    """True for each row that was trained on, shape (rows,)."""
    validated: Flags
    """True for each validation row, shape (rows,): these chose the best epoch only."""
    distance_s: Floats
    """Time to the nearest row that was trained on, shape (rows,); infinite if there is none."""
    gap_s: float

    @property
    def near_training(self) -> Flags:
        """Rows that were trained on, or lie within the gap of one that was; shape (rows,)."""
        return np.asarray(self.distance_s <= self.gap_s)


@dataclass(frozen=True)
class TrainingOverlap:
    """What is known about the overlap of a recording with a model's training data."""

    recording: str
    dataset: str | None
    """Dataset of the training with the same content as the recording, if there is one."""
    rows: SplitRows | None
    """How the rows of that dataset were used, if the version says so."""
    reason: str
    """Why no row was trained on, or why the rows are not known, in words."""

    def held_out(self) -> Flags | None:
        """Return the rows that are further than the gap from every training row, shape (rows,).

        None stands for all rows.

        Raises:
            SettingError: it is not known which rows were trained on.
        """
        if self.rows is not None:
            return ~self.rows.near_training
        if self.dataset is None and self.reason.startswith("none"):
            return None
        raise SettingError(
            f"it is not known which rows of {self.recording} were held out",
            got=self.reason,
            remedy="Train again with this release, or score without --held-out",
        )

    def document(self, scored: Flags) -> dict[str, Any]:
        """Return the overlap of the scored rows, a mask of shape (rows,), as a JSON document."""
        document: dict[str, Any] = {"says": self.reason, "dataset": self.dataset}
        if self.rows is None:
            return document
        distance_s = self.rows.distance_s[scored]
        near = int(self.rows.near_training[scored].sum())
        nearest_s = float(distance_s.min(initial=np.inf))
        document |= {
            "rows": len(scored),
            "trained": int(self.rows.trained.sum()),
            "validated": int(self.rows.validated.sum()),
            "gap_s": self.rows.gap_s,
            "scored": len(distance_s),
            "scored_near_trained": near,
            "nearest_s": nearest_s if np.isfinite(nearest_s) else None,
        }
        nearest = f", the nearest is {nearest_s:.2f} s away" if np.isfinite(nearest_s) else ""
        within = f"within {self.rows.gap_s:g} s of"
        document["says"] = (
            f"of its {document['rows']:,} rows {document['trained']:,} were trained on and "
            f"{document['validated']:,} validated, as {self.dataset}; "
        ) + (
            f"{near:,} of the {len(distance_s):,} scored rows were trained on or lie {within} a "
            f"row that was: {OVERLAP_NOTE}"
            if near
            else f"no row that was trained on lies {within} a scored row{nearest}"
        )
        return document


def find_overlap(
    source: Recording, drive: LoggedDrive, manifest: ModelManifest, split: SplitFile | None
) -> TrainingOverlap:
    """Return the overlap of a recording with the training data of a model.

    Args:
        source: the recording.
        drive: the rows of the recording that are to be scored.
        manifest: the manifest of the model.
        split: the split that the version keeps; None if it keeps none.

    Raises:
        RecordingError: the log cannot be read.
    """
    datasets = [str(entry.get("dataset")) for entry in manifest.data]
    if not datasets:
        reason = "not known: the manifest lists no recordings, because the model was imported"
        return TrainingOverlap(drive.name, None, None, reason)
    log = source.read()
    with ThreadPoolExecutor(thread_name_prefix="digest") as executor:
        own = source.dataset(source.digest(log.images(), executor))
    stem, _, checksum = own.rpartition("-")
    same_content = [name for name in datasets if name.rpartition("-")[2] == checksum]
    if not same_content:
        reason = f"none by content ({checksum}): trained on {', '.join(datasets)}"
        namesakes = [name for name in datasets if name.rpartition("-")[0] == stem]
        if namesakes:
            reason += (
                f". {', '.join(namesakes)} has its name; it is not known whether they share rows"
            )
        return TrainingOverlap(drive.name, None, None, reason)
    dataset = same_content[0]
    dataset_split = split.datasets.get(dataset) if split else None
    ingested = driving_log.with_images(
        driving_log.without_missing_sides(log, source.images), source.images
    )
    if split is None or dataset_split is None or dataset_split.rows != len(ingested):
        kept = (
            "the version keeps no split"
            if dataset_split is None
            else f"its split has {dataset_split.rows:,} rows, the recording {len(ingested):,}"
        )
        reason = f"trained on {dataset}, but it is not known on which rows ({kept}): {OVERLAP_NOTE}"
        return TrainingOverlap(drive.name, dataset, None, reason)
    time_s = timeline.clock([row.time_s for row in ingested]).time_s
    trained = np.array(split_file.mask(dataset_split.train, len(ingested)))
    validated = np.array(split_file.mask(dataset_split.validation, len(ingested)))
    rows = SplitRows(
        trained[drive.row_numbers],
        validated[drive.row_numbers],
        _distance_s(time_s[drive.row_numbers], np.sort(time_s[trained])),
        split.gap_s,
    )
    return TrainingOverlap(drive.name, dataset, rows, "")


def _distance_s(times: Floats, sorted_times: Floats | Sequence[float]) -> Floats:
    """Return the distance of each time to the nearest of the sorted times, shape (times,)."""
    bounded = np.concatenate([[-np.inf], sorted_times, [np.inf]])
    after = np.searchsorted(bounded, times)
    return np.asarray(np.minimum(bounded[after] - times, times - bounded[after - 1]))
