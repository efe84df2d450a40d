"""Compares the speed of a training alone, on TensorFlow, with that of workers on JAX.

python -m bench.training.workers --out FOLDER [--workers 1 2] [--rounds 2] RECORDING

Each worker has one core of this machine, in a cluster of its own that Ray starts (LAPWING_CLUSTER
is `local`), and so has the training alone. Counted are the samples of the epochs after the first
one, which compiles. docs/adr/0015-data-parallel.md tells the results.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from bench import output

ALONE = 0
"""Stands for a training without --workers."""


def measure(folder: Path, recording: Path, options: dict[str, Any], count: int) -> list[float]:
    """Train once; return the samples that were trained on each second, for each epoch.

    Args:
        folder: a folder for the volumes.
        recording: the recording to learn from.
        options: the options of the training.
        count: number of workers, or ALONE.
    """
    from contract.settings import load
    from contract.train_config import from_arguments
    from ingest.job import import_source
    from ingest.settings import Settings as IngestSettings
    from trainer.distributed.ray_workers import RayWorkers
    from trainer.jobs.train import train
    from trainer.settings import Settings

    environ = {
        **os.environ,
        "LAPWING_DATA_DIR": str(folder / "data"),
        "LAPWING_MODEL_DIR": str(folder / "models"),
        "LAPWING_CLUSTER": "local",
    }
    os.environ["LAPWING_DATA_DIR"] = environ["LAPWING_DATA_DIR"]  # the workers read it
    import_source(load(IngestSettings, environ), recording, recording.name, 1.0, lambda **_: None)
    settings = load(Settings, environ)
    workers = RayWorkers(settings, count) if count else None
    job_id = f"bench-{count}-{time.time_ns()}"
    config = from_arguments(options)
    result = train(settings, job_id, lambda **_: None, [], config, workers=workers)
    shutil.rmtree(folder / "models")
    return [epoch["samples_per_s"] for epoch in result["history"]]


def main() -> int:
    """Measure each number of workers in turn, several times, and show the medians."""
    asked = output.arguments(__doc__)
    asked.add_argument("recording", type=Path, help="the recording to learn from")
    asked.add_argument("--out", type=Path, required=True, help="a folder for the volumes")
    asked.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    asked.add_argument("--rounds", type=int, default=2)
    asked.add_argument("--epochs", type=int, default=3)
    asked.add_argument("--batch", type=int, default=64)
    chosen = asked.parse_args()
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ[name] = "1"
    options = {"epochs": chosen.epochs, "batch": chosen.batch, "patience": chosen.epochs}
    rates: dict[int, list[float]] = {count: [] for count in (ALONE, *chosen.workers)}
    loads = [os.getloadavg()[0]]
    for _ in range(chosen.rounds):
        for count, found in rates.items():
            found += measure(chosen.out, chosen.recording, options, count)[1:]
            loads.append(os.getloadavg()[0])
            print(json.dumps({"workers": count, "samples_per_s": found}), file=sys.stderr)
    first = statistics.median(rates[chosen.workers[0]])
    rows: list[output.Row] = [
        {
            "training": f"{count} workers, JAX" if count else "alone, TensorFlow",
            "samples/s": round(statistics.median(found), 1),
            "times one worker": round(statistics.median(found) / first, 2),
            "load before and after": f"{min(loads):.1f} to {max(loads):.1f}",
        }
        for count, found in rates.items()
    ]
    title = "A training alone, and with workers of one core each"
    command = "python -m bench.training.workers"
    output.finish(output.Result("workers", title, command, chosen.recording.name, rows), chosen)
    return 0


if __name__ == "__main__":
    sys.exit(main())
