"""Follows the registry: loads what becomes current, and refuses what is not fit to drive."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from contract.errors import LapwingError, ModelError
from contract.models.registry import ModelManifest, Registry

log = logging.getLogger(__name__)


class Pilot(Protocol):
    """A version that is loaded."""

    @property
    def manifest(self) -> ModelManifest:
        """What is known of it."""

    def check(self) -> None:
        """See that it answers as it did where it was made; raises ModelError."""


class Follower:
    """The pilot that drives now; `look` replaces it in one step, in any one thread.

    Args:
        registry: where versions are published.
        load: makes a pilot of a version.
    """

    def __init__(self, registry: Registry, load: Callable[[int], Pilot]) -> None:
        self._registry = registry
        self._load = load
        self._seen: int | None = None
        self.pilot: Pilot | None = None
        """None until a version was loaded. Read it once a request: it changes between two reads."""
        self.refused: Mapping[int, str] = {}
        """Why, by version. Replaced whole, never changed: others read it meanwhile."""
        self.trouble = ""
        """Why the registry cannot be read now; empty when it can."""
        self.drift = ""
        """How the pilot's answers differ from what they were; empty while they do not."""

    def look(self) -> bool:
        """Load the current version if it is another; tell whether the pilot changed.

        What is wrong with a version is kept in `refused`, and the present pilot stays. A version is
        immutable: it is tried again only when `current` has left it and comes back.
        """
        try:
            version = self._registry.current()
        except (LapwingError, OSError) as error:
            if str(error) != self.trouble:
                log.error("cannot follow the registry: %s", error)
            self.trouble = str(error)
            return False
        self.trouble = ""
        if version is None or version == self._seen:
            return False
        self._seen = version
        if self.pilot is not None and self.pilot.manifest.version == version:
            return False
        try:
            pilot = self._load(version)
        except LapwingError as error:
            log.error("refused model version %d: %s", version, error)
            self.refused = {**self.refused, version: str(error)}
            return False
        except Exception as error:  # whatever a strange file makes a library raise
            log.exception("refused model version %d", version)
            self.refused = {**self.refused, version: f"{type(error).__name__}: {error}"}
            return False
        self.refused = {each: why for each, why in self.refused.items() if each != version}
        self.pilot, self.drift = pilot, ""
        log.info("serving model version %d (%s)", version, pilot.manifest.sha256[:12])
        return True

    def check(self) -> None:
        """See whether the pilot still answers as it did; by the thread that looks, too."""
        if self.pilot is None:
            return
        try:
            self.pilot.check()
            drift = ""
        except ModelError as error:
            drift = str(error)
        if drift and not self.drift:
            log.error("not fit to drive any more: %s", drift)
        self.drift = drift

    def why_not_ready(self) -> str | None:
        """Return why nothing should be asked of this service, or None when a model serves well."""
        if self.pilot is not None:
            return self.drift or None
        if self.trouble:
            return f"the registry of models cannot be read: {self.trouble}"
        if self._seen is None:
            return "no model is published yet"
        return self.refused.get(self._seen, f"model version {self._seen} is being loaded")
