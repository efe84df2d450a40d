"""Reads the files for TensorBoard with TensorFlow's own reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Return the step and value of each scalar of a run, in the order of writing."""
    tensorflow = pytest.importorskip("tensorflow")
    values: dict[str, list[tuple[int, float]]] = {}
    for path in sorted(folder.glob("events.out.tfevents.*")):
        for event in tensorflow.compat.v1.train.summary_iterator(str(path)):
            value: Any
            for value in event.summary.value:
                if value.HasField("simple_value"):
                    values.setdefault(value.tag, []).append((event.step, value.simple_value))
    return values
