import pytest

from contract.errors import SettingError
from evaluator.closed_loop.perturbations import Condition, parse
from simulator.episode.initial_state import InitialState


def test_conditions_are_parsed() -> None:
    assert parse(["clear", " fog ", "delay=100ms", "offset=1.5m", "fog+delay=50ms"]) == [
        Condition(),
        Condition("fog", light="fog"),
        Condition("delay=100ms", delay_s=0.1),
        Condition("offset=1.5m", offset_m=1.5),
        Condition("fog+delay=50ms", light="fog", delay_s=0.05),
    ]


@pytest.mark.parametrize(
    "word",
    [
        "",
        "rain",
        "delay",
        "delay=100",
        "delay=100m",
        "offset=1ms",
        "delay=-5ms",
        "delay=1001ms",
        "delay=nanms",
        "offset=3.1m",
        "fog+",
        "../fog",
        "fog/dusk",
        "delay=\u0661ms",
        f"delay=0.{'0' * 300}ms",
        # Only one of the two would be driven, under both names.
        "fog+dusk",
        "clear+fog",
        "delay=50ms+delay=100ms",
        "offset=1m+offset=2m",
    ],
)
def test_an_unknown_condition_is_named(word: str) -> None:
    with pytest.raises(SettingError, match="there is no such condition: got ") as caught:
        parse([word])
    assert repr(word.strip()) in str(caught.value)
    assert "delay=100ms" in str(caught.value)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["fog", "fog"],
        ["fog", " fog"],
        ["fog+delay=50ms", "delay=50ms+fog"],
        ["delay=50ms", "delay=50.0ms"],
        ["clear", "delay=0ms"],
    ],
)
def test_a_repeated_condition_is_refused_in_any_spelling(words: list[str]) -> None:
    with pytest.raises(SettingError, match="the conditions cannot be driven"):
        parse(words)


def test_a_condition_changes_only_light_and_offset_of_a_start() -> None:
    usual = InitialState(station_m=7.0, direction=-1, offset_m=-0.2, heading_rad=0.05, seed=9)
    assert Condition().apply(usual) == usual
    [foggy, beside] = parse(["fog", "offset=1m"])
    assert foggy.apply(usual) == InitialState(7.0, -1, -0.2, 0.05, "fog", 9)
    assert beside.apply(usual) == InitialState(
        7.0, -1, -1.0, 0.05, "clear", 9
    )  # on the same side as before
    [on_the_line] = parse(["offset=0m"])
    assert on_the_line.apply(usual).offset_m == 0.0
