"""What shuffling is worth: `python -m bench.shuffling`, exact, blocks and none on one recording."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import training
from contract.settings import load
from ingest.job import import_source
from ingest.settings import Settings

SEEDS = 5
EPOCHS = 4
SHARED = Path(os.environ.get("LAPWING_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def main() -> int:
    """Train with each of SEEDS seeds; print the validation MSE of the best epoch."""
    recording = Path(os.environ.get("RECORDING") or SHARED / "data" / "lake")
    table = Table(
        "shuffle",
        "validation MSE, mean",
        "deviation",
        "each seed",
        title=f"{recording.name}, {EPOCHS} epochs, {SEEDS} seeds",
    )
    with tempfile.TemporaryDirectory() as scratch:
        os.environ |= {
            "LAPWING_DATA_DIR": f"{scratch}/data",
            "LAPWING_MODEL_DIR": f"{scratch}/models",
        }
        import_source(load(Settings, os.environ), recording, "run", 1.0, lambda **_: None)
        for how in ("exact", "blocks", "none"):
            scores, zero = [], 0.0
            for seed in range(1, SEEDS + 1):
                config = {"epochs": EPOCHS, "patience": EPOCHS, "shuffle": how, "seed": seed}
                metrics = training.run(f"{how}-{seed}", [], config)["metrics"]
                scores.append(metrics["validation_mse"])
                zero += metrics["validation_mse_zero"] / SEEDS
            each = ", ".join(f"{score:.4f}" for score in scores)
            spread = statistics.stdev(scores)
            table.add_row(how, f"{statistics.fmean(scores):.4f}", f"{spread:.4f}", each)
        table.caption = f"predict-zero: {zero:.4f}"
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
