"""Finds out which rows of a recording a model was trained on.

A version keeps the identities of the frames that trained it (contract/dataset/trained_rows.py). So
each row of a recording is recognised, in a copy, in a part, in a recording that has grown, and with
renamed images. Versions of release 0.1.0 keep only the names of their datasets, which end with
digits of a checksum of the recording's content: they recognise a recording that has not changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.dataset import split_file, timeline
from contract.dataset.row_identity import ABSENT_ID, RowIds, frame_id
from contract.dataset.split_file import SplitFile
from contract.dataset.trained_rows import TrainedRows
from contract.errors import FrameError, SettingError
from contract.files import regular_files
from contract.frames import preprocess
from contract.models import lineage
from contract.models.registry import ModelManifest
from contract.recordings import driving_log
from contract.recordings.archive import MAX_IMAGE_BYTES, Recording
from contract.recordings.driving_log import Row
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

    unused: Flags
    """True for each row of the training's datasets that lay in a gap, shape (rows,).

    A training row may be next to it, even if this recording does not hold that row."""

    @property
    def near_training(self) -> Flags:
        """Rows that were trained on, or lie within the gap of one that was; shape (rows,)."""
        return np.asarray((self.distance_s <= self.gap_s) | self.unused)


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
            f"{document['validated']:,} validated{f', as {self.dataset}' if self.dataset else ''}; "
        ) + (
            f"{near:,} of the {len(distance_s):,} scored rows were trained on or lie {within} a "
            f"row that was: {OVERLAP_NOTE}"
            if near
            else f"no row that was trained on lies {within} a scored row{nearest}"
        )
        return document


def find_overlap(
    source: Recording,
    drive: LoggedDrive,
    manifest: ModelManifest,
    split: SplitFile | None,
    identities: TrainedRows | None,
) -> TrainingOverlap:
    """Return the overlap of a recording with the training data of a model.

    Args:
        source: the recording.
        drive: the rows of the recording that are to be scored.
        manifest: the manifest of the model.
        split: the split that the version keeps; None if it keeps none.
        identities: the identities of rows that the version keeps; None if it keeps none.

    Raises:
        RecordingError: the log cannot be read.
    """
    datasets = [str(entry.get("dataset")) for entry in manifest.data]
    if not datasets:
        reason = "not known: the manifest lists no recordings, because the model was imported"
        return TrainingOverlap(drive.name, None, None, reason)
    unknown = lineage.unknown_data(manifest)
    if unknown:
        reason = (
            f"not known: the version was trained further from version {unknown[0].version}, and it "
            "is not known what trained that one"
        )
        return TrainingOverlap(drive.name, None, None, reason)
    log = source.read()
    with ThreadPoolExecutor(thread_name_prefix="digest") as executor:
        own = source.dataset(source.digest(log.images(), executor))
    dataset = next((name for name in datasets if name[-9:] == own[-9:]), None)
    rows = driving_log.with_images(log, source.images)
    if identities is not None and split is not None:
        ids = _row_ids(source, rows)
        masks = [
            np.isin(ids, used)
            for used in (identities.trained, identities.validated, identities.unused)
        ]
        if masks[0].any() or masks[2].any():
            uses = _split_rows(drive, rows, masks, split.gap_s)
            return TrainingOverlap(drive.name, dataset, uses, "")
        reason = f"none by content: no frame of it trained the version ({', '.join(datasets)})"
        return TrainingOverlap(drive.name, dataset, None, reason)
    if dataset is None:
        return TrainingOverlap(drive.name, None, None, _no_dataset(own, datasets))
    dataset_split = split.datasets.get(dataset) if split else None
    if split is None or dataset_split is None or dataset_split.rows != len(rows):
        kept = (
            "the version keeps no split"
            if dataset_split is None
            else f"its split has {dataset_split.rows:,} rows, the recording {len(rows):,}"
        )
        reason = f"trained on {dataset}, but it is not known on which rows ({kept}): {OVERLAP_NOTE}"
        return TrainingOverlap(drive.name, dataset, None, reason)
    masks = [
        np.array(split_file.mask(runs, len(rows)))
        for runs in (dataset_split.train, dataset_split.validation, ())
    ]
    return TrainingOverlap(drive.name, dataset, _split_rows(drive, rows, masks, split.gap_s), "")


def _no_dataset(own: str, datasets: Sequence[str]) -> str:
    """Return the reason why no dataset of a version of release 0.1.0 is the recording `own`."""
    stem, _, checksum = own.rpartition("-")
    reason = f"none by content ({checksum}): trained on {', '.join(datasets)}"
    namesakes = [name for name in datasets if name.rpartition("-")[0] == stem]
    if namesakes:
        reason += f". {', '.join(namesakes)} has its name; it is not known whether they share rows"
    return reason


def _row_ids(source: Recording, rows: Sequence[Row]) -> RowIds:
    """Return the identities of rows, shape (rows,), as their store has them."""

    def identify(row: Row) -> int:
        try:
            content = regular_files.read(source.images[row.images[0]], MAX_IMAGE_BYTES)
            return frame_id(preprocess.resize(preprocess.decode_image(content)))
        except (FrameError, OSError):  # ingest rejects this row, and scoring it names the image
            return ABSENT_ID

    with ThreadPoolExecutor(thread_name_prefix="identify") as executor:
        return np.array(list(executor.map(identify, rows)), dtype=np.uint64)


def _split_rows(
    drive: LoggedDrive, rows: Sequence[Row], masks: Sequence[Flags], gap_s: float
) -> SplitRows:
    """Return the use of the rows of a drive.

    Args:
        drive: the rows that are to be scored.
        rows: the rows that ingest takes.
        masks: which of these were trained on, validated, and unused; shape (rows,) each.
        gap_s: gap of the split in seconds.
    """
    time_s = timeline.build([row.time_s for row in rows], [row.session for row in rows]).time_s
    trained, validated, unused = (mask[drive.row_numbers] for mask in masks)
    distance_s = _distance_s(time_s[drive.row_numbers], np.sort(time_s[masks[0]]))
    return SplitRows(trained, validated, distance_s, gap_s, unused)


def _distance_s(times: Floats, sorted_times: Floats | Sequence[float]) -> Floats:
    """Return the distance of each time to the nearest of the sorted times, shape (times,)."""
    bounded = np.concatenate([[-np.inf], sorted_times, [np.inf]])
    after = np.searchsorted(bounded, times)
    return np.asarray(np.minimum(bounded[after] - times, times - bounded[after - 1]))
