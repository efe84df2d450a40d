"""Compares what answering a frame costs with what computing it costs: `make bench-serve`.

The limit is decoding, resizing and computing in a loop of one process. The bare FastAPI app
computes with LiteRT. Load comes from a process of its own (bench/serving/load.py) on the same
machine.
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

from bench import output, recordings
from bench.figures import latency
from bench.recordings import ROOT
from bench.serving.services import PORT, load, ready, run
from contract.frames import preprocess
from contract.frames.spec import SHAPE
from contract.policy.policy import Backend
from inference.settings import AUTO, LITERT
from inference.workers.networks import LOADERS

LOOPS = 3000


def main() -> int:
    """Measure all servers in one run, and show the figures."""
    options = output.arguments(__doc__).parse_args()
    recording = recordings.chosen()
    console = output.console(options)
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder) / "models"
        environ = {"LAPWING_DATA_DIR": f"{folder}/data", "LAPWING_MODEL_DIR": str(models)}
        console.print("one epoch of training, for a model to serve …")
        run("bench.serving.trained_model", str(recording), environ=environ)
        rows: list[dict[str, Any]] = loops(recording, models / "current")
        served = {**environ, "LAPWING_INFERENCE_PORT": str(PORT)}
        for _ in range(2):  # in turn, so that a machine that slows down slows all of them
            for name, words in (
                ("Lapwing", ("inference",)),
                (
                    "bare FastAPI, one worker",
                    ("bench.serving.bare_fastapi", str(models), str(PORT)),
                ),
                (
                    "eventlet, model.predict",
                    ("bench.serving.write_up_drive", str(models), str(PORT)),
                ),
            ):
                console.print(f"{name} …")
                with ready(*words, recording=recording, environ=served):
                    for clients in (1, 8):
                        crowd = load(recording, clients, 4.0 if "eventlet" in name else 6.0)
                        rows.append({"name": name, "clients": clients, **crowd})
            rows += loops(recording, models / "current")
        console.print("Lapwing, beside a training job …")
        with (
            ready("inference", recording=recording, environ=served),
            _training(environ),
        ):
            rows.append(
                {"name": "Lapwing, beside training", "clients": 1, **load(recording, 1, 15.0)}
            )
    keys = {"p50 ms": "p50_ms", "p99 ms": "p99_ms", "answers/s": "goodput"}
    table: list[output.Row] = [
        {
            "what": row["name"],
            "clients": row["clients"],
            **{column: row[key] for column, key in keys.items()},
        }
        for row in rows
    ]
    title = "What answering a frame costs beside computing it"
    output.finish(
        output.Result("serving", title, "make bench-serve", recording.name, table), options
    )
    return 0


def loops(recording: Path, version: Path) -> list[dict[str, Any]]:
    """Return the figures of the loop with the backend that inference chooses, and with LiteRT."""
    rows = []
    for backend in (AUTO, LITERT):
        network = LOADERS[backend](version, SHAPE)
        name = f"loop in one process, {network.name}"
        rows.append({"name": name, "clients": 1, **in_process(recording, network)})
    return rows


def in_process(recording: Path, network: Backend) -> dict[str, float]:
    """Decode, resize and compute in a loop; return the latencies and the rate."""
    cv2.setNumThreads(1)
    jpegs = [path.read_bytes() for path in sorted((recording / "IMG").glob("center*.jpg"))[:200]]
    taken_ms = []
    for number in range(LOOPS):
        began = time.perf_counter()
        network.predict(preprocess.prepare(jpegs[number % len(jpegs)])[None])
        taken_ms.append((time.perf_counter() - began) * 1000)
    p50, p99 = latency("", taken_ms)
    return {"p50_ms": p50.median, "p99_ms": p99.median, "goodput": LOOPS / sum(taken_ms) * 1000}


@contextmanager
def _training(environ: dict[str, str]) -> Iterator[None]:
    """Train at the low priority of the trainer; yields once the training is in its first epoch."""
    config = json.dumps({"epochs": 50, "patience": 50})
    words = ("nice", "-n", "15", sys.executable, "-m", "bench.training.job", "beside", config)
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
