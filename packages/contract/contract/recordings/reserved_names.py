"""Names the recordings that Lapwing makes by itself, so that every service recognizes them.

In those of DAgger a model drove the car, but the recorded steering is what the expert would have
done. They can be used to train, but not to replay a drive: the car did not go where the recorded
steering points.

Simulated laps are what `lapwing train --with-simulator` adds to a person's own recordings. They
train, but how a model drives is judged on the person's own.
"""

from __future__ import annotations

import re

__all__ = [
    "dagger_recording",
    "is_dagger_dataset",
    "is_simulated_dataset",
    "simulated_recording",
]


def dagger_recording(version: int, number: int) -> str:
    """Return the name of the recording of a DAgger round.

    Args:
        version: the version of the model that drove.
        number: number of the round.
    """
    return f"dagger-v{version}-r{number}"


def is_dagger_dataset(dataset: str) -> bool:
    """Return whether a dataset was imported from a recording of DAgger.

    Ingest appends eight hexadecimal digits to the name of a recording.
    """
    return re.fullmatch(r"dagger-v\d+-r\d+-[0-9a-f]{8}", dataset) is not None


def simulated_recording(number: int) -> str:
    """Return the name of one of the laps that `lapwing train --with-simulator` adds.

    Args:
        number: number of the lap, from 1.
    """
    return f"simulated-lap-{number}"


def is_simulated_dataset(dataset: str) -> bool:
    """Return whether a dataset was imported from such a lap."""
    return re.fullmatch(r"simulated-lap-\d+-[0-9a-f]{8}", dataset) is not None
