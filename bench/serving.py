"""What answering a frame costs beside computing it: `python -m bench.serving`, `make bench-serve`.

The limit is decoding, resizing and computing in a loop of one process. Load comes from a process of
its own (bench/load.py) on the same machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import urllib3
from rich.console import Console
from rich.table import Table

from bench.figures import latency
from contract.frames import preprocess
from contract.policy.litert import LiteRT

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("LAPWING_SHARED", ROOT.parent / "shared"))
PORT = 18123
URL = f"http://127.0.0.1:{PORT}"
LOOPS = 3000
KIND = {"Content-Type": "image/jpeg"}


def main() -> int:
    """Measure all of them in one run; print a table and, with --json, a document."""
    recording = Path(os.environ.get("RECORDING") or SHARED / "data" / "lake")
    console = Console(stderr="--json" in sys.argv)
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder) / "models"
        environ = {"LAPWING_DATA_DIR": f"{folder}/data", "LAPWING_MODEL_DIR": str(models)}
        console.print("one epoch of training, for a model to serve …")
        run("bench.learned", str(recording), environ=environ)
        limit = in_process(recording, models / "current")
        rows: list[dict[str, Any]] = [{"name": "loop in one process", "clients": 1, **limit}]
        served = {**environ, "LAPWING_INFERENCE_PORT": str(PORT)}
        for _ in range(2):  # in turn, so that a machine that slows down slows all of them
            for name, words in (
                ("Lapwing", ("inference",)),
                ("bare FastAPI, one worker", ("bench.plain", str(models), str(PORT))),
                (
                    "eventlet, model.predict",
                    ("bench.drive", str(models), str(PORT)),
                ),
            ):
                console.print(f"{name} …")
                with ready(*words, recording=recording, environ=served):
                    for clients in (1, 8):
                        crowd = load(recording, clients, 4.0 if "eventlet" in name else 6.0)
                        rows.append({"name": name, "clients": clients, **crowd})
            rows.append(
                {
                    "name": "loop in one process",
                    "clients": 1,
                    **in_process(recording, models / "current"),
                }
            )
        console.print("Lapwing, beside a training job …")
        with (
            ready("inference", recording=recording, environ=served),
            _training(environ),
        ):
            rows.append(
                {"name": "Lapwing, beside training", "clients": 1, **load(recording, 1, 15.0)}
            )
    if "--json" in sys.argv:
        print(json.dumps(rows, indent=2))
        return 0
    table = Table(
        "what", "clients", "p50 ms", "p99 ms", "answers/s", title=f"{os.cpu_count()} cores"
    )
    for row in rows:
        values = (f"{row[key]:,.2f}" for key in ("p50_ms", "p99_ms", "goodput"))
        table.add_row(row["name"], str(row["clients"]), *values)
    console.print(table)
    return 0


def in_process(recording: Path, version: Path) -> dict[str, float]:
    """Decode, resize and compute in a loop."""
    cv2.setNumThreads(1)
    network = LiteRT(version)
    jpegs = [path.read_bytes() for path in sorted((recording / "IMG").glob("center*.jpg"))[:200]]
    taken_ms = []
    for number in range(LOOPS):
        began = time.perf_counter()
        network.predict(preprocess.prepare(jpegs[number % len(jpegs)])[None])
        taken_ms.append((time.perf_counter() - began) * 1000)
    p50, p99 = latency("", taken_ms)
    return {"p50_ms": p50.median, "p99_ms": p99.median, "goodput": LOOPS / sum(taken_ms) * 1000}


def load(recording: Path, clients: int, seconds: float) -> dict[str, Any]:
    """Ask with so many clients, each again as soon as it is answered."""
    printed = run(
        "bench.load",
        URL,
        str(recording / "IMG"),
        "--clients",
        str(clients),
        "--seconds",
        str(seconds),
        environ={},
    )
    document: dict[str, Any] = json.loads(printed)
    return document


def run(module: str, *words: str, environ: dict[str, str]) -> str:
    """Run a module to its end; return what it printed."""
    return subprocess.run(
        [sys.executable, "-m", module, *words],
        check=True,
        text=True,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environ},
    ).stdout


@contextmanager
def process(*words: str, environ: dict[str, str]) -> Iterator[None]:
    """Run a module meanwhile."""
    started = subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environ},
    )
    try:
        yield
    finally:
        started.terminate()
        started.wait()


@contextmanager
def ready(*words: str, recording: Path, environ: dict[str, str]) -> Iterator[None]:
    """Serve; yields once the first picture is answered."""
    jpeg = next((recording / "IMG").glob("center*.jpg")).read_bytes()
    pool = urllib3.PoolManager(retries=False)
    with process(*words, environ=environ):
        deadline = time.monotonic() + 60
        while True:
            try:
                if pool.request("POST", URL + "/predict", body=jpeg, headers=KIND).status == 200:
                    break
            except urllib3.exceptions.HTTPError:
                assert time.monotonic() < deadline, f"{words[0]} does not answer"
            time.sleep(0.1)
        yield


@contextmanager
def _training(environ: dict[str, str]) -> Iterator[None]:
    """Train, as stood back as the trainer is; yields once it is in its first epoch."""
    config = json.dumps({"epochs": 50, "patience": 50})
    words = ("nice", "-n", "15", sys.executable, "-m", "bench.training", "beside", config)
    job = subprocess.Popen(
        words,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environ},
    )
    try:
        time.sleep(20)
        assert job.poll() is None, "the training has ended"
        yield
    finally:
        job.kill()
        job.wait()


if __name__ == "__main__":
    sys.exit(main())
