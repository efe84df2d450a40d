"""Names the recordings of DAgger, so that the evaluator recognizes them.

In these recordings a model drove the car, but the recorded steering is what the expert would have
done. They can be used to train, but not to replay a drive: the car did not go where the recorded
steering points.
"""

from __future__ import annotations

import re

__all__ = ["dataset_name", "is_dagger_dataset"]


def dataset_name(version: int, number: int) -> str:
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
