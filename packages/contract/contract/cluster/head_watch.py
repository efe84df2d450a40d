"""Watches whether the head of the cluster goes on, while a job waits for its work.

Without its head a cluster starts nothing new, and forgets what it was asked: Ray's client waits for
it for a minute, and then ends the whole process without an error. A head that was started again is
another cluster. So the job looks itself, and gives up with an error after which it is run again.
"""

from __future__ import annotations

import contextlib
import importlib
import time
from typing import Any, Final

from contract.cluster.head import HeadAddress
from contract.errors import ClusterError, ClusterLostError

__all__ = ["HeadWatch"]

PERIOD_S: Final = 3.0
"""Time in seconds between two looks."""
PATIENCE_S: Final = 12.0
"""Time in seconds for which a head may be silent."""
RETURN_S: Final = 40.0
"""Time in seconds for which its return is awaited, so that the next run of the job finds it."""


class HeadWatch:
    """Looks after the head of the cluster that this process has joined.

    Args:
        address: host and port of the head, as `ray.get_runtime_context().gcs_address` has it.
        patience_s: time in seconds for which the head may be silent.
        return_s: time in seconds for which the return of a lost head is awaited.
    """

    def __init__(
        self, address: str, patience_s: float = PATIENCE_S, return_s: float = RETURN_S
    ) -> None:
        self._head = HeadAddress.parse(address)
        self._patience_s = patience_s
        self._return_s = return_s
        self._cluster = self._cluster_id()
        self._looked_s = time.monotonic()

    def look(self) -> None:
        """Look, if the last look was PERIOD_S ago.

        Raises:
            ClusterLostError: the head is gone, or was started again.
        """
        if time.monotonic() - self._looked_s < PERIOD_S:
            return
        try:
            self._head.await_answer(self._patience_s)
        except ClusterError as error:
            with contextlib.suppress(ClusterError):
                self._head.await_answer(self._return_s)
            raise ClusterLostError(
                f"the head of the Ray cluster at {self._head} was lost",
                remedy="The job goes on from what it has kept, as soon as a head is there again",
            ) from error
        if self._cluster_id() != self._cluster:
            raise ClusterLostError(
                f"the head of the Ray cluster at {self._head} was started again",
                remedy="The job goes on from what it has kept",
            )
        self._looked_s = time.monotonic()

    def _cluster_id(self) -> str:
        raylet: Any = importlib.import_module("ray._raylet")
        return str(raylet.GcsClient(address=str(self._head)).cluster_id.hex())
