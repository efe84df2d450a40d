"""Compares the ways of shuffling on one recording: `python -m bench.training.shuffling`."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile

from bench import output, recordings
from bench.training import job
from contract.settings import load
from ingest.job import import_source
from ingest.settings import Settings

SEEDS = 5
EPOCHS = 4


def main() -> int:
    """Train with SEEDS seeds in each way, and show the validation MSE of the best epoch."""
    options = output.arguments(__doc__).parse_args()
    recording = recordings.chosen()
    rows: list[output.Row] = []
    with tempfile.TemporaryDirectory() as scratch:
        os.environ |= {
            "LAPWING_DATA_DIR": f"{scratch}/data",
            "LAPWING_MODEL_DIR": f"{scratch}/models",
        }
        import_source(load(Settings, os.environ), recording, "run", 1.0, lambda **_: None)
        for how in ("exact", "blocks", "none"):
            scores, zero = [], []
            for seed in range(1, SEEDS + 1):
                config = {"epochs": EPOCHS, "patience": EPOCHS, "shuffle": how, "seed": seed}
                metrics = job.run(f"{how}-{seed}", [], config)["metrics"]
                scores.append(metrics["validation_mse"])
                zero.append(metrics["validation_mse_zero"])
            rows.append(
                {
                    "shuffle": how,
                    "validation MSE, mean": statistics.fmean(scores),
                    "deviation": statistics.stdev(scores),
                    "each seed": ", ".join(f"{score:.4f}" for score in scores),
                    "predict-zero": statistics.fmean(zero),
                }
            )
    command = "python -m bench.training.shuffling"
    title = f"What shuffling is worth, {EPOCHS} epochs, {SEEDS} seeds"
    output.finish(output.Result("shuffling", title, command, recording.name, rows), options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
