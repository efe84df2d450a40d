"""The table of trials of the reliability matrix, and the figures that the trials give.

`make soak` runs the full numbers. While a test is being written, LAPWING_TRIALS=0.1 runs a tenth of
them; what such a run shows is not a figure of the matrix.
"""

from __future__ import annotations

import json
import math
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from support.data import samples

TRIALS: Final = {
    "P1 failpoints": 200,  # 8 failpoints, each 25 times
    "P1 random": 200,
    "P2 submitted twice": 50,
    "P3 bit flips": 1000,
    "P3 truncations": 100,
    "P4 full disk": 20,
    "P5 recordings": 500,
    "P6 horse": 50,
    "P6 worker": 20,
    "P6 container": 20,
    "P7 redis": 20,
    "P7 queued": 1000,
    "P8 reader": 25,
    "P8 trainer": 25,
    "P8 checkpoint": 25,
    "P8 rename": 25,
    "P9 import": 30,
    "P9 training": 20,
    "P15 seconds": 3600,
}
SEED: Final = int(os.environ.get("LAPWING_TRIALS_SEED", "14"))
FIGURES: Final = Path(
    os.environ.get("LAPWING_FIGURES", samples.ROOT / "lapwing-data" / "reliability.jsonl")
)
"""Each test appends a line of JSON to this file."""


def count(name: str) -> int:
    """Return the number of trials of a row of the table."""
    return max(1, math.ceil(TRIALS[name] * float(os.environ.get("LAPWING_TRIALS", "1"))))


def generator(name: str) -> random.Random:
    """Return the random numbers of a row of the table, the same in each run with the same seed."""
    return random.Random(f"{SEED} {name}")


def bound(failures: int, trials: int) -> str:
    """Return what a number of trials lets us claim, with a confidence of 95 %."""
    if failures:
        return f"{failures} of {trials} failed"
    return f"0 of {trials} failed: a share of at most {3 / trials:.2%}"


def record(promise: str, print_line: Callable[[str], None], **figures: Any) -> None:
    """Print the figures of a test, and append them to the file of figures."""
    line = {"promise": promise, "seed": SEED, "at": time.strftime("%F %T"), **figures}
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    with FIGURES.open("a") as file:
        file.write(json.dumps(line) + "\n")
    print_line(f"{promise}: " + ", ".join(f"{name} {value}" for name, value in figures.items()))


def quantile(values: list[float], share: float) -> float:
    """Return a quantile by its rank: of 100 values, the 0.99 quantile is the 99th."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
