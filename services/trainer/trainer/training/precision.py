"""Chooses the precision in which a network is trained.

Weights and optimizer are float32 with either: bfloat16 is only what layers compute in. It has the
range of float32, so losses need no scaling.
"""

from __future__ import annotations

import logging
from typing import Final

from contract.errors import TrainingError
from contract.train_config import AUTO
from trainer.training.devices import Devices
from trainer.training.run_state import TrainingState

log = logging.getLogger(__name__)

FLOAT32: Final = "float32"
BFLOAT16: Final = "bfloat16"
ASKED: Final = "the option precision says so"
POLICIES: Final = {FLOAT32: "float32", BFLOAT16: "mixed_bfloat16"}
"""Keras's dtype policy for each precision."""


def choose(asked: str, devices: Devices) -> tuple[str, str]:
    """Return the precision of a training, and the reason in words.

    Args:
        asked: the option `precision` of the training.
        devices: the devices that it is trained on.

    Raises:
        TrainingError: bfloat16 is asked for, and the devices would only emulate it.
    """
    if asked == BFLOAT16 and not devices.bfloat16:
        raise TrainingError(
            "this machine cannot train in bfloat16 with instructions of its own, and emulates it "
            "several times slower than float32",
            got=devices.reason,
            remedy="Leave out --precision, or train on a machine that has bfloat16",
        )
    if asked == AUTO:
        return (BFLOAT16 if devices.bfloat16 else FLOAT32), devices.reason
    return asked, ASKED


def keep(state: TrainingState, asked: str, devices: Devices) -> None:
    """Write the precision of a training into its state when the job first runs, and log it.

    A resumed job keeps its precision on any machine, so all its epochs are computed alike.

    Raises:
        TrainingError: see `choose`.
    """
    resumed = bool(state.precision)
    if not resumed:
        state.precision, state.precision_reason = choose(asked, devices)
    log.info("trained in %s: %s", state.precision, state.precision_reason)
    if resumed and state.precision == BFLOAT16 and not devices.bfloat16:
        log.warning(
            "the training began in bfloat16 and goes on in it, but this machine emulates it "
            "several times slower than float32: %s",
            devices.reason,
        )
