"""The choices of one training: what a job carries, and the manifest of its model repeats."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from contract.errors import TrainingError

LIMITS: dict[str, tuple[float, float]] = {
    "epochs": (1, 1000),
    "batch": (1, 4096),
    "patience": (1, 1000),
    "learning_rate": (1e-7, 1.0),
    "history": (0, 4),
    "validation_share": (0.05, 0.5),
    "gap_s": (0.1, 60.0),
    "seed": (0, 2**32 - 1),
    "smooth_s": (0.0, 5.0),
    "balance": (0.0, 100.0),
    "light": (0.0, 0.9),
    "shadow": (0.0, 1.0),
    "blur": (0.0, 1.0),
    "shift_m": (0.0, 2.0),
    "turn_deg": (0.0, 10.0),
    "back_s": (0.2, 10.0),
}
CORRECTION: tuple[float, float] = (0.0, 1.0)
AUTO = "auto"
WORDS = {"split": ("auto", "recordings", "blocks"), "shuffle": ("auto", "exact", "blocks", "none")}


@dataclass(frozen=True)
class Config:
    """How to train; the defaults are what drove best: docs/adr/0009-recipe.md.

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
    correction: float | str = AUTO
    """Added to the steering for the left camera's frames, subtracted for the right's; auto: what
    leads back onto the path from the camera's place in `back_s` (sides.py)."""
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
    smooth_s: float = 0.6
    """Labels are means over a window of so many seconds; 0: as recorded."""
    balance: float = 0.0
    """Times the mean that a bin of the steering histogram may hold; 0: as recorded."""
    light: float = 0.0
    """Brightness and contrast are varied by up to this share; this and what follows: augment.py."""
    shadow: float = 0.0
    """Share of the samples across which a shadow falls."""
    blur: float = 0.0
    """Share of the samples that are blurred."""
    shift_m: float = 1.0
    """The view is moved sideways by up to so much."""
    turn_deg: float = 4.0
    """The view is turned by up to so much."""
    back_s: float = 0.6
    """Seconds in which labels of views from beside the path lead back onto it (recovery.py)."""
    shuffle: str = "auto"
    """Each epoch a permutation of all samples, or of blocks for slow disks (order.py)."""
    seed: int = 1

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise _refusal(name, value, f"from {low} to {high}")
        low, high = CORRECTION
        fixed = isinstance(self.correction, float) and low <= self.correction <= high
        if not fixed and self.correction != AUTO:
            raise _refusal("correction", self.correction, f"{AUTO}, or from {low} to {high}")
        for name, words in WORDS.items():
            if getattr(self, name) not in words:
                raise _refusal(name, getattr(self, name), f"one of {', '.join(words)}")


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
        if name == "correction" and not isinstance(value, str):
            kind = float
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
