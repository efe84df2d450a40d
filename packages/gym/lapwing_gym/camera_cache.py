"""Keeps the worlds that an environment has built, because building one takes half a second."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from simulator.rendering.appearance import LIGHTS, Appearance
from simulator.rendering.camera import Camera
from simulator.track.geometry import Track

CAPACITY: Final = len(LIGHTS)
"""Number of worlds that are kept: one for each light."""


class CameraCache:
    """The cameras of the worlds that were used last; a world is known by its appearance.

    Args:
        track: Track around which the worlds are built.
    """

    def __init__(self, track: Track) -> None:
        self._track = track
        self._cameras: OrderedDict[Appearance, Camera] = OrderedDict()

    def camera(self, appearance: Appearance) -> Camera:
        """Return the camera of a world, which is built if it is not kept.

        Raises:
            ServiceError: The renderer cannot start.
        """
        camera = self._cameras.get(appearance)
        if camera is None:
            while len(self._cameras) >= CAPACITY:
                self._cameras.popitem(last=False)[1].close()
            camera = self._cameras[appearance] = Camera(self._track, appearance)
        self._cameras.move_to_end(appearance)
        return camera

    def close(self) -> None:
        """Free all worlds."""
        while self._cameras:
            self._cameras.popitem()[1].close()
