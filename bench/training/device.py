"""Compares ways of feeding the network on an accelerator, and measures how long it waits.

python -m bench.training.device

The frames are varied by the default recipe. The first contestant has no stream at all: it trains
again and again on batches that lie in the memory of the device. KERAS_BACKEND=jax or torch measures
on that backend, without TensorFlow. Without an accelerator, the CPU stands in for one; then the
figures say only that everything runs.

Nothing heavy is imported at the top, because spawned reader processes import this module again.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench import output, recordings
from contract.dataset import store, store_catalog
from contract.settings import load

if TYPE_CHECKING:
    from bench.training.feeding import Run


def main() -> int:
    """Measure, and show the figures."""
    parser = output.arguments(__doc__)
    parser.add_argument("--batches", type=int, nargs="+", default=[256, 1024], metavar="SAMPLES")
    parser.add_argument("--seconds", type=float, default=10.0, help="time of each measurement")
    parser.add_argument("--readers", type=int, default=2, help="processes that read the ring")
    options = parser.parse_args()
    recording = recordings.chosen()
    import keras

    from bench.training import feeding
    from trainer.training import devices

    machine = devices.configure()
    policy = "mixed_bfloat16" if machine.gpu else "float32"
    rows: list[output.Row] = []
    with tempfile.TemporaryDirectory() as scratch:
        data = imported(recording, Path(scratch))
        (manifest,) = store_catalog.read_manifests(data)
        with store.open_store(data, manifest) as reader:
            for batch in options.batches:
                runs = feeding.compare([reader], batch, options.readers, options.seconds, policy)
                alone = statistics.median(runs[feeding.ALONE].samples_per_s)
                rows += [row(batch, name, run, alone) for name, run in runs.items()]
    what = "a GPU" if machine.gpu else "the CPU in place of a GPU"
    title = f"Feeding the network on {what}, {keras.backend.backend()}, {policy}"
    command = "python -m bench.training.device"
    output.finish(output.Result("device", title, command, recording.name, rows), options)
    return 0


def imported(recording: Path, folder: Path) -> Path:
    """Import the recording, and return the data volume."""
    from ingest.job import import_source
    from ingest.settings import Settings

    settings = load(Settings, {"LAPWING_DATA_DIR": str(folder)})
    import_source(settings, recording, "run", 1.0, lambda **_: None)
    return folder


def row(batch: int, name: str, run: Run, alone: float) -> output.Row:
    """Return a contestant's row of the table."""
    rate = statistics.median(run.samples_per_s)
    return {
        "batch": batch,
        "fed from": name,
        "samples/s": rate,
        "lowest": min(run.samples_per_s),
        "highest": max(run.samples_per_s),
        "x the network alone": rate / alone,
        "waits, %": 100 * statistics.median(run.waited),
        "GPU busy, %": 100 * statistics.mean(run.utilisation) if run.utilisation else None,
    }


if __name__ == "__main__":
    sys.exit(main())
