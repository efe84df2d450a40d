"""The rows of one dataset, with what the split and the labels must know about each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from contract import driver_speed
from contract.dataset import overlap, path_fitness
from contract.dataset.exclusions import Exclusions
from contract.dataset.path_fitness import PathFitness
from contract.dataset.row_identity import RowIds
from contract.dataset.store import Rows, StoreReader
from contract.dataset.timeline import Timeline
from contract.recordings import reserved_names
from contract.vehicle import MPS_PER_MPH

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class DatasetRows:
    """The rows of one dataset."""

    table: Rows
    """The rows of its store, shape (rows,)."""
    timeline: Timeline
    ids: RowIds
    """What each row's centre camera shows, shape (rows,); see contract/dataset/row_identity.py."""
    usable: Mask
    """True for rows that may train or validate, shape (rows,).

    These are the rows that nobody excluded. Of a frame that several datasets hold, only the row of
    the last dataset is usable."""
    corrections: bool = False
    """Whether a model drove, and the steering is what an expert would have done: DAgger."""
    simulated: bool = False
    """Whether it is one of the laps that `lapwing train --with-simulator` adds."""

    @cached_property
    def fitness(self) -> PathFitness:
        """Which rows are unfit to learn from.

        All corrections are fit: they say nothing about the path of the car.
        """
        time_s, segment, _ = self.timeline
        speed_mps = self.table["speed_mph"].astype(np.float64) * MPS_PER_MPH
        if self.corrections:
            speed_mps[:] = np.nan
        return path_fitness.row_fitness(time_s, segment, self.table["steering"], speed_mps)

    @property
    def target_mph(self) -> npt.NDArray[np.float32]:
        """The speed that the driver was heading for, shape (rows,); NaN where it is not known.

        In corrections it is never known: there a controller held a speed, not a driver.
        """
        if self.corrections:
            return np.full(len(self.table), np.nan, np.float32)
        time_s, segment, _ = self.timeline
        return driver_speed.label_speed(self.table["speed_mph"], time_s, segment)


def read(
    stores: Sequence[StoreReader], exclusions: Sequence[Exclusions] | None = None
) -> list[DatasetRows]:
    """Return the rows of open stores, in the order of the training.

    Args:
        stores: the open stores.
        exclusions: the exclusions of each store; by default, no row is excluded.
    """
    counted = overlap.rows_that_count([reader.row_ids for reader in stores])
    if exclusions is not None:
        counted = [
            usable & ~excluded.mask(reader.rows["line"])
            for reader, usable, excluded in zip(stores, counted, exclusions, strict=True)
        ]
    return [
        DatasetRows(
            reader.rows,
            reader.timeline,
            reader.row_ids,
            usable,
            reserved_names.is_dagger_dataset(reader.dataset),
            reserved_names.is_simulated_dataset(reader.dataset),
        )
        for reader, usable in zip(stores, counted, strict=True)
    ]
