"""Makes drives as tasks of a Ray cluster, spread over its nodes.

A task has one CPU and returns its result to the job, which keeps it. What a lost node was doing is
done again by another one. Nothing of Ray is imported before there is something to drive.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Self

import cv2

from contract.cluster import connection, remote_call
from contract.cluster.head_watch import HeadWatch
from contract.cluster.lifeline import Lifeline
from contract.cluster.remote_call import RemoteCall
from contract.errors import ClusterError, LapwingError
from contract.models.registry import Registry
from contract.settings import ClusterSettings
from evaluator.closed_loop.executors.local_processes import CALLS_A_PROCESS
from evaluator.closed_loop.executors.policy_source import ModelFiles
from simulator.track.geometry import Track

log = logging.getLogger(__name__)

RETRIES: Final = 5
"""How often a task is done again whose node or process was lost."""
LOOK_S: Final = 1.0
"""Longest time in seconds between two looks at the head while nothing comes."""
IDLE_S: Final = 60.0
"""Time in seconds without a result and without a CPU in the cluster after which that is logged."""
PACKAGES: Final = ("contract", "evaluator", "simulator")
"""Packages whose source must be the same on the nodes."""


class RayTasks:
    """Tasks on the nodes of a cluster; a DriveExecutor.

    Args:
        settings: settings that name the cluster.
        report: called with `nodes`, the number of drives that each node has made, by its name.
    """

    def __init__(
        self, settings: ClusterSettings, report: Callable[..., None] = lambda **_: None
    ) -> None:
        self._settings = settings
        self._report = report
        self._stack = contextlib.ExitStack()
        self._ray: Any = None
        self._watch: HeadWatch | None = None
        self._lifeline: Lifeline | None = None
        self._stored: dict[int, tuple[object, Any]] = {}
        """What was put into the object store, by its id; the first of the pair keeps it alive."""
        self._nodes: Counter[str] = Counter()
        self._cpus: dict[str, str] = {}
        """Model of the processor of each node that is named in the log."""

    def __enter__(self) -> Self:
        """Return the executor."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Leave the cluster; what still runs there ends with it."""
        self._ray = None
        self._stored.clear()
        self._stack.close()

    def source(self, registry: Registry, version: int) -> ModelFiles:
        """Return the files of a version."""
        return ModelFiles.read(registry, version)

    def run(
        self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]
    ) -> Iterator[tuple[int, Any]]:
        """Call a function with each of the arguments; yield results as they come."""
        if not calls:
            return
        ray = self._join()
        task = ray.remote(
            num_cpus=1,
            max_calls=CALLS_A_PROCESS,
            max_retries=RETRIES,
            scheduling_strategy="SPREAD",
        )(remote_call.call)
        assert self._lifeline is not None
        common = tuple(RemoteCall.of(call_here, self._lifeline.address, PACKAGES))
        name = f"{function.__module__}:{function.__qualname__}"
        pending = {
            task.remote(common, [name, *map(self._reference, arguments)]): index
            for index, arguments in enumerate(calls)
        }
        try:
            while pending:
                [reference] = self._await_one(list(pending))
                yield pending.pop(reference), self._fetch(reference)
        finally:
            for reference in pending:  # an error, or nobody takes the results any more
                ray.cancel(reference, force=True)

    def _join(self) -> Any:  # noqa: ANN401 - Ray publishes types of its own
        """Join the cluster once; return the module `ray`."""
        if self._ray is None:
            with contextlib.ExitStack() as stack:
                ray = stack.enter_context(connection.join(self._settings))
                context = ray.get_runtime_context()
                addresses = {node["NodeID"]: node["NodeManagerAddress"] for node in ray.nodes()}
                self._watch = HeadWatch(context.gcs_address)
                # It is let go before the cluster is left: then whatever runs there ends.
                self._lifeline = stack.enter_context(Lifeline(addresses[context.get_node_id()]))
                self._stack = stack.pop_all()
            self._ray = ray
        return self._ray

    def _reference(self, argument: object) -> object:
        """Put an argument into the object store; return what a task is given.

        Large ones, which many calls share, are put there once.
        """
        if isinstance(argument, int | float | str):
            return argument
        if not isinstance(argument, ModelFiles | Track):
            return self._ray.put(argument)
        if id(argument) not in self._stored:
            self._stored[id(argument)] = (argument, self._ray.put(argument))
        return self._stored[id(argument)][1]

    def _await_one(self, references: list[Any]) -> list[Any]:
        """Wait until one of the tasks has ended, and look after the head meanwhile."""
        assert self._watch is not None
        told_s = time.monotonic()
        while True:
            ready, _ = self._ray.wait(references, num_returns=1, timeout=LOOK_S)
            if ready:
                return list(ready)
            self._watch.look()
            if time.monotonic() - told_s > IDLE_S:
                told_s = time.monotonic()
                if not self._ray.cluster_resources().get("CPU"):
                    log.warning("the Ray cluster has no CPU: %d drives wait", len(references))

    def _fetch(self, reference: object) -> Any:  # noqa: ANN401 - whatever the function returns
        """Return the result of a task that has ended, and count it for its node."""
        from ray.exceptions import RayError, RayTaskError

        try:
            node_id, (cpu, result) = self._ray.get(reference)
        except RayTaskError as error:
            if isinstance(error.cause, LapwingError):
                raise error.cause from None
            raise
        except RayError as error:
            assert self._watch is not None
            self._watch.look()
            raise ClusterError(
                f"a drive was lost on the Ray cluster {RETRIES + 1} times",
                got=" ".join(str(error).split())[:300],
                remedy="The logs of its nodes tell more; most often it is their memory",
            ) from error
        name = self._node_name(node_id, cpu)
        self._nodes[name] += 1
        self._report(nodes=dict(sorted(self._nodes.items())))
        return result

    def _node_name(self, node_id: str, cpu: str) -> str:
        """Return the name of a node, and warn of one whose processor is another than this one."""
        names = {node["NodeID"]: node["NodeName"] for node in self._ray.nodes()}
        name = str(names.get(node_id, node_id[:8]))
        if cpu != cpu_model() and self._cpus.get(name) != cpu:
            self._cpus[name] = cpu
            log.warning(
                "node %s has another processor (%s, here %s): its drives may differ from those of "
                "this machine in their last digits",
                name,
                cpu,
                cpu_model(),
            )
        return name


def call_here(function: str, *arguments: Any) -> tuple[str, Any]:  # noqa: ANN401 - whatever the function takes
    """Call a function in a process of a node, on one core; return the processor and the result.

    Args:
        function: module, colon and name of the function.
        arguments: its arguments.
    """
    cv2.setNumThreads(1)  # A task has one CPU.
    module, _, name = function.partition(":")
    return cpu_model(), getattr(importlib.import_module(module), name)(*arguments)


def cpu_model() -> str:
    """Return the model of this machine's processor, or its architecture where none is told."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
