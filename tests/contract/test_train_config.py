import dataclasses
from pathlib import Path

import numpy as np
import pytest

from contract import train_config
from contract.errors import TrainingError
from contract.train_config import TrainConfig


def test_no_arguments_give_the_defaults() -> None:
    assert train_config.from_arguments({}) == TrainConfig()


def test_a_whole_number_is_accepted_for_a_float() -> None:
    assert train_config.from_arguments({"validation_gap_s": 2}).validation_gap_s == 2.0


@pytest.mark.parametrize("correction", [0.2, 1, "auto"])
def test_the_correction_is_a_number_or_auto(correction: float | str) -> None:
    assert (
        train_config.from_arguments({"steering_correction": correction}).steering_correction
        == correction
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epoch": 3}, "no such training option: got epoch"),
        ({"epochs": 0}, "epochs has a value it cannot take: got 0. It must be from 1 to 1000"),
        ({"epochs": "3"}, "a value of type int"),
        ({"flip": 1}, "a value of type bool"),
        ({"batch": True}, "a value of type int"),
        ({"steering_correction": float("nan")}, "correction has a value"),
        ({"steering_correction": 1.5}, "It must be auto, or from 0.0 to 1.0"),
        ({"steering_correction": "0.2"}, "It must be auto, or from 0.0 to 1.0"),
        ({"steering_correction": True}, "a value of type float"),
        ({"history": 5}, "from 0 to 4"),
        ({"split": "random"}, "one of auto, recordings, blocks"),
    ],
)
def test_a_bad_argument_is_refused_with_the_reason(
    arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(TrainingError, match=message):
        train_config.from_arguments(arguments)


def test_names_of_release_0_1_0_are_understood() -> None:
    """Manifests of that release and its queued jobs have these names."""
    old = {"correction": 0.2, "gap_s": 2.0, "smooth_s": 0.1, "balance": 3.0, "light": 0.4}
    config = train_config.from_arguments({**old, "back_s": 1.0})
    assert config == TrainConfig(
        steering_correction=0.2,
        validation_gap_s=2.0,
        label_smoothing_s=0.1,
        max_bin_ratio=3.0,
        brightness=0.4,
        recovery_time_s=1.0,
    )


def test_an_option_under_two_names_is_refused() -> None:
    with pytest.raises(TrainingError, match=r"got gap_s and validation_gap_s\. Leave out gap_s"):
        train_config.from_arguments({"gap_s": 1.0, "validation_gap_s": 2.0})


@pytest.mark.parametrize("field", dataclasses.fields(TrainConfig), ids=lambda field: field.name)
def test_every_option_has_a_description_and_limits(field: dataclasses.Field) -> None:
    assert field.metadata["description"].endswith(".")
    bounded = field.metadata["maximum"] is not None and field.metadata["minimum"] is not None
    assert bounded or field.metadata["choices"] or type(field.default) is bool


def test_a_seed_is_any_number_of_32_bits() -> None:
    """NumPy and Keras take no other."""
    highest = 4_294_967_295
    assert np.random.RandomState(highest).get_state()
    assert train_config.from_arguments({"seed": highest}).seed == highest
    with pytest.raises(ValueError, match="between 0 and"):
        np.random.RandomState(highest + 1)
    with pytest.raises(TrainingError, match=f"from 0 to {highest}"):
        train_config.from_arguments({"seed": highest + 1})


TAKEN = {
    "epochs": (1, 1000),
    "batch": (1, 4096),
    "patience": (1, 1000),
    "learning_rate": (1e-7, 1.0),
    "steering_correction": (0.0, 1.0),
    "history": (0, 4),
    "validation_share": (0.05, 0.5),
    "validation_gap_s": (0.1, 60.0),
    "label_smoothing_s": (0.0, 5.0),
    "max_bin_ratio": (0.0, 100.0),
    "brightness": (0.0, 0.9),
    "shadow": (0.0, 1.0),
    "blur": (0.0, 1.0),
    "shift_m": (0.0, 2.0),
    "turn_deg": (0.0, 10.0),
    "recovery_time_s": (0.2, 10.0),
}
"""Values that queued jobs and the manifests of published versions may hold."""


@pytest.mark.parametrize("name", TAKEN)
def test_a_value_that_a_manifest_may_hold_is_taken(name: str) -> None:
    for value in TAKEN[name]:
        assert getattr(train_config.from_arguments({name: value}), name) == value


def test_the_defaults_are_those_that_the_recipe_has_measured() -> None:
    """docs/adr/0009-recipe.md decides on them; what it does not name is off."""
    recipe = (Path(__file__).parents[2] / "docs" / "adr" / "0009-recipe.md").read_text()
    config = TrainConfig()
    for name in ("shift_m", "turn_deg", "label_smoothing_s", "recovery_time_s"):
        value = getattr(config, name)
        shown = value if isinstance(value, str) else f"{value:g}"
        assert f"--{name.replace('_', '-')} {shown}" in recipe
    assert (config.brightness, config.shadow, config.blur, config.max_bin_ratio) == (0, 0, 0, 0)
