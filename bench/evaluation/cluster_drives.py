"""Measures what a Ray cluster makes of the drives of an evaluation.

python -m bench.evaluation.cluster_drives --models FOLDER

FOLDER is a model volume whose version 1 drives; its evaluations are left as they are. The nodes are
processes of this machine, each with one core of its own. Two questions are asked, ROUNDS times in
turn, and the medians are told:

- How many more drives a minute do two nodes make than one? Both are at work already.
- What does the engine cost? The same drives are made by as many local processes. Here the job has
  to start what it needs: it joins the cluster, or starts the processes.
"""

from __future__ import annotations

import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import output
from contract.cluster.head import HeadAddress
from contract.models.registry import Registry
from evaluator.closed_loop.executors.executor import DriveExecutor
from evaluator.closed_loop.executors.local_processes import LocalProcesses
from evaluator.closed_loop.executors.ray_tasks import RayTasks
from evaluator.closed_loop.perturbations import Condition
from evaluator.closed_loop.rollouts import Rollout, RolloutPool, Scenario
from evaluator.settings import Settings

TRACK = "lake"
DRIVES = 24
ROUNDS = 3
HEAD_PORT = 26_379
STORE_BYTES = 80_000_000
START_S = 120.0


class PinnedNodes:
    """A head, and nodes of which each has one core; use it as a context manager."""

    def __init__(self, folder: Path, cores: Sequence[int]) -> None:
        self._folder = folder
        self._cores = cores
        token = folder / "token"
        token.write_text(secrets.token_hex(32))
        self.settings = Settings(cluster=f"127.0.0.1:{HEAD_PORT}", cluster_token_file=str(token))
        self._environ = {
            **os.environ,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
        }
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> PinnedNodes:
        self._start("head", [], "--head", f"--port={HEAD_PORT}", "--num-cpus=0")
        HeadAddress("127.0.0.1", HEAD_PORT).await_answer(START_S)
        time.sleep(5)  # the node of the head begins after its server answers
        for core in self._cores:
            address = f"--address=127.0.0.1:{HEAD_PORT}"
            self._start(f"core{core}", ["taskset", "-c", str(core)], address, "--num-cpus=1")
        time.sleep(10)
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            process.wait(60)

    def _start(self, name: str, prefix: Sequence[str], *options: str) -> None:
        command = [
            *prefix,
            *(str(Path(sys.executable).with_name("ray")), "start", *options),
            *(f"--node-name={name}", f"--object-store-memory={STORE_BYTES}"),
            *("--disable-usage-stats", "--block"),
        ]
        if "--head" in options:
            command += ["--include-dashboard=false", f"--temp-dir={self._folder}/r"]
        with (self._folder / f"{name}.log").open("wb") as log:
            self._processes.append(
                subprocess.Popen(command, env=self._environ, stdout=log, stderr=log)
            )


def main() -> int:
    """Measure, and show the figures."""
    parser = output.arguments(__doc__)
    parser.add_argument("--models", type=Path, required=True, help="model volume with a version 1")
    parser.add_argument("--laps", type=float, default=0.25, help="laps of a drive")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[:2]
    with tempfile.TemporaryDirectory(prefix="lb-") as folder:
        registry = Registry(Path(folder) / "models")
        version = registry.path(1)
        shutil.copytree(Registry(options.models).path(1), version)
        shutil.rmtree(version / "evaluations", ignore_errors=True)
        rows = measure(registry, Path(folder), cores, options.laps)
    title = f"{DRIVES} drives of {options.laps:g} laps of the {TRACK} on pinned nodes"
    command = "python -m bench.evaluation.cluster_drives --models FOLDER"
    output.finish(output.Result("cluster", title, command, "", rows), options)
    return 0


def measure(
    registry: Registry, folder: Path, cores: Sequence[int], laps: float
) -> list[output.Row]:
    """Return the figures of both questions."""
    rates: dict[int, list[float]] = {}
    walls: dict[str, list[float]] = {"local": [], "cluster": []}
    for _ in range(ROUNDS):
        for count in range(1, len(cores) + 1):
            with PinnedNodes(folder, cores[:count]) as nodes:
                rates.setdefault(count, []).append(_rate(registry, nodes.settings, laps))
                if count == len(cores):
                    walls["cluster"].append(_wall_s(registry, RayTasks(nodes.settings), laps))
        walls["local"].append(_wall_s(registry, LocalProcesses(len(cores)), laps))
    found = {count: statistics.median(each) for count, each in rates.items()}
    wall = {name: statistics.median(each) for name, each in walls.items()}
    return [
        *(
            _row(f"{count} node{'s' if count > 1 else ''}", rate, "drives/min", rate / found[1])
            for count, rate in found.items()
        ),
        _row(f"{len(cores)} local processes", wall["local"], "s", 1.0),
        _row(f"{len(cores)} nodes", wall["cluster"], "s", wall["cluster"] / wall["local"]),
    ]


def _rate(registry: Registry, settings: Settings, laps: float) -> float:
    """Return the drives a minute of nodes that have made a drive before."""
    with ExitStack() as stack:
        pool = stack.enter_context(RolloutPool(registry, RayTasks(settings)))
        pool.run(_drives(laps, 4))
        drives = _drives(laps, DRIVES)
        began = time.perf_counter()
        pool.run(drives)
        return len(drives) / (time.perf_counter() - began) * 60


def _wall_s(registry: Registry, executor: DriveExecutor, laps: float) -> float:
    """Return how long an evaluation takes that starts what it needs."""
    began = time.perf_counter()
    with RolloutPool(registry, executor) as pool:
        pool.run(_drives(laps, DRIVES))
    return time.perf_counter() - began


def _drives(laps: float, count: int) -> list[Rollout]:
    """Return drives that were never made."""
    scenario = Scenario(TRACK, Condition(), laps, time.time_ns() % 2**31)
    return [Rollout(1, scenario, number) for number in range(count)]


def _row(name: str, value: float, unit: str, ratio: float) -> output.Row:
    return {"what": name, "median": value, "unit": unit, "ratio": round(ratio, 3)}


if __name__ == "__main__":
    sys.exit(main())
