"""Trains a model for one epoch, so that a benchmark can serve it.

python -m bench.serving.trained_model RECORDING
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bench.training import job
from contract.settings import load
from ingest.job import import_source
from ingest.settings import Settings

if __name__ == "__main__":
    import_source(load(Settings, os.environ), Path(sys.argv[1]), "run", 1.0, lambda **_: None)
    job.run("bench", [], {"epochs": 1})
