"""Defines the options of a training.

`TrainConfig` is the only definition: the command line makes its options from it, the trainer checks
the arguments of a job with it, and the manifest of a model repeats the options of its training.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from contract.errors import TrainingError

__all__ = [
    "AUTO",
    "COSINE",
    "DEFAULT_NETWORK",
    "LAST",
    "NETWORKS",
    "TrainConfig",
    "current_names",
    "from_arguments",
    "option",
]

AUTO: Final = "auto"
CONSTANT, COSINE = "constant", "cosine"
BEST, LAST = "best", "last"
DEFAULT_NETWORK: Final = "nvidia-like"
"""The network of the write-up. Versions whose manifest names none have it."""
NETWORKS: Final = (DEFAULT_NETWORK, "pilotnet", "wide", "squeeze-excitation")
"""The names of the networks in the trainer's networks.toml."""


def option(
    default: object,
    description: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: Sequence[str] = (),
    formerly: str = "",
) -> Any:  # noqa: ANN401 - the type of a dataclass field is that of its annotation
    """Declare a field of `TrainConfig`.

    Args:
        default: the value of the option when it is not given.
        description: a full sentence for the people who choose the value.
        minimum: the smallest allowed number.
        maximum: the largest allowed number.
        choices: the allowed words. An option with both choices and a range takes either.
        formerly: the name of the option in release 0.1.0, if it was another name.
    """
    metadata = {
        "description": description,
        "minimum": minimum,
        "maximum": maximum,
        "choices": tuple(choices),
        "formerly": formerly,
    }
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class TrainConfig:
    """The options of a training; the defaults drove best (docs/adr/0009-recipe.md).

    Raises:
        TrainingError: a value is outside its range.
    """

    epochs: int = option(
        20,
        "Maximum number of epochs; early stopping usually ends the training sooner.",
        minimum=1,
        maximum=1000,
    )
    batch: int = option(64, "Number of samples in a training step.", minimum=1, maximum=4096)
    patience: int = option(
        4,
        "Number of epochs without a better validation error after which the training stops.",
        minimum=1,
        maximum=1000,
    )
    min_epochs: int = option(
        4,
        "Number of the first epoch that can be the best one; with --from, it is the first.",
        minimum=1,
        maximum=1000,
    )
    learning_rate: float = option(
        1e-3, "Learning rate of the Adam optimizer.", minimum=1e-7, maximum=1.0
    )
    learning_rate_schedule: str = option(
        CONSTANT,
        "Keep the learning rate constant, or let it rise over the first twentieth of the planned "
        "steps and then fall to 0 along a cosine; the steps of all --epochs are planned.",
        choices=(CONSTANT, COSINE),
    )
    averaging_epochs: float = option(
        0.0,
        "Time in epochs over which the weights are averaged exponentially; the averaged weights "
        "are validated and published. 0 does not average.",
        minimum=0.0,
        maximum=100.0,
    )
    publish_epoch: str = option(
        BEST,
        "Publish the epoch with the smallest validation error, or the last one; with last, no "
        "training is stopped early.",
        choices=(BEST, LAST),
    )
    steering_correction: float | str = option(
        AUTO,
        "Steering added to the label of a left camera's frame and subtracted from that of a right "
        "camera's; auto computes it from the cameras' positions and the recovery time.",
        minimum=0.0,
        maximum=1.0,
        choices=(AUTO,),
        formerly="correction",
    )
    cameras: bool = option(True, "Train on the frames of the side cameras as well.")
    flip: bool = option(
        True, "Train on the mirror image of each frame as well, with the steering reversed."
    )
    history: int = option(
        0,
        "Number of earlier frames that are trained on with the steering of a later row.",
        minimum=0,
        maximum=4,
    )
    simulator_share: float = option(
        0.5,
        "Share of the samples of an epoch that come from the laps of --with-simulator.",
        minimum=0.05,
        maximum=0.95,
    )
    split: str = option(
        AUTO,
        "Validate on whole recordings or on blocks of time; auto takes recordings where there are "
        "at least five.",
        choices=(AUTO, "recordings", "blocks"),
    )
    validation_share: float = option(
        0.2, "Share of the rows that validate the model.", minimum=0.05, maximum=0.5
    )
    validation_gap_s: float = option(
        1.0,
        "Minimum time in seconds between a row that trains the model and a row that validates it.",
        minimum=0.1,
        maximum=60.0,
        formerly="gap_s",
    )
    leave_out_unfit: bool = option(
        True,
        "Leave rows out of the training in which the car stands, stops abruptly, slips or swings "
        "from side to side.",
    )
    label_smoothing_s: float | str = option(
        AUTO,
        "Time in seconds over which the recorded steering is averaged; 0 leaves it as recorded, "
        "and auto spreads it over 0.6 to 2.4 s, as far as the driven path stays what it was.",
        minimum=0.0,
        maximum=5.0,
        choices=(AUTO,),
        formerly="smooth_s",
    )
    max_bin_ratio: float = option(
        0.0,
        "Maximum size of a bin of the steering histogram, as a multiple of the mean bin; 0 keeps "
        "all rows.",
        minimum=0.0,
        maximum=100.0,
        formerly="balance",
    )
    brightness: float = option(
        0.0,
        "Maximum share by which brightness and contrast are varied.",
        minimum=0.0,
        maximum=0.9,
        formerly="light",
    )
    shadow: float = option(
        0.0, "Share of the samples that get a drawn shadow.", minimum=0.0, maximum=1.0
    )
    blur: float = option(0.0, "Share of the samples that are blurred.", minimum=0.0, maximum=1.0)
    shift_m: float = option(
        1.0,
        "Maximum distance in metres by which the view is moved sideways.",
        minimum=0.0,
        maximum=2.0,
    )
    turn_deg: float = option(
        4.0, "Maximum angle in degrees by which the view is turned.", minimum=0.0, maximum=10.0
    )
    recovery_time_s: float = option(
        0.6,
        "Time in seconds in which the label of a view from next to the path leads back to it.",
        minimum=0.2,
        maximum=10.0,
        formerly="back_s",
    )
    shuffle: str = option(
        AUTO,
        "Shuffle all samples in each epoch (exact) or windows of blocks for slow disks (blocks); "
        "auto measures the disk and chooses.",
        choices=(AUTO, "exact", "blocks", "none"),
    )
    precision: str = option(
        AUTO,
        "Train in float32 or in bfloat16, which is faster where the machine has it; auto takes "
        "bfloat16 on GPUs from NVIDIA's Ampere on and on CPUs with AVX512_BF16 or AMX_BF16.",
        choices=(AUTO, "float32", "bfloat16"),
    )
    network: str = option(
        DEFAULT_NETWORK,
        "Network that is trained: the write-up's, PilotNet at 66 x 200, a wider one, or one with "
        "squeeze-and-excitation.",
        choices=NETWORKS,
    )
    learn_speed: bool = option(
        False,
        "Learn the driver's speed as well: the network gets a second output, and the bridge holds "
        "the speed that it tells.",
    )
    seed: int = option(
        1,
        "Seed of the split, the order of the samples, the initial weights and the dropout.",
        minimum=0,
        maximum=2**32 - 1,
    )

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check(field, getattr(self, field.name))


def from_arguments(arguments: Mapping[str, object]) -> TrainConfig:
    """Return the configuration in the arguments of a job or in a manifest; check each type.

    Option names of release 0.1.0 are understood.

    Raises:
        TrainingError: an option is unknown, has another type or is outside its range.
    """
    fields = {field.name: field for field in dataclasses.fields(TrainConfig)}
    values: dict[str, Any] = {}
    for name, value in current_names(arguments).items():
        if name not in fields:
            raise TrainingError(
                "there is no such training option", got=name, remedy=f"Known: {list(fields)}"
            )
        values[name] = _typed(fields[name], value)
    return TrainConfig(**values)


def current_names(arguments: Mapping[str, object]) -> dict[str, object]:
    """Return the options with the names of release 0.1.0 replaced by the current names.

    Raises:
        TrainingError: an option is given under both names.
    """
    renamed = {
        field.metadata["formerly"]: field.name
        for field in dataclasses.fields(TrainConfig)
        if field.metadata["formerly"]
    }
    both = [name for name in arguments if renamed.get(name) in arguments]
    if both:
        raise TrainingError(
            "a training option is given under two names",
            got=f"{both[0]} and {renamed[both[0]]}",
            remedy=f"Leave out {both[0]}",
        )
    return {renamed.get(name, name): value for name, value in arguments.items()}


def _typed(field: dataclasses.Field[Any], value: object) -> object:
    """Return the value of a field; a whole number becomes a float where the field is one."""
    expected: type = type(field.default)
    if field.metadata["choices"] and field.metadata["maximum"] is not None:
        expected = str if isinstance(value, str) else float
    if expected is float and type(value) is int:
        return float(value)
    if type(value) is not expected:
        raise _error(field, value, f"a value of type {expected.__name__}")
    return value


def _check(field: dataclasses.Field[Any], value: object) -> None:
    """Raise an error for a value that is neither in the field's range nor among its choices."""
    choices, low, high = (field.metadata[key] for key in ("choices", "minimum", "maximum"))
    in_range = isinstance(value, int | float) and low is not None and low <= value <= high
    if in_range or value in choices or isinstance(value, bool):
        return
    allowed = []
    if choices:
        allowed.append(choices[0] if len(choices) == 1 else f"one of {', '.join(choices)}")
    if low is not None:
        allowed.append(f"from {low} to {high}")
    raise _error(field, value, ", or ".join(allowed))


def _error(field: dataclasses.Field[Any], got: object, allowed: str) -> TrainingError:
    return TrainingError(
        f"the training option {field.name} has a value it cannot take",
        got=repr(got),
        remedy=f"It must be {allowed}",
    )
