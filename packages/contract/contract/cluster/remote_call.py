"""What a process of a node runs for a job: a function, after it holds the job's lifeline.

This module imports next to nothing, and a call brings its arguments as references: so the process
holds the lifeline before it imports and reads what takes seconds, and ends at once if the job is
cancelled meanwhile.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from contract.cluster import lifeline, release

__all__ = ["RemoteCall", "call"]


class RemoteCall(NamedTuple):
    """What all calls of a job have in common; only plain values, so that it needs no imports."""

    lifeline_address: tuple[str, int]
    """Where the job listens, with which the process ends."""
    packages: tuple[str, ...]
    """Packages of which the node must have the job's release."""
    source: str
    """Digest of their source, where the job is."""
    function: str
    """Dotted name of the function: module, colon, name."""

    @classmethod
    def of(
        cls,
        function: Any,  # noqa: ANN401 - any function of a module
        lifeline_address: tuple[str, int],
        packages: tuple[str, ...],
    ) -> RemoteCall:
        """Return the calls of a function of a module."""
        name = f"{function.__module__}:{function.__qualname__}"
        return cls(lifeline_address, packages, release.digest(packages), name)


def call(common: RemoteCall, arguments: Sequence[Any]) -> tuple[str, Any]:
    """Call a function in a process of a node; return the node's id and the result.

    Args:
        common: what all calls of the job have in common.
        arguments: arguments, of which each may be a reference to an object of Ray.

    Raises:
        ClusterError: this node runs another release than the job.
        LapwingError: what the function raises.
    """
    common = RemoteCall(*common)
    lifeline.hold(common.lifeline_address)
    import ray

    release.check(common.packages, common.source)
    module, _, name = common.function.partition(":")
    function = getattr(importlib.import_module(module), name)
    values = [ray.get(each) if isinstance(each, ray.ObjectRef) else each for each in arguments]
    return ray.get_runtime_context().get_node_id(), function(*values)
