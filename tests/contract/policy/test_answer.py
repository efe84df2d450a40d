import math

import pytest

from contract.errors import SettingError
from contract.policy import answer
from contract.policy.answer import PolicyAnswer, SpeedRange


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        pytest.param([0.25], PolicyAnswer(0.25), id="steering alone"),
        pytest.param([-7.0], PolicyAnswer(-1.0), id="beyond full lock"),
        pytest.param([0.25, 0.5], PolicyAnswer(0.25, 15.0), id="half of the car's top speed"),
        pytest.param([3.0, 1.7], PolicyAnswer(1.0, 30.0), id="faster than the car is"),
        pytest.param([0.0, -0.1], PolicyAnswer(0.0, 0.0), id="backwards"),
    ],
)
def test_numbers_become_an_answer(output: list[float], expected: PolicyAnswer) -> None:
    """The car's top speed is 30 mph (docs/protocol.md)."""
    assert answer.read_output(output) == expected


@pytest.mark.parametrize("output", [[math.nan], [math.inf, 0.5], [0.1, math.nan], [0.1, -math.inf]])
def test_what_is_no_number_is_no_answer(output: list[float]) -> None:
    assert answer.read_output(output) is None


def test_a_learned_speed_is_held_within_the_range() -> None:
    speeds = SpeedRange(8.0, 20.0)
    learned = [0.0, 7.9, 12.5, 20.5, 30.0]
    held = [speeds.speed_to_hold(PolicyAnswer(0.0, mph), 15.0) for mph in learned]
    assert held == [8.0, 8.0, 12.5, 20.0, 20.0]


def test_without_a_learned_speed_the_target_is_held_wherever_it_is() -> None:
    assert SpeedRange(8.0, 20.0).speed_to_hold(PolicyAnswer(0.0), 25.0) == 25.0


def test_a_range_of_one_speed_holds_it_whatever_was_learned() -> None:
    assert SpeedRange(12.0, 12.0).speed_to_hold(PolicyAnswer(0.0, 29.0), 15.0) == 12.0


@pytest.mark.parametrize(("low", "high"), [(20.0, 10.0), (math.nan, 10.0), (5.0, math.nan)])
def test_a_range_that_is_none_is_refused(low: float, high: float) -> None:
    with pytest.raises(SettingError, match=r"lowest speed .*LAPWING_MIN_MPH"):
        SpeedRange(low, high)


@pytest.mark.parametrize(
    ("config", "count"),
    [
        ({"learn_speed": True}, 2),
        ({"learn_speed": False}, 1),
        ({"epochs": 3}, 1),
        ({"imported_from": "model.h5"}, 1),
        ({"learn_speed": "yes"}, 1),
    ],
    ids=["learned", "not learned", "an earlier release", "an import", "a word"],
)
def test_a_manifest_says_how_many_numbers_a_network_answers(
    config: dict[str, object], count: int
) -> None:
    assert answer.output_count(config) == count
