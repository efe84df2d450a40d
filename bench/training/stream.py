"""Compares Lapwing's data loader with other ways of feeding a network: `make bench-stream`."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tables

from bench import output, recordings
from bench.training import accelerator
from bench.training.loaders.memory import everything
from bench.training.loaders.ring import RingOptions
from contract.frames.row_range import ALL_ROWS, RowRange
from contract.settings import load
from ingest.job import import_source
from ingest.settings import Settings
from trainer.training import network_builder, training_view

ROUNDS = 3
PLAIN = "visible rows: ring, exact shuffle, 2 readers"


def contestants(visible: RowRange) -> dict[str, tuple[str, RowRange, dict[str, object]]]:
    """Return the module of each loader, the rows of the frames that it delivers, and its options.

    The loaders of others deliver whole frames. Lapwing's deliver both: whole frames to be compared
    with those, and the rows that its network looks at, as its training reads them.
    """
    return {
        "two queues, a put per sample (the write-up)": ("two_queues", ALL_ROWS, {}),
        "generator with cv2.imread (Udacity)": ("generator", ALL_ROWS, {}),
        "tf.data, JPEG files": ("tfdata_jpeg", ALL_ROWS, {}),
        "tf.data, TFRecord": ("tfdata_record", ALL_ROWS, {}),
        "PyTorch DataLoader, JPEG files, 2 workers": ("torch_loader", ALL_ROWS, {}),
        "sequential read, no processes": ("sequential", ALL_ROWS, {}),
        "gather from memory": ("memory", ALL_ROWS, {}),
        "ring, in the file's order, 2 readers": ("ring", ALL_ROWS, {"shuffle": "none"}),
        "ring, exact shuffle, 1 reader": ("ring", ALL_ROWS, {"readers": 1}),
        "ring, exact shuffle, 2 readers": ("ring", ALL_ROWS, {}),
        "ring, blocks, 2 readers": ("ring", ALL_ROWS, {"shuffle": "blocks"}),
        "visible rows: gather from memory (the limit)": ("memory", visible, {}),
        PLAIN: ("ring", visible, {}),
        "visible rows: ring, exact shuffle and flips, 2 readers": ("ring", visible, {"flip": True}),
        "default recipe, readers by default": ("ring", visible, {"recipe": True, "readers": 0}),
        "default recipe, 2 readers": ("ring", visible, {"recipe": True}),
    }


FED = {
    "as recorded, 2 readers": RingOptions(),
    "by the default recipe, 2 readers": RingOptions(recipe=True),
}
"""What feeds the simulated accelerator."""


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


def measure(
    folder: Path, chosen: Mapping[str, tuple[str, RowRange, dict[str, object]]]
) -> dict[str, list[float]]:
    """Return the samples per second of each loader, one value for each round."""
    rates: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, (module, rows, options) in chosen.items():
            if module == "torch_loader" and importlib.util.find_spec("torch") is None:
                continue
            done = subprocess.run(
                [sys.executable, "-m", "bench.training.loaders", module, str(folder)],
                env={
                    **os.environ,
                    "TF_CPP_MIN_LOG_LEVEL": "3",
                    "BENCH_ROWS": f"{rows.first} {rows.end}",
                    "BENCH_RING": json.dumps({"rows": (rows.first, rows.end), **options}),
                },
                stdout=subprocess.PIPE,
                check=True,
            )
            rates.setdefault(name, []).append(float(json.loads(done.stdout)))
    return rates


def wait_shares(folder: Path, visible: RowRange) -> dict[str, list[float]]:
    """Return the share of the time that an accelerator waits, one value for each round."""
    shares: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, options in FED.items():
            share = accelerator.waits(folder, dataclasses.replace(options, rows=visible))
            shares.setdefault(name, []).append(share)
    return shares


def main() -> int:
    """Measure, and show the figures."""
    parser = output.arguments(__doc__)
    parser.add_argument(
        "--only", default="", help="measure the loaders whose names have one of these parts: a,b,c"
    )
    options = parser.parse_args()
    recording = recordings.chosen()
    visible = training_view.visible_rows(network_builder.build())
    chosen = {
        name: each
        for name, each in contestants(visible).items()
        if name == PLAIN or any(part in name for part in options.only.split(","))
    }
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        prepare(recording, folder)
        rates = measure(folder, chosen)
        shares = wait_shares(folder, visible)
    plain = statistics.median(rates[PLAIN])
    rows: list[output.Row] = [
        {
            "loader": name,
            "rows of a frame": chosen[name][1].shape[0],
            "samples/s": statistics.median(values),
            "lowest": min(values),
            "highest": max(values),
            "of the plain stream": statistics.median(values) / plain,
            "accelerator waits, %": None,
        }
        for name, values in rates.items()
    ]
    pace = f"{accelerator.BATCH} every {1000 * accelerator.STEP_S:.0f} ms"
    rows += [
        {
            "loader": f"accelerator ({pace}) fed {name}",
            "rows of a frame": visible.shape[0],
            "samples/s": None,
            "lowest": None,
            "highest": None,
            "of the plain stream": None,
            "accelerator waits, %": 100 * statistics.median(values),
        }
        for name, values in shares.items()
    ]
    title = "Ways of feeding a network, batches of 128"
    output.finish(
        output.Result("stream", title, "make bench-stream", recording.name, rows), options
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
