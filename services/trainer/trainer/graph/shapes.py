"""The sizes of what travels between layers, and what of them may be."""

from __future__ import annotations

import math
from typing import Final, Literal, TypeAlias

from contract.errors import ModelError

Shape: TypeAlias = tuple[int, ...]
"""Of one sample: (height, width, channels), or (values,)."""
Padding = Literal["valid", "same"]

MAX_VALUES: Final = 1 << 24
"""Of one sample between two layers: 64 MiB, twenty times what a picture of 320 x 160 takes after
24 filters."""


def slid(size: int, window: int, stride: int, padding: Padding) -> int:
    """Return how many places a window takes along an edge; none is less than one."""
    if padding == "same":
        return -(-size // stride)
    return (size - window) // stride + 1 if size >= window else 0


def picture(seen: Shape) -> tuple[int, int, int]:
    """Return height, width and channels; ModelError if a sample has not three axes."""
    if len(seen) != 3:
        raise unfit("it needs pictures (height, width, channels)", seen)
    return seen[0], seen[1], seen[2]


def fit(made: Shape) -> Shape:
    """Return a shape, if a sample may have it: at least a value, at most MAX_VALUES."""
    if min(made) < 1 or math.prod(made) > MAX_VALUES:
        raise unfit(f"it would make {' x '.join(map(str, made))} values of it", made)
    return made


def unfit(what: str, got: object) -> ModelError:
    """Return the error of a layer that does not fit what comes before it."""
    return ModelError(what, got=got, remedy="Its configuration and its weights must fit together")
