"""A version's answers to the rows that validated it, beside what the driver did there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from contract import steering_metrics
from contract.dataset.timeline import row_segments, row_times
from contract.vehicle import MAX_STEER_DEG
from trainer.explain import provenance
from trainer.explain.provenance import Frames, Source

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
"""Name and unit of what `score.score` returns."""


@dataclass(frozen=True, eq=False)
class Judged:
    """The validation rows of one recording."""

    source: Source
    rows: Numbers
    network: Values
    """(rows,), what the network answers to their centre frames, -1..1."""

    @cached_property
    def driver(self) -> Values:
        """(rows,), the steering that was recorded."""
        return np.asarray(self.source.rows["steering"][self.rows], dtype=np.float32)

    @cached_property
    def held(self) -> Values:
        """(rows,), the steering that was recorded one row before."""
        drive = row_segments(self.source.rows)
        return steering_metrics.hold_last(self.source.rows["steering"], drive)[self.rows]

    @cached_property
    def time_s(self) -> npt.NDArray[np.float64]:
        """(rows,), since the recording began."""
        clock = row_times(self.source.rows)
        return np.asarray(clock[self.rows] - clock[0])

    @cached_property
    def block(self) -> Numbers:
        """(rows,), numbers of the blocks of rows that follow each other without a pause."""
        drive = row_segments(self.source.rows)[self.rows]
        begins = (np.diff(self.rows, prepend=self.rows[:1]) > 1) | (
            np.diff(drive, prepend=drive[:1]) > 0
        )
        return np.asarray(np.cumsum(begins))


def judge(
    data_dir: Path,
    sources: Sequence[Source],
    answer: Callable[[Frames], Values],
    told: Callable[[int, int], None],
) -> list[Judged]:
    """Ask a network about all rows that validated it.

    Args:
        data_dir: the data volume.
        sources: the recordings; those without a validation row are left out.
        answer: returns the steering (n,) for frames (n, 128, 128, 3).
        told: is told how many rows are done, and of how many.
    """
    total, done, found = sum(int(each.validation.sum()) for each in sources), 0, []
    for each in sources:
        rows = np.flatnonzero(each.validation)
        answers = []
        for start in range(0, len(rows), provenance.CHUNK):
            part = rows[start : start + provenance.CHUNK]
            answers.append(answer(provenance.frames(data_dir, each, part.tolist())))
            done += len(part)
            told(done, total)
        if answers:
            found.append(Judged(each, rows, np.concatenate(answers)))
    return found


def figures(judged: Sequence[Judged]) -> list[tuple[str, float, str]]:
    """Return name, value and unit of what the answers are worth."""
    network, driver, held = (
        np.concatenate([getattr(each, name) for each in judged])
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
class Moment:
    """One of the rows."""

    judged: Judged
    at: int
    """Its place among the recording's validation rows."""

    @property
    def row(self) -> int:
        """Its number in the store."""
        return int(self.judged.rows[self.at])

    @property
    def time_s(self) -> float:
        """Since the recording began."""
        return float(self.judged.time_s[self.at])

    @property
    def driver(self) -> float:
        """The steering that was recorded, -1..1."""
        return float(self.judged.driver[self.at])

    @property
    def network(self) -> float:
        """The steering that the network answers, -1..1."""
        return float(self.judged.network[self.at])

    @property
    def name(self) -> str:
        """What to call it."""
        return f"{self.judged.source.name}, {self.time_s:.1f} s"


def moments(judged: Sequence[Judged]) -> list[Moment]:
    """Return all rows of all recordings."""
    return [Moment(each, at) for each in judged for at in range(len(each.rows))]
