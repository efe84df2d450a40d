"""The seam between what is driven and where: functions are called in other processes.

A call returns its result; nothing is written where it runs. So a node needs neither the model
volume nor the data volume, and what is kept does not depend on where it was made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, Self

from contract.models.registry import Registry
from evaluator.closed_loop.executors.policy_source import PolicySource


class DriveExecutor(Protocol):
    """Calls functions in other processes; it is used as a context manager.

    Nothing is started before there is something to call, and then it is kept from one call of `run`
    to the next.
    """

    def __enter__(self) -> Self:
        """Return the executor."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the processes; after an error without the calls that have not begun."""

    def source(self, registry: Registry, version: int) -> PolicySource:
        """Return what the functions load a version from."""

    def run(
        self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]
    ) -> Iterator[tuple[int, Any]]:
        """Call a function with each of the arguments; yield results as they come.

        Args:
            function: function of a module, which other processes can import.
            calls: arguments of the calls.

        Yields:
            The index of a call, and its result.

        Raises:
            LapwingError: what a call raised, or the calls cannot be made.
        """
