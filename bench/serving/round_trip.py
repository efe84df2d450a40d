"""Measures a drive: simulator, bridge and inference, each in a process of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3

from bench.figures import Figure, latency

REQUESTS = 2000
LAPS = "0.4"


def measure(recording: Path, models: Path) -> list[Figure]:
    """Return the latencies of /predict and of a telemetry's round trip, and the speed of a drive.

    The speed is that of the simulator in lock-step, as a multiple of real time.
    """
    jpegs = [path.read_bytes() for path in sorted((recording / "IMG").glob("center_*.jpg"))[:200]]
    ports = [_free_port(), _free_port()]
    url = f"http://127.0.0.1:{ports[0]}"
    environ = {
        "LAPWING_MODEL_DIR": str(models),
        "LAPWING_INFERENCE_PORT": str(ports[0]),
        "LAPWING_INFERENCE_URL": url,
        "LAPWING_BRIDGE_PORT": str(ports[1]),
    }
    with _process("inference", environ), _process("driver_bridge", environ):
        for address in (f"{url}/readyz", f"http://127.0.0.1:{ports[1]}/healthz"):
            await_page(address)
        pool = urllib3.PoolManager(retries=False)
        taken_ms = []
        for number in range(REQUESTS):
            began = time.perf_counter()
            pool.request(
                "POST",
                url + "/predict",
                body=jpegs[number % len(jpegs)],
                headers={"Content-Type": "image/jpeg"},
            )
            taken_ms.append((time.perf_counter() - began) * 1000)
        replayed = _simulator("replay", str(recording), port=ports[1])
        drive = _simulator("drive", "--laps", LAPS, port=ports[1])
    p50, p99, rate = replayed["p50_ms"], replayed["p99_ms"], replayed["answers_per_s"]
    wire = drive["wire"]
    faster = drive["elapsed_s"] / (wire["answered"] / wire["answers_per_s"])
    return [
        *latency("/predict, one client", taken_ms),
        Figure("telemetry to answer: p50", "ms", p50, p50, p50),
        Figure("telemetry to answer: p99", "ms", p99, p99, p99),
        Figure("telemetry, lock-step", "answers/s", rate, rate, rate),
        Figure("simulator, lake: lock-step drive", "x real time", faster, faster, faster),
    ]


def _simulator(*words: str, port: int) -> dict[str, Any]:
    """Run a command of the simulator over a bridge; return its JSON document."""
    command = [
        sys.executable,
        "-m",
        "simulator",
        *words,
        "--json",
        "--bridge",
        f"ws://127.0.0.1:{port}",
    ]
    document: dict[str, Any] = json.loads(subprocess.run(command, stdout=subprocess.PIPE).stdout)
    return document


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def _process(module: str, environ: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", module], env={**os.environ, **environ}, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def await_page(address: str) -> None:
    """Wait until an address answers with status 200."""
    pool = urllib3.PoolManager(retries=False)
    deadline = time.monotonic() + 30
    while True:
        try:
            if pool.request("GET", address).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            assert time.monotonic() < deadline, f"{address} does not answer"
        time.sleep(0.05)
