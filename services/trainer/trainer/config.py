"""The choices of one training: what a job carries, and the manifest of its model repeats."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from contract.errors import TrainingError

LIMITS: dict[str, tuple[float, float]] = {
    "epochs": (1, 1000), "batch": (1, 4096), "patience": (1, 1000), "learning_rate": (1e-7, 1.0),
    "correction": (0.0, 1.0), "history": (0, 4), "validation_share": (0.05, 0.5),
    "gap_s": (0.1, 60.0), "seed": (0, 2**32 - 1),
}  # fmt: skip
SPLITS = ("auto", "recordings", "blocks")


@dataclass(frozen=True)
class Config:
    """How to train.

    Raises:
        TrainingError: a value is out of its range.
    """

    epochs: int = 20
    """At most; early stopping usually ends sooner."""
    batch: int = 64
    patience: int = 4
    """Epochs without a better validation MSE before training stops."""
    learning_rate: float = 1e-3
    """Of Adam."""
    correction: float = 0.2
    """Added to the steering for the left camera's frames, subtracted for the right's."""
    cameras: bool = True
    """Train on the side cameras too."""
    flip: bool = True
    """Train on each frame's mirror image too, with the sign of the steering reversed."""
    history: int = 0
    """Earlier frames that are trained on with a row's steering, the write-up's "recurrent" idea."""
    split: str = "auto"
    """Validate on whole recordings, or on blocks of time; auto: recordings where there are five."""
    validation_share: float = 0.2
    gap_s: float = 1.0
    """Seconds around validation frames from which nothing is trained on."""
    seed: int = 1

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise _refusal(name, value, f"from {low} to {high}")
        if self.split not in SPLITS:
            raise _refusal("split", self.split, f"one of {', '.join(SPLITS)}")


def of_arguments(arguments: Mapping[str, object]) -> Config:
    """Make a configuration of a job's arguments, each checked for its type.

    Raises:
        TrainingError: an argument is unknown, of another type or out of its range.
    """
    kinds = {field.name: type(field.default) for field in dataclasses.fields(Config)}
    values: dict[str, object] = {}
    for name, value in arguments.items():
        if name not in kinds:
            raise TrainingError("no such training option", got=name, remedy=f"Known: {list(kinds)}")
        kind = kinds[name]
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if type(value) is not kind:
            raise _refusal(name, value, f"a value of type {kind.__name__}")
        values[name] = value
    return Config(**values)  # type: ignore[arg-type]  # each was compared with its field's type


def _refusal(name: str, got: object, takes: str) -> TrainingError:
    return TrainingError(
        f"the training option {name} has a value it cannot take",
        got=repr(got),
        remedy=f"It must be {takes}",
    )
