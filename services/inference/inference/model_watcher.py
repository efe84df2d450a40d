"""Watches the registry: it loads each version that becomes current, and refuses unfit ones.

Only a ModelError refuses a version, because it says that its files are at fault, which never
change. Whatever else keeps a version from being loaded may pass: a worker that was killed, a disk
that did not answer, too little memory. Then it is tried again, for as long as the version is the
current one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from contract.errors import LapwingError, ModelError
from contract.models.registry import ModelManifest, Registry
from contract.perpetual import Pauses, describe, log_failure

log = logging.getLogger(__name__)

FIRST_RETRY_S: Final = 0.5
LONGEST_RETRY_S: Final = 60.0
"""Longest pause in seconds before a version is loaded again that could not be. A version that kills
the worker that loads it takes a worker from those that drive no more often."""


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
        clock: returns seconds that never go backwards.
    """

    def __init__(
        self,
        registry: Registry,
        load: Callable[[int], ServedModel],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._load = load
        self._clock = clock
        self._polled_version: int | None = None
        """The version that was current at the last poll."""
        self._due_s: float | None = None
        """The time from which on that version is to be loaded; None where it was served or refused.
        """
        self._pauses = Pauses(FIRST_RETRY_S, LONGEST_RETRY_S)
        self.model: ServedModel | None = None
        """The model that drives; None before the first. Read it once for each request, because it
        can change between two reads."""
        self.refused: Mapping[int, str] = {}
        """Why versions were refused, by version. It is replaced as a whole and never changed,
        because other threads read it."""
        self.registry_error = ""
        """Why the registry cannot be read now; empty when it can."""
        self.load_error = ""
        """Why the current version cannot be loaded now, although it may be fit; empty when nothing
        keeps it from being loaded."""
        self.parity_error = ""
        """How the predictions of the model differ from those where it was made; empty when they do
        not."""

    def poll(self) -> bool:
        """Load the current version if it is another one, and return whether the model changed.

        The reason against an unfit version is kept in `refused`, and the present model stays. A
        version is immutable, so it is tried again only after another version was current. If it
        cannot be loaded for another reason, `load_error` says why, and a later poll tries again.
        """
        try:
            version = self._registry.current()
        except (LapwingError, OSError) as error:
            if str(error) != self.registry_error:
                log.error("the registry cannot be read: %s", error)
            self.registry_error = str(error)
            return False
        self.registry_error = ""
        now_s = self._clock()
        if version is not None and version != self._polled_version:
            self._polled_version, self._due_s, self.load_error = version, now_s, ""
            self._pauses.reset()
            if self.model is not None and self.model.manifest.version == version:
                self._due_s = None
        if version is None or self._due_s is None or now_s < self._due_s:
            return False
        try:
            model = self._load(version)
        except ModelError as error:
            log.error("refused model version %d: %s", version, error)
            self.refused = {**self.refused, version: str(error)}
            self._due_s, self.load_error = None, ""
            return False
        except Exception as error:  # noqa: BLE001 - it is logged, and tried again
            pause_s = self._pauses.take_s()
            self._due_s = self._clock() + pause_s
            self.load_error = (
                f"model version {version} cannot be loaded now and is tried again: "
                f"{describe(error)}"
            )
            log_failure(f"{self.load_error} The next try is in {pause_s:g} s", error)
            return False
        self.refused = {other: reason for other, reason in self.refused.items() if other != version}
        self.model, self.parity_error = model, ""
        self._due_s, self.load_error = None, ""
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
        if self.load_error:
            return self.load_error
        if self._polled_version is None:
            return "no model is published yet"
        return self.refused.get(
            self._polled_version, f"model version {self._polled_version} is being loaded"
        )
