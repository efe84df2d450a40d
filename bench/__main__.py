"""Measure in one run what the README and the notes quote: `make bench`.

Takes the recording named by RECORDING, or `data/lake` below LAPWING_SHARED.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import ingest, serve, simulate

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("LAPWING_SHARED", ROOT.parent / "shared"))


def main() -> int:
    """Measure, and print a table; with --json, a document instead."""
    recording = Path(os.environ.get("RECORDING") or SHARED / "data" / "lake")
    if not (recording / "driving_log.csv").is_file():
        print(f"bench: {recording} is no recording; name one: make bench RECORDING=folder")
        return 1
    console = Console(stderr="--json" in sys.argv)
    with tempfile.TemporaryDirectory() as folder:
        data, models = Path(folder) / "data", Path(folder) / "models"
        console.print("ingest …")
        figures = ingest.measure(recording, data)
        console.print("simulate …")
        figures += simulate.measure(Path(folder))
        console.print("one epoch of training, for a model to serve …")
        subprocess.run(
            [sys.executable, "-m", "bench.training", "bench", '{"epochs": 1}'],
            check=True,
            capture_output=True,
            env={**os.environ, "LAPWING_DATA_DIR": str(data), "LAPWING_MODEL_DIR": str(models)},
        )
        console.print("serve …")
        figures += serve.measure(recording, models)
    if "--json" in sys.argv:
        print(json.dumps([dataclasses.asdict(each) for each in figures], indent=2))
        return 0
    table = Table("what", "median", "lowest", "highest", "", title=f"{os.cpu_count()} cores")
    for each in figures:
        values = (f"{value:,.1f}" for value in (each.median, each.lowest, each.highest))
        table.add_row(each.name, *values, each.unit)
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
