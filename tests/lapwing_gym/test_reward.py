import pytest

from lapwing_gym.reward import step_reward


@pytest.mark.parametrize(
    ("progress_m", "offset_m", "intervened", "reward"),
    [
        pytest.param(0.5, 0.0, False, 0.5, id="on-the-line"),
        pytest.param(0.5, 2.0, False, 0.25, id="half-way-to-the-left-edge"),
        pytest.param(0.5, -1.0, False, 0.375, id="a-quarter-to-the-right"),
        pytest.param(0.5, 6.0, False, 0.0, id="further-from-the-line-than-half-a-road"),
        pytest.param(0.5, 4.5, True, -10.0, id="off-the-road"),
        pytest.param(-0.3, 2.0, False, -0.3, id="backwards-in-full"),
        pytest.param(0.0, 0.0, True, -10.0, id="stalled"),
    ],
)
def test_a_reward_is_the_sum_by_hand(
    progress_m: float, offset_m: float, intervened: bool, reward: float
) -> None:
    assert step_reward(progress_m, offset_m, 8.0, intervened) == reward


def test_nothing_is_gained_by_going_back_and_forth() -> None:
    assert step_reward(0.4, 0.5, 8.0, False) + step_reward(-0.4, 0.5, 8.0, False) < 0
