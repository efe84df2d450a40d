"""Lapwing's stream against other ways of feeding a network: `make bench-stream`."""

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
from rich.console import Console
from rich.table import Table

from bench.accelerator import waits
from bench.loaders.memory import everything
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
    """Make what the loaders read: a link to the recording, its store, the write-up's file."""
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
    """Return samples a second of each contestant, round by round, all in turn."""
    rates: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, (module, environ) in CONTESTANTS.items():
            if module == "torch_loader" and importlib.util.find_spec("torch") is None:
                continue
            done = subprocess.run(
                [sys.executable, "-m", "bench.loaders", module, str(folder)],
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environ},
                stdout=subprocess.PIPE,
                check=True,
            )
            rates.setdefault(name, []).append(float(json.loads(done.stdout)))
    return rates


def main() -> int:
    """Print a table; with --json, a document instead."""
    shared = Path(os.environ.get("LAPWING_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    recording = Path(os.environ.get("RECORDING") or shared / "data" / "lake")
    if not (recording / "driving_log.csv").is_file():
        print(f"bench: {recording} is no recording; name one: make bench-stream RECORDING=folder")
        return 1
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        prepare(recording, folder)
        rates = measure(folder)
        waited = waits(folder)
    if "--json" in sys.argv:
        print(json.dumps({"samples_per_s": rates, "accelerator_waits_share": waited}, indent=2))
        return 0
    ours = statistics.median(rates[OURS])
    table = Table(
        "loader",
        "samples/s",
        "lowest",
        "highest",
        "exact shuffle is",
        title=f"{os.cpu_count()} cores, batches of 128",
    )
    for name, each in rates.items():
        middle = statistics.median(each)
        table.add_row(
            name,
            *(f"{value:,.0f}" for value in (middle, min(each), max(each))),
            f"{ours / middle:.2f} x",
        )
    console = Console()
    console.print(table)
    for name, share in waited.items():
        console.print(f"{name} waits {share:.2%} of its time", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
