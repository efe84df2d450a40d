import pytest

from contract.errors import TrainingError
from trainer import config
from trainer.config import Config


def test_no_arguments_give_the_defaults() -> None:
    assert config.of_arguments({}) == Config()


def test_a_whole_number_will_do_for_a_fraction() -> None:
    assert config.of_arguments({"gap_s": 2}).gap_s == 2.0


@pytest.mark.parametrize("correction", [0.2, 1, "auto"])
def test_the_correction_is_a_number_or_left_to_geometry(correction: float | str) -> None:
    assert config.of_arguments({"correction": correction}).correction == correction


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epoch": 3}, "no such training option: got epoch"),
        ({"epochs": 0}, "epochs has a value it cannot take: got 0. It must be from 1 to 1000"),
        ({"epochs": "3"}, "a value of type int"),
        ({"flip": 1}, "a value of type bool"),
        ({"batch": True}, "a value of type int"),
        ({"correction": float("nan")}, "correction has a value"),
        ({"correction": 1.5}, "It must be auto, or from 0.0 to 1.0"),
        ({"correction": "0.2"}, "It must be auto, or from 0.0 to 1.0"),
        ({"correction": True}, "a value of type float"),
        ({"history": 5}, "from 0 to 4"),
        ({"split": "random"}, "one of auto, recordings, blocks"),
    ],
)
def test_what_cannot_be_taken_is_said(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        config.of_arguments(arguments)
