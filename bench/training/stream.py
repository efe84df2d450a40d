"""Compares Lapwing's data loader with other ways of feeding a network: `make bench-stream`."""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import tables

from bench import output, recordings
from bench.training.accelerator import waits
from bench.training.loaders.memory import everything
from contract.settings import load
from ingest.job import import_source
from ingest.settings import Settings

ROUNDS = 3
CONTESTANTS: dict[str, tuple[str, dict[str, str]]] = {
    "two queues, a put per sample (the write-up)": ("two_queues", {}),
    "generator with cv2.imread (Udacity)": ("generator", {}),
    "tf.data, JPEG files": ("tfdata_jpeg", {}),
    "tf.data, TFRecord": ("tfdata_record", {}),
    "PyTorch DataLoader, JPEG files, 2 workers": ("torch_loader", {}),
    "sequential read, no processes": ("sequential", {}),
    "gather from memory (the limit)": ("memory", {}),
    "ring, in the file's order, 2 readers": ("ring", {"BENCH_SHUFFLE": "none"}),
    "ring, exact shuffle, 1 reader": ("ring", {"BENCH_READERS": "1"}),
    "ring, exact shuffle, 2 readers": ("ring", {}),
    "ring, exact shuffle and flips, 2 readers": ("ring", {"BENCH_FLIP": "1"}),
    "ring, blocks, 2 readers": ("ring", {"BENCH_SHUFFLE": "blocks"}),
}
OURS = "ring, exact shuffle, 2 readers"


def prepare(recording: Path, folder: Path) -> None:
    """Make the files of the loaders: a link to the recording, its store, the write-up's file."""
    (folder / "run").symlink_to(recording.absolute())
    settings = load(Settings, {"LAPWING_DATA_DIR": str(folder / "data")})
    import_source(settings, recording, "run", 1.0, lambda **_: None)
    frames, labels = everything(folder)
    with tables.open_file(str(folder / "writeup.h5"), "w") as file:
        for name, values in (("images", frames), ("labels", labels[:, None].astype(np.float64))):
            array = file.create_earray(
                "/",
                f"training_{name}",
                tables.Atom.from_dtype(values.dtype),
                (0, *values.shape[1:]),
                expectedrows=64_000,
            )
            array.append(values)


def measure(folder: Path) -> dict[str, list[float]]:
    """Return the samples per second of each loader, one value for each round."""
    rates: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, (module, environ) in CONTESTANTS.items():
            if module == "torch_loader" and importlib.util.find_spec("torch") is None:
                continue
            done = subprocess.run(
                [sys.executable, "-m", "bench.training.loaders", module, str(folder)],
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environ},
                stdout=subprocess.PIPE,
                check=True,
            )
            rates.setdefault(name, []).append(float(json.loads(done.stdout)))
    return rates


def main() -> int:
    """Measure, and show the figures."""
    options = output.arguments(__doc__).parse_args()
    recording = recordings.chosen()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        prepare(recording, folder)
        rates = measure(folder)
        waited = waits(folder)
    ours = statistics.median(rates[OURS])
    rows: list[output.Row] = [
        {
            "loader": name,
            "samples/s": statistics.median(values),
            "lowest": min(values),
            "highest": max(values),
            "exact shuffle is x times": ours / statistics.median(values),
        }
        for name, values in rates.items()
    ]
    title = "Ways of feeding a network, batches of 128"
    output.finish(
        output.Result("stream", title, "make bench-stream", recording.name, rows), options
    )
    for name, share in waited.items():
        output.console(options).print(f"{name} waits {share:.2%} of its time", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
