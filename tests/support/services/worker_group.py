"""Starts the workers of a training as processes of this machine, without Ray.

As a script it is one of them: `python worker_group.py RANK WORKERS COORDINATOR SOCKET PLAN`.
"""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import Any

AUTHKEY = b"tests"
HOST = "127.0.0.1"
ENVIRONMENT = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PJRT_NPROC": "1"}


class ExchangeManager(BaseManager):
    """Serves the exchange of a training to its workers through a Unix socket."""

    def exchange(self) -> Any:
        """Return the exchange; this is replaced when it is registered."""
        raise NotImplementedError


@dataclass
class LocalWorkers:
    """Workers of one CPU each; a group that loses one is replaced by `next_workers` of them."""

    folder: Path
    workers: int
    environ: dict[str, str]
    next_workers: int | None = None
    while_training: Callable[[list[subprocess.Popen[bytes]], Any], None] = lambda *_: None
    connected: bool = True
    output: str = ""
    groups: list[int] = field(default_factory=list)

    def train(self, plan: Any, receiver: Any) -> None:
        from trainer.distributed.exchange import MessageExchange

        exchange = MessageExchange(receiver.newest())
        ExchangeManager.register("exchange", callable=lambda: exchange)
        plan_file = self.folder / "plan.pickle"
        plan_file.write_bytes(pickle.dumps(plan))
        manager = ExchangeManager(str(self.folder / "exchange"), AUTHKEY)
        server = manager.get_server()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        workers: int | None = self.workers
        while workers:
            self.groups.append(workers)
            processes = self._start(workers, plan_file)
            try:
                while any(process.poll() is None for process in processes):
                    for message in exchange.take():
                        receiver.take(message)
                    if any(process.poll() for process in processes):
                        break  # as Ray ends a group that lost one
                    self.while_training(processes, receiver.state)
                    time.sleep(0.02)
            finally:
                for process in processes:
                    process.kill()
                self._read(processes)
            for message in exchange.take():
                receiver.take(message)
            if not any(process.returncode for process in processes):
                return
            workers, self.next_workers = self.next_workers, None
        raise AssertionError(self.output)

    def _start(self, workers: int, plan: Path) -> list[subprocess.Popen[bytes]]:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            coordinator = f"{HOST}:{probe.getsockname()[1]}" if self.connected else ""

        def arguments(rank: int) -> list[object]:
            return [rank, workers, coordinator, self.folder / "exchange", plan]

        processes = []
        for rank in range(workers):
            with (self.folder / f"rank-{rank}.log").open("ab") as output:
                processes.append(
                    subprocess.Popen(
                        [sys.executable, __file__, *map(str, arguments(rank))],
                        env={**self.environ, **ENVIRONMENT},
                        stdout=output,
                        stderr=subprocess.STDOUT,
                    )
                )
        return processes

    def _read(self, processes: list[subprocess.Popen[bytes]]) -> None:
        for rank, process in enumerate(processes):
            process.wait()
            self.output += (self.folder / f"rank-{rank}.log").read_text()


def main(rank: int, workers: int, coordinator: str, path: str, plan: Path) -> None:
    import jax

    if coordinator:
        jax.distributed.initialize(coordinator, workers, rank)
    from contract.errors import LapwingError
    from contract.settings import load
    from trainer.distributed import process_group
    from trainer.distributed.messages import WorkerRefusal
    from trainer.distributed.rank import Rank
    from trainer.settings import Settings
    from trainer.training.devices import Devices

    ExchangeManager.register("exchange")
    manager = ExchangeManager(path, AUTHKEY)
    manager.connect()
    try:
        group = process_group.join(rank, workers, HOST)
    except LapwingError as error:
        manager.exchange().refuse(WorkerRefusal.of(error))
        raise
    # As on a GPU: the frames are in the memory of the device, which varies them.
    on_device = os.environ.get("TESTS_VARY_ON_DEVICE")
    machine = Devices(True, False, "as on a GPU", ("a CPU",)) if on_device else None
    plan_read = pickle.loads(plan.read_bytes())
    Rank(plan_read, manager.exchange(), group, 1, machine).run(load(Settings, os.environ))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4], Path(sys.argv[5]))
