"""Runs one loader for some seconds, and prints the samples per second that it delivered."""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path

WARM_UP = 3
FOR_S = 4.0


def main(name: str, folder: str) -> None:
    module = importlib.import_module(f"bench.training.loaders.{name}")
    batches = module.batches(Path(folder))
    for _ in range(WARM_UP):
        next(batches)
    count, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < FOR_S:
        frames, labels = next(batches)
        assert len(frames) == len(labels)
        count += len(frames)
    print(json.dumps(count / passed))
    batches.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
