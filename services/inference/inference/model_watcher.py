"""Watches the registry: it loads each version that becomes current, and refuses unfit ones."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from contract.errors import LapwingError, ModelError
from contract.models.registry import ModelManifest, Registry

log = logging.getLogger(__name__)


class ServedModel(Protocol):
    """A model version that is loaded."""

    @property
    def manifest(self) -> ModelManifest:
        """The manifest of the version."""

    def check(self) -> None:
        """Check that the model predicts its golden frames as it did where it was made.

        Raises:
            ModelError: it does not.
        """


class ModelWatcher:
    """Holds the model that drives; `poll` replaces it in one step, always in the same thread.

    Args:
        registry: the registry in which versions are published.
        load: loads a version.
    """

    def __init__(self, registry: Registry, load: Callable[[int], ServedModel]) -> None:
        self._registry = registry
        self._load = load
        self._polled_version: int | None = None
        """The version that was current at the last poll."""
        self.model: ServedModel | None = None
        """The model that drives; None before the first. Read it once for each request, because it
        can change between two reads."""
        self.refused: Mapping[int, str] = {}
        """Why versions were refused, by version. It is replaced as a whole and never changed,
        because other threads read it."""
        self.registry_error = ""
        """Why the registry cannot be read now; empty when it can."""
        self.parity_error = ""
        """How the predictions of the model differ from those where it was made; empty when they do
        not."""

    def poll(self) -> bool:
        """Load the current version if it is another one, and return whether the model changed.

        The reason against an unfit version is kept in `refused`, and the present model stays. A
        version is immutable, so it is tried again only after another version was current.
        """
        try:
            version = self._registry.current()
        except (LapwingError, OSError) as error:
            if str(error) != self.registry_error:
                log.error("the registry cannot be read: %s", error)
            self.registry_error = str(error)
            return False
        self.registry_error = ""
        if version is None or version == self._polled_version:
            return False
        self._polled_version = version
        if self.model is not None and self.model.manifest.version == version:
            return False
        try:
            model = self._load(version)
        except LapwingError as error:
            log.error("refused model version %d: %s", version, error)
            self.refused = {**self.refused, version: str(error)}
            return False
        except Exception as error:  # a damaged file can make a library raise anything
            log.exception("refused model version %d", version)
            self.refused = {**self.refused, version: f"{type(error).__name__}: {error}"}
            return False
        self.refused = {other: reason for other, reason in self.refused.items() if other != version}
        self.model, self.parity_error = model, ""
        log.info("serving model version %d (%s)", version, model.manifest.sha256[:12])
        return True

    def check(self) -> None:
        """Check the golden frames of the model again; call it in the thread that polls."""
        if self.model is None:
            return
        try:
            self.model.check()
            parity_error = ""
        except ModelError as error:
            parity_error = str(error)
        if parity_error and not self.parity_error:
            log.error("the model is not fit to drive any more: %s", parity_error)
        self.parity_error = parity_error

    def unready_reason(self) -> str | None:
        """Return why frames should not be sent to this service, or None when a fit model drives."""
        if self.model is not None:
            return self.parity_error or None
        if self.registry_error:
            return f"the registry of models cannot be read: {self.registry_error}"
        if self._polled_version is None:
            return "no model is published yet"
        return self.refused.get(
            self._polled_version, f"model version {self._polled_version} is being loaded"
        )
