"""Trains steps of one contestant for `bench.training.train`, which asks through a pipe.

python -m bench.training.steps MODULE OPTION FRAMES

Each line on the standard input is a batch size and a number of seconds; the answer is a line of
JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time

import numpy as np


def main() -> int:
    """Answer until the standard input ends."""
    # What a framework prints must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    name, option, path = sys.argv[1:]
    with np.load(path) as file:
        frames, labels = file["frames"], file["labels"]
    module = importlib.import_module(f"bench.training.steps.{name}")
    step = module.stepper(option)
    for line in sys.stdin:
        batch, seconds = int(line.split()[0]), float(line.split()[1])
        count = len(frames) // batch
        parts = [
            (frames[k * batch : (k + 1) * batch], labels[k * batch : (k + 1) * batch])
            for k in range(count)
        ]
        for part in parts[:2]:  # the first step of a size is compiled
            step(*part)
        done, began, worked = 0, time.perf_counter(), time.process_time()
        while time.perf_counter() - began < seconds:
            step(*parts[done % count])
            done += 1
        rate = done * batch / (time.perf_counter() - began)
        cpu_ms = 1000 * (time.process_time() - worked) / (done * batch)
        answer = {"rate": rate, "cpu_ms": cpu_ms, "threads": module.threads()}
        print(json.dumps(answer), file=answers, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
