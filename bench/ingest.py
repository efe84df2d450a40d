"""Compares an import with its lower limit: the bare loop that decodes and resizes the same files.

Both decode in as many threads as ingest's settings say: by default, one for each core. The import
also reads the log, hashes each image, identifies each frame, writes the store, waits until the disk
has it, and reads it back.
"""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2

from bench.figures import Figure, rates
from contract.frames import preprocess
from contract.recordings import driving_log
from contract.settings import load
from ingest.job import import_source
from ingest.settings import Settings


def measure(recording: Path, scratch: Path) -> list[Figure]:
    """Return the frames per second of a whole import and of the bare loop."""
    log = driving_log.read((recording / "driving_log.csv").read_bytes())
    paths = [recording / "IMG" / name for row in log.rows for name in row.images]
    settings = load(Settings, {"LAPWING_DATA_DIR": str(scratch)})

    def whole() -> None:
        shutil.rmtree(scratch, ignore_errors=True)
        import_source(settings, recording, None, 1.0, lambda **_: None)

    threads = settings.decode_threads or os.cpu_count() or 1

    def bare() -> None:
        with ThreadPoolExecutor(threads) as executor:
            for _ in executor.map(lambda path: preprocess.prepare(path.read_bytes()), paths):
                pass

    cv2.setNumThreads(1)
    return rates("ingest", "frames/s", len(paths), {"whole import": whole, "bare loop": bare})
