"""Who steers along a recording: a model, or one of those whose rank is known beforehand.

`recorded` must stay on the path, `zero` and `mirrored` must leave it, and `shuffled`, a model that
is shown the frames in a random order, must do worse than the model itself. Where they do not, it is
the rerun or the recording that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract import frame
from contract.errors import SettingError
from contract.frame import Frame

Look = Callable[[int], NDArray[np.uint8]]
"""Of a row: what the virtual car's camera sees there, (160, 320, 3) RGB."""
Steer = Callable[[Frame], float]
"""Of a prepared frame, (128, 128, 3): a steering, -1..1, positive to the right."""
Policy = Callable[[int, Look], float]
"""Of a row and the way to see it: a steering, -1..1, positive to the right."""

BLIND: Final = ("recorded", "zero", "mirrored")
SEEING: Final = ("model", "shuffled")


def policy(name: str, recorded: NDArray[np.float64], steer: Steer | None, seed: int) -> Policy:
    """Return a policy by its name.

    Args:
        name: one of BLIND or SEEING.
        recorded: (N,), the recorded steering.
        steer: the model; needed by SEEING.
        seed: of the order in which `shuffled` shows the frames.

    Raises:
        SettingError: there is no such policy, or it needs a model.
    """
    if name not in BLIND + SEEING:
        raise SettingError(
            "no such policy", got=name, remedy=f"There are {', '.join(BLIND + SEEING)}"
        )
    if name in SEEING:
        if steer is None:
            raise SettingError("this policy needs a model", got=name, remedy="Name one: --model N")
        order = np.arange(len(recorded))
        if name == "shuffled":
            order = np.random.default_rng(seed).permutation(len(recorded))
        model = steer
        return lambda row, look: model(frame.resize(look(int(order[row]))))
    factor = {"recorded": 1.0, "zero": 0.0, "mirrored": -1.0}[name]
    return lambda row, look: factor * float(recorded[row])
