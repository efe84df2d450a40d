"""Registers the environments with Gymnasium, so that `gymnasium.make` finds them by name."""

from __future__ import annotations

from typing import Any, Final

import gymnasium

ENTRY_POINT: Final = "lapwing_gym.driving_env:DrivingEnv"
"""Class of all environments, as text: it is imported when an environment is made."""
ENVIRONMENTS: Final[dict[str, dict[str, Any]]] = {
    "Lapwing/Lake-v0": {"track": "lake"},
    "Lapwing/Jungle-v0": {"track": "jungle"},
    "Lapwing/Track-v0": {},
}
"""Names of the environments, and the arguments of DrivingEnv that each of them sets."""


def register_environments() -> None:
    """Register those of ENVIRONMENTS that are not registered yet.

    They have no `max_episode_steps`: DrivingEnv has a limit of time that grows with the road.
    """
    for name, arguments in ENVIRONMENTS.items():
        if name not in gymnasium.registry:
            gymnasium.register(id=name, entry_point=ENTRY_POINT, kwargs=arguments)
