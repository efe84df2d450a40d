"""Reckons the room that a training takes on the disk, before it begins."""

from __future__ import annotations

from typing import Final

from contract.train_config import TrainConfig
from trainer.training.networks import find_network

STATES: Final = 4
"""Number of states of the network on the disk: three in the workspace, and one being written."""
STATE_BYTES: Final = 4 * 4
"""Bytes of a state for each parameter: its value and AMSGrad's three moments. Averaged weights take
another 4."""
VERSION_BYTES: Final = 2 * 4
"""Bytes for each parameter in the two files of the version."""
OTHER_BYTES: Final = 14 << 20
"""Bytes that a training takes beside its networks: the version's other files, and the curves."""


def training_bytes(config: TrainConfig) -> int:
    """Return the bytes that a training takes on the disk at most."""
    state_bytes = STATE_BYTES + (4 if config.averaging_epochs else 0)
    per_parameter = STATES * state_bytes + VERSION_BYTES
    return OTHER_BYTES + per_parameter * find_network(config.network).parameters
