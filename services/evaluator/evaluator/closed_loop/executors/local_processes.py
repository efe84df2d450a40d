"""Makes drives in processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, Final, Self

import cv2

from contract.child_process import die_with_parent
from contract.jobs.deaths import memory_bound
from contract.jobs.queue import EVALUATION
from contract.models.registry import Registry
from evaluator.closed_loop.executors.policy_source import ModelFolder

CALLS_A_PROCESS: Final = 100
"""Drives after which a process is replaced: about 1 MB of each world remains in it."""
PROCESS_BYTES: Final = 340 << 20
"""Memory of a process that drives: 240 MiB, and what the renderer keeps. The worker and the job
itself need about as much as one."""


class LocalProcesses:
    """Processes that are kept from one call to the next; a DriveExecutor.

    A process takes seconds to start, so none is started until there is something to call.

    Args:
        processes: number of processes that drive at the same time; 0 stands for one for each
            core, as far as the memory that the evaluator may use goes.
    """

    def __init__(self, processes: int) -> None:
        self._processes = processes or default_processes()
        self._pool: ProcessPoolExecutor | None = None
        self._calls = 0
        """Calls that the present processes were given."""

    def __enter__(self) -> Self:
        """Return the executor."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the processes; after an error without the calls that have not begun."""
        self._end(wait=kind is None)

    def source(self, registry: Registry, version: int) -> ModelFolder:
        """Return the folder of a version."""
        return ModelFolder(registry.root, version)

    def run(
        self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]
    ) -> Iterator[tuple[int, Any]]:
        """Call a function with each of the arguments; yield results as they come."""
        most = self._processes * CALLS_A_PROCESS
        for first in range(0, len(calls), most):
            for index, result in self._run(function, calls[first : first + most], most):
                yield first + index, result

    def _run(
        self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]], most: int
    ) -> Iterator[tuple[int, Any]]:
        """Do as `run` does; new processes replace those that would make more than `most` calls."""
        if self._calls + len(calls) > most:
            self._end(wait=True)
        if self._pool is None:
            self._calls = 0
            self._pool = ProcessPoolExecutor(
                min(self._processes, most),
                multiprocessing.get_context("spawn"),
                initializer=_start_process,
                initargs=(os.getpid(),),
            )
        self._calls += len(calls)
        futures = {
            self._pool.submit(function, *arguments): index for index, arguments in enumerate(calls)
        }
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            for future in futures:  # nobody takes the results any more
                future.cancel()

    def _end(self, *, wait: bool) -> None:
        if self._pool is not None:
            # Without cancelling, all other calls would be finished first.
            self._pool.shutdown(wait=wait, cancel_futures=True)
            self._pool = None


def default_processes() -> int:
    """Return how many processes drive at once: one for each core, as far as the memory goes."""
    cores, bound = os.cpu_count() or 1, memory_bound(EVALUATION)
    return max(1, min(cores, bound // PROCESS_BYTES - 1)) if bound else cores


def _start_process(parent: int) -> None:
    """Prepare a process that drives."""
    die_with_parent(parent)
    cv2.setNumThreads(1)  # The processes use all cores already.
