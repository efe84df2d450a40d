"""A model of one epoch, for a bench to serve: `python -m bench.learned RECORDING`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bench import training
from contract.settings import load
from ingest.job import import_source
from ingest.settings import Settings

if __name__ == "__main__":
    import_source(load(Settings, os.environ), Path(sys.argv[1]), "run", 1.0, lambda **_: None)
    training.run("bench", [], {"epochs": 1})
