"""Makes the drivers of a log replay: a model, or one whose rank is known beforehand.

`recorded` must stay on the path, and `zero` and `mirrored` must leave it. `shuffled` is the model
with the recorded frames in random order; it must do worse than the model itself. If one of them
does not, the log replay or the recording is at fault. Shuffled frames are not warped to the virtual
car's pose: a warped frame would show the offset from the path, which is enough to keep to it for a
while.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.errors import SettingError
from contract.frames.preprocess import Frame
from evaluator.offline.logged_drive import LoggedDrive

ViewRow = Callable[[int], NDArray[np.uint8]]
"""Returns the view of the virtual car's camera at a row, RGB, shape (160, 320, 3)."""
Steer = Callable[[Frame], float]
"""Returns a model's steering, -1..1, positive to the right, for an RGB picture of any size.

The model prepares the picture by itself (contract/policy/load_version.py)."""
Policy = Callable[[int, ViewRow], float]
"""Returns a steering, -1..1, positive to the right, for a row and the function that shows it."""

WITHOUT_MODEL: Final = ("recorded", "zero", "mirrored")
WITH_MODEL: Final = ("model", "shuffled")


def make_policy(name: str, drive: LoggedDrive, steer: Steer | None, seed: int) -> Policy:
    """Return a policy by its name.

    Args:
        name: one of WITHOUT_MODEL or WITH_MODEL.
        drive: recording that is driven along.
        steer: the model; WITH_MODEL need it.
        seed: seed of the order in which `shuffled` shows the frames.

    Raises:
        SettingError: there is no such policy, or it needs a model.
    """
    if name not in WITHOUT_MODEL + WITH_MODEL:
        raise SettingError(
            "there is no such policy",
            got=name,
            remedy=f"The policies are {', '.join(WITHOUT_MODEL + WITH_MODEL)}",
        )
    if name in WITH_MODEL:
        if steer is None:
            raise SettingError("this policy needs a model", got=name, remedy="Name one: --model N")
        model = steer
        if name == "model":
            return lambda row, view_row: model(view_row(row))
        order = np.random.default_rng(seed).permutation(len(drive.steering))
        return lambda row, view_row: model(drive.image(int(order[row]), 0))
    factor = {"recorded": 1.0, "zero": 0.0, "mirrored": -1.0}[name]
    return lambda row, view_row: factor * float(drive.steering[row])
