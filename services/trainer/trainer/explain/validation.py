"""Compares a version's steering with the driver's on the rows that validated it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from contract import steering_metrics
from contract.vehicle import MAX_STEER_DEG
from trainer.explain import provenance
from trainer.explain.provenance import Frames, TrainingRecording

Values = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]

SQUARE: Final = "(steering -1..1)²"
SCORES: Final = {
    "rows": ("validation rows", "rows"),
    "mse": ("validation MSE", SQUARE),
    "mse_zero": ("validation MSE of predict-zero", SQUARE),
    "mse_hold": ("validation MSE of hold-last", SQUARE),
    "mae_deg": ("validation mean error", "deg"),
    "correlation": ("validation correlation", "1"),
}
"""Name and unit of each metric of `steering_metrics.score`."""


@dataclass(frozen=True, eq=False)
class ValidationPredictions:
    """The network's predictions for the validation rows of one recording."""

    recording: TrainingRecording
    rows: Numbers
    """(rows,), numbers of the validation rows in the store."""
    network: Values
    """(rows,), the network's steering for their centre frames, -1..1."""

    @cached_property
    def driver(self) -> Values:
        """The recorded steering, (rows,)."""
        return np.asarray(self.recording.rows["steering"][self.rows], dtype=np.float32)

    @cached_property
    def held(self) -> Values:
        """The recorded steering one row before, (rows,)."""
        segment = self.recording.dataset.timeline.segment
        return steering_metrics.hold_last(self.recording.rows["steering"], segment)[self.rows]

    @cached_property
    def time_s(self) -> npt.NDArray[np.float64]:
        """Seconds since the recording began, (rows,)."""
        time_s = self.recording.dataset.timeline.time_s
        return np.asarray(time_s[self.rows] - time_s[0])

    @cached_property
    def block(self) -> Numbers:
        """Numbers of the blocks of rows that follow each other without a pause, (rows,)."""
        segment = self.recording.dataset.timeline.segment[self.rows]
        begins = (np.diff(self.rows, prepend=self.rows[:1]) > 1) | (
            np.diff(segment, prepend=segment[:1]) > 0
        )
        return np.asarray(np.cumsum(begins))


def predict_validation(
    data_dir: Path,
    recordings: Sequence[TrainingRecording],
    predict: Callable[[Frames], Values],
    on_progress: Callable[[int, int], None],
) -> list[ValidationPredictions]:
    """Predict the steering for all rows that validated a version.

    Args:
        data_dir: the data volume.
        recordings: the recordings; those without a validation row are left out.
        predict: returns the steering (n,) for frames (n, 128, 128, 3).
        on_progress: receives the number of finished rows, and of all rows.
    """
    total = sum(int(recording.validation.sum()) for recording in recordings)
    done, predictions = 0, []
    for recording in recordings:
        rows = np.flatnonzero(recording.validation)
        parts = []
        for start in range(0, len(rows), provenance.CHUNK):
            chunk = rows[start : start + provenance.CHUNK]
            parts.append(predict(provenance.read_frames(data_dir, recording, chunk.tolist())))
            done += len(chunk)
            on_progress(done, total)
        if parts:
            predictions.append(ValidationPredictions(recording, rows, np.concatenate(parts)))
    return predictions


def figures(recordings: Sequence[ValidationPredictions]) -> list[tuple[str, float, str]]:
    """Return name, value and unit of each metric of the predictions."""
    network, driver, held = (
        np.concatenate([getattr(predictions, name) for predictions in recordings])
        for name in ("network", "driver", "held")
    )
    scores = steering_metrics.score(network, driver, held)
    bias_deg = float(np.mean(network - driver)) * MAX_STEER_DEG
    return [
        *(
            (SCORES[name][0], value, SCORES[name][1])
            for name, value in steering_metrics.defined(scores).items()
        ),
        ("validation bias", bias_deg, "deg"),
    ]


@dataclass(frozen=True)
class RowPrediction:
    """The prediction for one validation row."""

    predictions: ValidationPredictions
    index: int
    """Index of the row among the recording's validation rows."""

    @property
    def row(self) -> int:
        """Number of the row in the store."""
        return int(self.predictions.rows[self.index])

    @property
    def time_s(self) -> float:
        """Seconds since the recording began."""
        return float(self.predictions.time_s[self.index])

    @property
    def driver(self) -> float:
        """The recorded steering, -1..1."""
        return float(self.predictions.driver[self.index])

    @property
    def network(self) -> float:
        """The network's steering, -1..1."""
        return float(self.predictions.network[self.index])

    @property
    def name(self) -> str:
        """The recording and the time, as captions name the row."""
        return f"{self.predictions.recording.name}, {self.time_s:.1f} s"


def row_predictions(recordings: Sequence[ValidationPredictions]) -> list[RowPrediction]:
    """Return the predictions for all rows of all recordings."""
    return [
        RowPrediction(predictions, index)
        for predictions in recordings
        for index in range(len(predictions.rows))
    ]
