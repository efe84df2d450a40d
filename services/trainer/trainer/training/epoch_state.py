"""Counts what an epoch has trained on so far, to resume after any batch and to compare runs.

The digest is a chain of hashes over the numbers and labels of every batch, in the order in which
the network was trained on them. It is the same for every run with the same seed, with any number of
readers and after any number of kills.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass
class EpochState:
    """How far one epoch came."""

    epoch: int
    """Number of the epoch, from 1."""
    batches: int = 0
    samples: int = 0
    loss_sum: float = 0.0
    """Sum of the losses of all samples."""
    digest: str = ""
    """SHA-256, in hex, of the previous digest and the batch."""

    def add(
        self, numbers: npt.NDArray[np.int64], labels: npt.NDArray[np.float32], loss: float
    ) -> None:
        """Count a batch that the network was trained on, with its mean loss."""
        self.batches += 1
        self.samples += len(numbers)
        self.loss_sum += loss * len(numbers)
        chain = hashlib.sha256(bytes.fromhex(self.digest))
        chain.update(numbers.astype("<i8").tobytes())
        chain.update(labels.astype("<f4").tobytes())
        self.digest = chain.hexdigest()

    @property
    def loss(self) -> float:
        """Mean loss of the samples so far."""
        return self.loss_sum / max(self.samples, 1)
