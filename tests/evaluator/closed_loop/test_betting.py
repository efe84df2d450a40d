"""Holds the wealth against exact fractions, and the error against all paths of made drivers."""

import math
from fractions import Fraction

import numpy as np
import pytest

from evaluator.closed_loop import betting

MARGIN = Fraction(-5)
LINE = 20
"""Wealth that shows something at 5 %."""


def factor(difference: Fraction | int, mean: Fraction = MARGIN) -> Fraction:
    """Return by what a difference multiplies the wealth, by the paper's formula, exactly."""
    scaled, claimed = (Fraction(difference) + 100) / 200, (mean + 100) / 200
    bet = Fraction(95, 100) / claimed
    return 1 + bet * (scaled - claimed)


def test_the_wealth_is_the_product_of_the_bets() -> None:
    differences = [0, -100, 28, 100, -14, 0]
    expected = math.log(math.prod(factor(each) for each in differences))
    found = betting.log_wealth_above(np.array(differences, dtype=float), -5.0)
    assert found == pytest.approx(expected)


def test_the_bet_that_the_mean_is_below_is_the_mirror_image() -> None:
    differences = [0, -100, 28, -14]
    expected = math.log(math.prod(factor(-each, -MARGIN) for each in differences))
    found = betting.log_wealth_below(np.array(differences, dtype=float), -5.0)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    "outcomes",
    [
        pytest.param({-100: Fraction(1, 20), 0: Fraction(19, 20)}, id="fails in each 20th drive"),
        pytest.param({-28: Fraction(5, 28), 0: Fraction(23, 28)}, id="one intervention"),
        pytest.param(
            {-100: Fraction(21, 40), 100: Fraction(19, 40)}, id="the largest differences only"
        ),
        pytest.param(
            {-28: Fraction(9, 28), 0: Fraction(15, 28), 28: Fraction(4, 28)}, id="both fail"
        ),
    ],
)
def test_a_driver_at_the_margin_is_ever_accepted_in_at_most_a_twentieth(
    outcomes: dict[int, Fraction],
) -> None:
    """The probability over all paths of 128 pairs, looked at after each, in exact arithmetic.

    The wealth depends only on how often each outcome came, so paths are counted by that.
    """
    assert sum(value * share for value, share in outcomes.items()) == MARGIN
    names = list(outcomes)
    logs = [betting.log_wealth_above(np.array([float(name)]), float(MARGIN)) for name in names]
    paths = {(0,) * len(names): 1.0}
    accepted = 0.0
    for _ in range(128):
        following: dict[tuple[int, ...], float] = {}
        for counts, probability in paths.items():
            for index, name in enumerate(names):
                new = tuple(count + (at == index) for at, count in enumerate(counts))
                following[new] = following.get(new, 0.0) + probability * float(outcomes[name])
        paths = {}
        for counts, probability in following.items():
            if sum(map(float.__mul__, map(float, counts), logs)) >= betting.log_threshold():
                accepted += probability
            else:
                paths[counts] = probability
    assert accepted <= 0.05
    assert accepted + sum(paths.values()) == pytest.approx(1)


def test_a_failure_in_each_twentieth_drive_is_as_bad_as_the_margin_and_nearly_uses_the_error() -> (
    None
):
    """The gate accepts after 62 pairs without a difference, which such a driver has in 4.2 %."""
    needed = math.ceil(math.log(LINE) / math.log(factor(0)))
    assert needed == 62
    same = np.zeros(needed)
    assert betting.log_wealth_above(same, -5.0) >= betting.log_threshold()
    assert betting.log_wealth_above(same[1:], -5.0) < betting.log_threshold()
    assert 0.95**needed < 0.05 < 0.95**58  # so no correct test can do with 58


@pytest.mark.parametrize(
    "means",
    [
        pytest.param((-5, -5), id="alike"),
        pytest.param((-10, 0), id="one stratum worse"),
        pytest.param((-100, 90), id="one lost, one won"),
        pytest.param((-20, 0, 0, 0), id="one of four lights"),
    ],
)
def test_strata_with_other_means_do_not_make_the_wealth_of_a_block_grow(
    means: tuple[int, ...],
) -> None:
    """The strata are independent: the expected product is the product of expectations."""
    assert Fraction(sum(means), len(means)) == MARGIN
    expected = math.prod(factor(mean) for mean in means)
    assert expected <= 1
    assert (expected == 1) == (len(set(means)) == 1)


@pytest.mark.parametrize(
    "differences",
    [
        pytest.param([0] * 64, id="equal"),
        pytest.param([0] * 40 + [-28] * 4 + [28] * 2, id="some"),
        pytest.param([100] * 8, id="much better"),
        pytest.param([-100] * 8, id="much worse"),
    ],
)
def test_the_lower_bound_is_the_last_mean_that_the_wealth_refutes(differences: list[int]) -> None:
    bound = betting.lower_bound(np.array(differences, dtype=float))

    def refuted(mean: Fraction) -> bool:
        return math.prod(factor(each, mean) for each in differences) >= LINE

    grid = [Fraction(tenth, 10) for tenth in range(-999, 1001)]
    last = max((mean for mean in grid if refuted(mean)), default=Fraction(-100))
    assert bound == pytest.approx(float(last), abs=0.11)
    assert bound >= float(last) - 1e-5
    assert betting.upper_bound(-np.array(differences, dtype=float)) == -bound


def test_several_things_share_the_error() -> None:
    assert math.exp(betting.log_threshold()) == pytest.approx(20)
    assert math.exp(betting.log_threshold(5)) == pytest.approx(100)
