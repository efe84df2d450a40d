"""Reads what is written for TensorBoard, with the reader of TensorFlow itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Return step and value of each scalar of a run, in the order of writing."""
    tensorflow = pytest.importorskip("tensorflow")
    found: dict[str, list[tuple[int, float]]] = {}
    for path in sorted(folder.glob("events.out.tfevents.*")):
        for event in tensorflow.compat.v1.train.summary_iterator(str(path)):
            value: Any
            for value in event.summary.value:
                if value.HasField("simple_value"):
                    found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found
