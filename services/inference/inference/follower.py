"""Follows the registry: loads what becomes current, and refuses what is not fit to drive."""

from __future__ import annotations

import logging
from collections.abc import Callable

from contract.errors import LapwingError
from contract.registry import Registry
from inference.pilot import Pilot

log = logging.getLogger(__name__)


class Follower:
    """The pilot that drives now; `look` replaces it in one step.

    Args:
        registry: where versions are published.
        load: makes a pilot of a version, or raises a LapwingError.
    """

    def __init__(self, registry: Registry, load: Callable[[int], Pilot]) -> None:
        self._registry = registry
        self._load = load
        self.pilot: Pilot | None = None
        """None until a version was loaded. Read it once a request: it changes between two reads."""
        self.refused: dict[int, str] = {}
        """Why, by version; a version is immutable, so it is not tried again."""

    def look(self) -> bool:
        """Load the current version if it is another; tell whether the pilot changed.

        What is wrong with a version is kept in `refused`, and the present pilot stays.
        """
        version = self._registry.current()
        serving = self.pilot.manifest.version if self.pilot else None
        if version is None or version == serving or version in self.refused:
            return False
        try:
            self.pilot = self._load(version)
        except (LapwingError, OSError) as error:
            self.refused[version] = str(error)
            log.error("refused model version %d: %s", version, error)
            return False
        log.info("serving model version %d (%s)", version, self.pilot.manifest.sha256[:12])
        return True

    def why_not_ready(self) -> str | None:
        """Return why nothing is served, or None when a model is."""
        if self.pilot is not None:
            return None
        current = self._registry.current()
        return (
            "no model is published yet"
            if current is None
            else self.refused.get(current, f"model version {current} is being loaded")
        )
