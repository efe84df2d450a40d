"""What a model's training had of a recording: told by content, and row by row where it was kept.

A dataset's name ends with digits of the recording's content, so a recording is known again under
any name and at any place. It is not if it was changed meanwhile: a part of a recording, or one that
was driven on, has another content.
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
from evaluator.offline.logged_drive import Recorded

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

REMEMBERED = "these figures tell in part what was remembered"


@dataclass(frozen=True)
class Rows:
    """What became of N rows of a recording that was split for a training."""

    trained: Flags
    """(N,)"""
    validated: Flags
    """(N,): by them the best epoch was chosen, and nothing was learned from them."""
    away_s: Floats
    """(N,): from the nearest row that was trained on; infinite where there is none."""
    gap_s: float

    @property
    def near(self) -> Flags:
        """Tell which rows, (N,), were trained on or lie within the gap of one that was."""
        return np.asarray(self.away_s <= self.gap_s)


@dataclass(frozen=True)
class Leak:
    """What is known of a recording that a model is to be scored on."""

    recording: str
    dataset: str | None
    """Among those of the training, the one with the recording's content."""
    rows: Rows | None
    """Of that dataset, where it is kept which were trained on."""
    why: str
    """In words: why no row is known to have been trained on, or which are is unknown."""

    def held_out(self) -> Flags | None:
        """Return the rows (N,) with no trained one within the gap; None for all of them.

        Raises:
            SettingError: it is not known which they are.
        """
        if self.rows is not None:
            return ~self.rows.near
        if self.dataset is None and self.why.startswith("none"):
            return None
        raise SettingError(
            f"which rows of {self.recording} were held out is not known",
            got=self.why,
            remedy="Train again with this release, or score without --held-out",
        )

    def document(self, scored: Flags) -> dict[str, Any]:
        """Return as a JSON document what it means for the rows (N,) that are scored."""
        found: dict[str, Any] = {"says": self.why, "dataset": self.dataset}
        if self.rows is None:
            return found
        away_s = self.rows.away_s[scored]
        near = int(self.rows.near[scored].sum())
        nearest_s = float(away_s.min(initial=np.inf))
        found |= {
            "rows": len(scored),
            "trained": int(self.rows.trained.sum()),
            "validated": int(self.rows.validated.sum()),
            "gap_s": self.rows.gap_s,
            "scored": len(away_s),
            "scored_near_trained": near,
            "nearest_s": nearest_s if np.isfinite(nearest_s) else None,
        }
        apart = f", nearest {nearest_s:.2f} s" if np.isfinite(nearest_s) else ""
        within = f"within {self.rows.gap_s:g} s of"
        found["says"] = (
            f"of its {found['rows']:,} rows {found['trained']:,} were trained on and "
            f"{found['validated']:,} validated, as {self.dataset}; "
        ) + (
            f"{near:,} of the {len(away_s):,} scored ones were trained on or lie {within} one "
            f"that was: {REMEMBERED}"
            if near
            else f"none that was trained on lies {within} a scored one{apart}"
        )
        return found


def of(source: Recording, road: Recorded, manifest: ModelManifest, split: SplitFile | None) -> Leak:
    """Return what a model's training had of a recording.

    Args:
        source: the recording.
        road: its N rows that are to be scored.
        manifest: of the model.
        split: what the version keeps of its split; None where it keeps none.

    Raises:
        RecordingError: the log cannot be read.
    """
    datasets = [str(each.get("dataset")) for each in manifest.data]
    if not datasets:
        why = "not known: the manifest lists no recordings, as that of an imported model"
        return Leak(road.name, None, None, why)
    log = driving_log.read(source.read_log())
    with ThreadPoolExecutor(thread_name_prefix="digest") as executor:
        own = source.dataset(source.digest(log.images(), executor))
    stem, _, mark = own.rpartition("-")
    same = [each for each in datasets if each.rpartition("-")[2] == mark]
    if not same:
        why = f"none by content ({mark}): trained on {', '.join(datasets)}"
        namesakes = [each for each in datasets if each.rpartition("-")[0] == stem]
        if namesakes:
            why += f". {', '.join(namesakes)} has its name; whether they share rows is not known"
        return Leak(road.name, None, None, why)
    dataset = same[0]
    sides = split.datasets.get(dataset) if split else None
    taken = driving_log.with_images(
        driving_log.without_missing_sides(log, source.images), source.images
    )
    if split is None or sides is None or sides.rows != len(taken):
        kept = "none" if sides is None else f"of {sides.rows:,} rows, and here are {len(taken):,}"
        why = f"trained on {dataset}, it is not known on which rows ({kept} kept): {REMEMBERED}"
        return Leak(road.name, dataset, None, why)
    time_s = timeline.clock([row.time_s for row in taken]).time_s
    trained = np.array(split_file.mask(sides.train, len(taken)))
    rows = Rows(
        trained[road.number],
        np.array(split_file.mask(sides.validation, len(taken)))[road.number],
        _away_s(time_s[road.number], np.sort(time_s[trained])),
        split.gap_s,
    )
    return Leak(road.name, dataset, rows, "")


def _away_s(times: Floats, moments: Floats | Sequence[float]) -> Floats:
    """Return how far each time, (N,), is from the nearest of the sorted moments."""
    bounded = np.concatenate([[-np.inf], moments, [np.inf]])
    after = np.searchsorted(bounded, times)
    return np.asarray(np.minimum(bounded[after] - times, times - bounded[after - 1]))
