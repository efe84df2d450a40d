"""Measures import, simulator and serving in one run: `make bench`.

It takes the recording that RECORDING names, or `data/lake` in LAPWING_SHARED.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import ingest, output, recordings, simulate
from bench.serving import round_trip


def main() -> int:
    """Measure each part and show the figures."""
    options = output.arguments(__doc__).parse_args()
    recording = recordings.chosen()
    console = output.console(options)
    with tempfile.TemporaryDirectory() as folder:
        data, models = Path(folder) / "data", Path(folder) / "models"
        console.print("ingest …")
        figures = ingest.measure(recording, data)
        console.print("simulate …")
        figures += simulate.measure(Path(folder))
        console.print("one epoch of training, for a model to serve …")
        subprocess.run(
            [sys.executable, "-m", "bench.training.job", "bench", '{"epochs": 1}'],
            check=True,
            capture_output=True,
            env={**os.environ, "LAPWING_DATA_DIR": str(data), "LAPWING_MODEL_DIR": str(models)},
        )
        console.print("serve …")
        figures += round_trip.measure(recording, models)
    rows: list[output.Row] = [
        {
            "what": figure.name,
            "median": figure.median,
            "lowest": figure.lowest,
            "highest": figure.highest,
            "unit": figure.unit,
        }
        for figure in figures
    ]
    output.finish(
        output.Result("overview", "Overview", "make bench", recording.name, rows), options
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
