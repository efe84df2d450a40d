"""What recordings of DAgger are called: by it the evaluator knows them.

In them a model drove, and the steering is what the expert would have done. They are to be trained
on, not to be driven again: the car did not go where the steering says.
"""

from __future__ import annotations

import re

__all__ = ["dataset_name", "is_dagger_dataset"]


def dataset_name(version: int, number: int) -> str:
    """Return the name of the recording of a round that began with a version."""
    return f"dagger-v{version}-r{number}"


def is_dagger_dataset(dataset: str) -> bool:
    """Tell whether a dataset was imported from such a recording; ingest adds eight digits."""
    return re.fullmatch(r"dagger-v\d+-r\d+-[0-9a-f]{8}", dataset) is not None
