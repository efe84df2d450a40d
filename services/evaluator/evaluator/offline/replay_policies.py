"""Who steers along a recording: a model, or one of those whose rank is known beforehand.

`recorded` must stay on the path, `zero` and `mirrored` must leave it, and `shuffled`, a model that
is shown the recorded frames in a random order, must do worse than the model itself. Where they do
not, it is the rerun or the recording that is wrong. Shuffled frames are not warped to where the car
is: they would show how far beside its path it is, by which alone a short drive can be kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.errors import SettingError
from contract.frames import preprocess
from contract.frames.preprocess import Frame
from evaluator.offline.logged_drive import Recorded

Look = Callable[[int], NDArray[np.uint8]]
"""Of a row: what the virtual car's camera sees there, (160, 320, 3) RGB."""
Steer = Callable[[Frame], float]
"""Of a prepared frame, (128, 128, 3): a steering, -1..1, positive to the right."""
Policy = Callable[[int, Look], float]
"""Of a row and the way to see it: a steering, -1..1, positive to the right."""

BLIND: Final = ("recorded", "zero", "mirrored")
SEEING: Final = ("model", "shuffled")


def policy(name: str, road: Recorded, steer: Steer | None, seed: int) -> Policy:
    """Return a policy by its name.

    Args:
        name: one of BLIND or SEEING.
        road: that is driven along, of N rows.
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
        model = steer
        if name == "model":
            return lambda row, look: model(preprocess.resize(look(row)))
        order = np.random.default_rng(seed).permutation(len(road.steering))
        return lambda row, look: model(preprocess.resize(road.picture(int(order[row]), 0)))
    factor = {"recorded": 1.0, "zero": 0.0, "mirrored": -1.0}[name]
    return lambda row, look: factor * float(road.steering[row])
