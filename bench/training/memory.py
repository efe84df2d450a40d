"""Measures the memory of a training for stores of several sizes.

python -m bench.training.memory

It makes stores of 1, 4 and 16 times a recording, and reads them in containers of 2 GB: once with
the data loader alone, whose memory is that of its queue and its processes, and once with a whole
training, which adds the memory of the framework. It needs a Docker engine and the trainer's image
(docker compose build trainer).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from bench import output, recordings
from bench.recordings import ROOT

IMAGE = "lapwing-trainer"
SIZES = tuple(map(int, os.environ.get("BENCH_SIZES", "1 4 16").split()))
QUEUE_MIB = 64
TRAIN_S = 60.0
STREAM_S = 15.0


def prepare(recording: Path, folder: Path, copies: int) -> None:
    """Import a recording `copies` times, each a little faster than the one before.

    Equal copies would count as one drive, and a drive that is validated on is never trained on.
    """
    from contract.settings import load
    from ingest.job import import_source
    from ingest.settings import Settings

    settings = load(Settings, {"LAPWING_DATA_DIR": str(folder / "data")})
    lines = (recording / "driving_log.csv").read_text().splitlines()
    for number in range(copies):
        copy = folder / f"run-{number}"
        shutil.copytree(recording, copy)
        head_and_speed = [line.rsplit(",", 1) for line in lines]
        varied = [f"{head},{float(speed) + number / 1000}" for head, speed in head_and_speed]
        (copy / "driving_log.csv").write_text("\n".join(varied) + "\n")
        import_source(settings, copy, None, 1.0, lambda **_: None)
        shutil.rmtree(copy)


def family(parent: int) -> Iterator[int]:
    """Yield the ids of a process and of its descendants."""
    yield parent
    children = Path(f"/proc/{parent}/task/{parent}/children")
    for child in children.read_text().split() if children.exists() else ():
        yield from family(int(child))


def pss_mib(parent: int) -> float:
    """Return the proportional set size of a process and its descendants, in MiB."""
    total = 0
    for each in family(parent):
        try:
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue  # it ended
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def peak(parent: int, for_s: float) -> float:
    """Return the largest memory of a process and its descendants over some seconds, in MiB."""
    highest, until = 0.0, time.monotonic() + for_s
    while time.monotonic() < until:
        highest = max(highest, pss_mib(parent))
        time.sleep(0.25)
    return highest


def stream_alone(data: Path) -> float:
    """Return the largest memory of this process while it only takes batches, in MiB."""
    import numpy as np

    from contract.dataset import store, store_catalog
    from trainer.data import sampler, shared_memory
    from trainer.data.loader import DataLoader

    places, parts = [], []
    for number, manifest in enumerate(store_catalog.read_manifests(data)):
        with store.open_store(data, manifest) as reader:
            places.append(reader.layout)
        parts.append(np.zeros(manifest.frames, shared_memory.RECORD))
        parts[-1]["store"], parts[-1]["frame"] = number, np.arange(manifest.frames)
    samples = np.concatenate(parts)
    parts.clear()
    highest: list[float] = []
    watcher = threading.Thread(target=lambda: highest.append(peak(os.getpid(), STREAM_S)))
    watcher.start()
    with DataLoader(places, batch=64, readers=2, queue_bytes=QUEUE_MIB << 20) as stream:
        epoch = 0
        while watcher.is_alive():
            epoch += 1
            chosen = sampler.full_shuffle(np.arange(len(samples)), 1, epoch)
            asked = (
                shared_memory.make_records(samples, numbers) for numbers, _ in chosen.batches(64)
            )
            for _ in stream.batches(asked):
                if not watcher.is_alive():
                    break
    return highest[0]


def inside(data: str) -> None:
    """Measure in the container, and print both figures as JSON."""
    alone = stream_alone(Path(data))
    config = json.dumps({"epochs": 900, "patience": 900})
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.training.job", "memory", config],
        env={
            **os.environ,
            "LAPWING_DATA_DIR": data,
            "LAPWING_MODEL_DIR": "/tmp/models",
            "LAPWING_QUEUE_MIB": str(QUEUE_MIB),
            "LAPWING_READERS": "2",
        },
    )
    whole = peak(process.pid, TRAIN_S)
    assert process.poll() is None, "the training ended"
    process.kill()
    print(json.dumps([alone, whole]))


def main(options: argparse.Namespace) -> int:
    """Measure each size, and show the figures."""
    recording = recordings.chosen()
    rows: list[output.Row] = []
    for copies in SIZES:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            folder.chmod(0o755)
            prepare(recording, folder, copies)
            stores = sum(each.stat().st_size for each in (folder / "data/stores").glob("*.h5"))
            done = subprocess.run(
                [
                    "docker",
                    "run",
                    "--rm",
                    "--memory",
                    "2g",
                    "--memory-swap",
                    "2g",
                    "--shm-size",
                    "1g",
                    "-v",
                    f"{folder}/data:/data:ro",
                    "-v",
                    f"{ROOT}/bench:/repo/bench:ro",
                    "-w",
                    "/repo",
                    IMAGE,
                    "python",
                    "-m",
                    "bench.training.memory",
                    "/data",
                ],
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            alone, whole = json.loads(done.stdout.splitlines()[-1])
            rows.append(
                {
                    "copies": copies,
                    "stores, GB": stores / 1e9,
                    "stream alone, MiB": alone,
                    "whole training, MiB": whole,
                }
            )
    title = f"Memory of the trainer; queue {QUEUE_MIB} MiB, container 2 GB"
    command = "python -m bench.training.memory"
    output.finish(output.Result("memory", title, command, recording.name, rows), options)
    return 0


if __name__ == "__main__":
    parser = output.arguments(__doc__)
    parser.add_argument("data", nargs="?", help="the data volume; it is given in the container")
    arguments = parser.parse_args()
    if not arguments.data:
        sys.exit(main(arguments))
    inside(arguments.data)
