"""Bounds the mean of bounded differences by betting, correctly at whatever moment one stops.

A gambler bets against the claim that the mean of the differences is at most some value. If the
claim is true, no bet that is made before the drives can be expected to gain. So the gambler's
wealth exceeds 20 times the stake at any time with a probability of at most 1/20 (Ville's
inequality), and one may look after each block of drives, and stop when one likes. Nothing is
assumed about the distribution of the differences except its two ends.

Let x = (difference - LOW) / (HIGH - LOW) and m be the claimed mean on the same scale, both in 0..1.
The wealth after n differences is the product of

    1 + lambda (x - m),    lambda = BET / m

which is never below (1 - BET)^n.

Source: Waudby-Smith and Ramdas 2024, Estimating means of bounded random variables by betting,
Journal of the Royal Statistical Society B 86 (1), 1-27, arXiv 2010.09686: the capital process of
section 4, one-sided as in its appendix on hedging, with a constant bet.

Blocks. The drives of a block are independent of each other, and one is from each stratum: a light
and a way round. The claim is about the mean over the strata; the mean of one stratum may be larger,
so within a block the wealth is no supermartingale. At the end of a block it is, because all bets of
the block are the same. The expectation of the block's product is the product of the strata's
factors 1 + lambda (mean of the stratum - m). These are not negative, and their mean is at most 1.
So is their product, because a geometric mean is never above the arithmetic one. Strata can only
make the test stricter. So look at the wealth at the ends of blocks only.

The constant bet. Of two equal drivers nearly all differences are 0, and then a larger bet is always
better. `python -m bench.evaluation.gate_errors` compares it with other bets. No test that is
correct for all distributions can accept after fewer than 59 differences of 0 with a margin of 5 of
100 points: among the drivers that are worse by the margin there is one that fails in each
twentieth drive, and it has no failure in 58 drives with a probability of 0.95^58 = 0.051.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

ALPHA: Final = 0.05
"""Probability of an error that is allowed."""
LOW: Final = -100.0
"""Smallest difference of two scores of 0..100."""
HIGH: Final = 100.0
BET: Final = 0.95
"""Share of the wealth that is lost if a difference is LOW."""
PRECISION: Final = 1e-6
"""Points up to which a bound is computed."""

Floats = NDArray[np.float64]


def log_wealth_above(differences: Floats, mean: float) -> float:
    """Return the logarithm of the wealth of a gambler who bets that the mean is above `mean`.

    Args:
        differences: The differences, LOW..HIGH, shape (pairs,).
        mean: The claimed mean, above LOW and up to HIGH.
    """
    claimed = (mean - LOW) / (HIGH - LOW)
    scaled = (differences - LOW) / (HIGH - LOW)
    return float(np.log1p(BET * (scaled / claimed - 1)).sum())


def log_wealth_below(differences: Floats, mean: float) -> float:
    """Return the logarithm of the wealth of a gambler who bets that the mean is below `mean`."""
    return log_wealth_above(-differences, -mean)


def log_threshold(looks: int = 1) -> float:
    """Return the logarithm of the wealth that shows something, if `looks` things are looked for.

    Several things share the error (Bonferroni).
    """
    return math.log(looks / ALPHA)


def lower_bound(differences: Floats) -> float:
    """Return the largest mean against which the wealth suffices; the true mean is above it.

    This holds with a probability of 1 - ALPHA. The wealth falls with the claimed mean, so the bound
    is found by bisection.

    Args:
        differences: The differences, LOW..HIGH, shape (pairs,).
    """
    below, above = LOW, HIGH
    while above - below > PRECISION:
        middle = (below + above) / 2
        if log_wealth_above(differences, middle) >= log_threshold():
            below = middle
        else:
            above = middle
    return below


def upper_bound(differences: Floats) -> float:
    """Return the smallest mean against which the wealth suffices; the true mean is below it."""
    return -lower_bound(-differences)
