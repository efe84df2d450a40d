"""Computes how often the gate is right, by making gates whose truth is known.

python -m bench.evaluation.gate_errors [errors] [bets] [recordings] [--gates N] [--save]

No car drives: interventions are drawn at random, and judged by the gate's rule. Three tables:
the verdicts of the simulator's course, other bets than the gate's, and the course of recordings.
Resampling is slow, so recordings and the gate of 0.1.0 have a fourth of the gates. docs/gate.md
tells the results.

Interventions of a drive have Poisson's distribution. Some drives are hopeless besides: their
autonomy is 0, as of a version that fails in one place or light. The margin is a difference of -5
points of autonomy.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench import output
from evaluator.closed_loop import betting, noninferiority, paired_drives, statistics
from evaluator.closed_loop.noninferiority import (
    MARGIN_POINTS,
    NO_WORSE,
    NOT_SHOWN,
    WORSE,
    PairedScores,
)
from simulator.episode.metrics import INTERVENTION_COST_S
from simulator.rendering.appearance import LIGHTS

MOST_PAIRS = 128
QUARTER_LAP_S = 42.4
"""Seconds for a quarter lap of the lake at 15 mph."""
FORMER_PAIRS = 12
"""Pairs of quarter laps that the gate of release 0.1.0 compared, whatever they showed."""
SEED = 7
PIECES = 6
"""Pieces of a recording in a block."""
CHECKED = 20
"""Gates of each row that the gate's own code judges too."""
SLOWER = 4
"""A resampling takes so long that only each fourth gate has one."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Driver:
    """How often a made driver fails."""

    rate: float
    """Interventions in a quarter lap, on average."""
    hopeless: float = 0.0
    """Share of drives in which it scores 0."""
    dark: bool = False
    """Whether it scores 0 in every drive in one of the lights."""

    def drive(self, random: np.random.Generator, shape: tuple[int, ...], quarters: float) -> Floats:
        """Return the autonomy of drives that are so many quarter laps long; the lights alternate.

        Args:
            random: generator of random numbers.
            shape: shape of the drives; the last axis is one of pairs in the order of a block.
            quarters: length of a drive in quarter laps.
        """
        helped = random.poisson(self.rate * quarters, shape)
        cost = 100 * INTERVENTION_COST_S / (QUARTER_LAP_S * quarters)
        autonomy = np.maximum(0.0, 100 - cost * helped)
        autonomy[random.random(shape) < self.hopeless] = 0
        if self.dark:
            light = np.arange(shape[-1]) // paired_drives.WAYS % len(LIGHTS)
            autonomy[..., light == 0] = 0
        return np.asarray(autonomy)

    def __str__(self) -> str:
        """Return the driver in words."""
        words = [f"{self.rate:.2f}"] if self.rate or not (self.hopeless or self.dark) else []
        words += [f"{100 * self.hopeless:.1f} % hopeless"] if self.hopeless else []
        return " and ".join(words + (["a light hopeless"] if self.dark else []))


RARE = Driver(0.1, 0.01)
CASES = (
    (Driver(0.0), Driver(0.0)),
    (Driver(0.1), Driver(0.1)),
    (Driver(0.3), Driver(0.3)),
    (Driver(0.0, 0.01), Driver(0.0, 0.01)),
    (RARE, RARE),
    (Driver(1.0), Driver(0.1)),
    (Driver(0.1), Driver(0.2)),
    (Driver(0.1), Driver(1.0)),
    (Driver(0.0), Driver(0.0, dark=True)),
)
MARGINS = (
    (Driver(0.0), "rate"),
    (Driver(0.1), "rate"),
    (Driver(0.3), "rate"),
    (Driver(0.0), "hopeless"),
    (Driver(0.1), "hopeless"),
    (Driver(0.0, 0.02), "hopeless"),
)
"""Incumbents, and by what the candidate is worse by the margin."""


def main() -> int:
    """Make the gates and show the tables."""
    parser = output.arguments(__doc__)
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], help="tables; all if none")
    parser.add_argument("--gates", type=int, default=2000, help="gates for each row")
    options = parser.parse_args()
    for name in options.tables or TABLES:
        random = np.random.default_rng(SEED)
        title, rows = TABLES[name]
        found = rows(options.gates, random)
        command = f"python -m bench.evaluation.gate_errors {name}"
        title = f"{title}, {options.gates:,} each"
        output.finish(output.Result(f"gate-{name}", title, command, "", found), options)
    return 0


def cases(random: np.random.Generator) -> list[tuple[Driver, Driver]]:
    """Return pairs of an incumbent and a candidate; the last ones are at the margin."""
    return [
        *CASES,
        *((incumbent, at_margin(incumbent, how, random)) for incumbent, how in MARGINS),
    ]


def at_margin(incumbent: Driver, how: str, random: np.random.Generator) -> Driver:
    """Return a driver that is worse than the incumbent by the margin, by bisection."""
    quarters, many = _quarters(), (400_000,)
    usual = incumbent.drive(random, many, quarters).mean()
    low, high = 0.0, 3.0 if how == "rate" else 1.0

    def changed(more: float) -> Driver:
        if how == "rate":
            return Driver(incumbent.rate + more, incumbent.hopeless)
        return Driver(incumbent.rate, incumbent.hopeless + more)

    for _ in range(20):
        middle = (low + high) / 2
        scores = changed(middle).drive(random, many, quarters)
        low, high = (middle, high) if usual - scores.mean() < MARGIN_POINTS else (low, middle)
    return changed(low)


def verdicts(
    incumbent: Driver, candidate: Driver, gates: int, random: np.random.Generator
) -> output.Row:
    """Return how often the gate comes to which verdict, and after how many pairs.

    All gates are computed at once; the gate's own code must come to the same on the first CHECKED.

    Raises:
        AssertionError: It does not.
    """
    shape = (gates, MOST_PAIRS)
    own, other = (each.drive(random, shape, _quarters()) for each in (candidate, incumbent))
    found, pairs = _judge_all(own - other)
    for gate in range(min(CHECKED, gates)):
        assert (found[gate], pairs[gate]) == _judge(own[gate], other[gate])
    former = [
        each.drive(random, (max(1, gates // SLOWER), FORMER_PAIRS), 1.0)
        for each in (candidate, incumbent)
    ]
    return {
        "incumbent": str(incumbent),
        "candidate": str(candidate),
        "difference": float((own - other).mean()),
        "accepted": 100 * float((found == NO_WORSE).mean()),
        "not shown": 100 * float((found == NOT_SHOWN).mean()),
        "worse": 100 * float((found == WORSE).mean()),
        "mean pairs": float(pairs.mean()),
        "accepted by 0.1.0": 100 * float(np.mean([_bootstrap(row) for row in _minus(former)])),
    }


def _judge(own: Floats, other: Floats) -> tuple[str, int]:
    """Return the verdict of the gate's code on pairs of drives, and how many pairs it took."""
    lights = np.resize(np.repeat(np.array(LIGHTS), paired_drives.WAYS), len(own))
    verdict, count = None, 0
    while verdict is None:
        count += paired_drives.BLOCK_PAIRS
        seen = PairedScores(lights[:count], own[:count], other[:count])
        verdict = noninferiority.judge_drives(seen, len(own) - count)
    return verdict, count


def _judge_all(difference: Floats) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    """Return the verdicts on differences, shape (gates, pairs), and after how many pairs."""
    gates, most = difference.shape
    block = paired_drives.BLOCK_PAIRS
    counts = np.arange(block, most + 1, block)
    above = _constant(betting.BET)(difference)[:, counts - 1]
    # What each pair adds to the wealth that shows that the candidate is worse.
    scaled = (100 - difference) / (100 + MARGIN_POINTS)
    below = np.log1p(betting.BET * (scaled - 1)).reshape(gates, -1, len(LIGHTS), paired_drives.WAYS)
    by_light = below.sum(axis=3).cumsum(axis=1)
    against = np.concatenate([by_light, by_light.sum(axis=2, keepdims=True)], axis=2).max(axis=2)
    wanted = betting.log_threshold(1 + len(LIGHTS))
    equal = (most - counts) * math.log1p(betting.BET * MARGIN_POINTS / (100 - MARGIN_POINTS))
    named = noninferiority.NAMED_PAIRS
    on_the_way = (against * named / counts >= wanted) & (counts < named)
    futile = (above + equal < betting.log_threshold()) & ~on_the_way
    cases = [against >= wanted, above >= betting.log_threshold(), futile | (counts == most)]
    which = np.select(cases, [0, 1, 2], -1)
    first = (which >= 0).argmax(axis=1)
    names = np.array([WORSE, NO_WORSE, NOT_SHOWN])
    return names[which[np.arange(gates), first]], counts[first]


def other_bets(
    incumbent: Driver, candidate: Driver, gates: int, random: np.random.Generator
) -> output.Row:
    """Return how often other bets accept, and after how many pairs on average."""
    shape = (gates, MOST_PAIRS)
    difference = _minus([each.drive(random, shape, _quarters()) for each in (candidate, incumbent)])
    row: dict[str, output.Cell] = {"incumbent": str(incumbent), "candidate": str(candidate)}
    for name, log_wealth in BETS.items():
        wealth = log_wealth(difference)[
            :, paired_drives.BLOCK_PAIRS - 1 :: paired_drives.BLOCK_PAIRS
        ]
        enough = wealth >= betting.log_threshold()
        accepted = enough.any(axis=1)
        blocks = np.where(accepted, enough.argmax(axis=1) + 1, wealth.shape[1])
        row[name] = (
            f"{100 * accepted.mean():.1f} %, {paired_drives.BLOCK_PAIRS * blocks.mean():.0f} pairs"
        )
    return row


def recordings(gates: int, random: np.random.Generator) -> list[output.Row]:
    """Return how often the course of recordings accepts, and how often pieces did in 0.1.0."""
    rows: list[output.Row] = []
    repeats = max(1, gates // SLOWER)
    for name, count, skewed in (
        ("1 recording of 4 min", (10,), False),
        ("1 recording of 4 min, rare failures", (10,), True),
        ("3 recordings of 4 min", (10, 10, 10), False),
        ("3 recordings of 4 min, rare failures", (10, 10, 10), True),
    ):
        for mean in (0.0, -MARGIN_POINTS):
            accepted, former = 0, 0
            for _ in range(repeats):
                pieces = _pieces(random, sum(count), mean, skewed)
                part = np.repeat(np.array([f"r{number}" for number in range(len(count))]), count)
                blocks = pieces.mean(axis=1)
                scores = PairedScores(part, 80 + blocks, np.full(len(part), 80.0))
                found = noninferiority.compare_recordings("", scores, np.zeros(len(part)))
                accepted += found.verdict == NO_WORSE
                former += _bootstrap(pieces.ravel())
            rows.append(
                {
                    "recordings": name,
                    "difference": mean,
                    "accepted": 100 * accepted / repeats,
                    "accepted by 0.1.0": 100 * former / repeats,
                }
            )
    return rows


def _pieces(random: np.random.Generator, blocks: int, mean: float, skewed: bool) -> Floats:
    """Return made differences of pieces, shape (blocks, PIECES): those of a block are alike."""
    alike = random.normal(0, 4, (blocks, 1))
    if skewed:  # in some blocks the candidate does not keep to the path at all
        alike = np.where(random.random((blocks, 1)) < 0.2, -16.0, 4.0)
    return np.asarray(mean + alike + random.normal(0, 4, (blocks, PIECES)))


def _constant(share: float) -> Callable[[Floats], Floats]:
    """Return the bet that loses a constant share of the wealth at a difference of LOW."""
    return lambda difference: np.cumsum(np.log1p(share * _gain(difference)), axis=1)


def _mixture(difference: Floats) -> Floats:
    """Return the logarithm of the mean wealth of five constant bets."""
    shares = (0.2, 0.4, 0.6, 0.8, 0.95)
    return np.asarray(
        np.logaddexp.reduce([_constant(share)(difference) for share in shares])
        - np.log(len(shares))
    )


def _agrapa(difference: Floats) -> Floats:
    """Bet aGRAPA: mean over variance of what was seen before, from a start of 1/2 and 1/4.

    Source: Waudby-Smith and Ramdas 2024, section B.3. The bet of a block is that before it.
    """
    wealth = np.zeros_like(difference)
    scaled, claimed = (difference + 100) / 200, (100 - MARGIN_POINTS) / 200
    block = paired_drives.BLOCK_PAIRS
    for first in range(0, difference.shape[1], block):
        seen = scaled[:, :first]
        mean = (0.5 + seen.sum(axis=1)) / (1 + first)
        spread = (0.25 + ((seen - mean[:, np.newaxis]) ** 2).sum(axis=1)) / (1 + first)
        bet = (mean - claimed) / (spread + (mean - claimed) ** 2)
        share = np.clip(bet * claimed, 0, betting.BET)[:, np.newaxis]
        rows = slice(first, first + block)
        wealth[:, rows] = np.log1p(share * _gain(difference[:, rows]))
    return np.cumsum(wealth, axis=1)


BETS = {
    "0.5": _constant(0.5),
    "0.8": _constant(0.8),
    "0.95, the gate's": _constant(betting.BET),
    "mixture": _mixture,
    "aGRAPA": _agrapa,
}


def _gain(difference: Floats) -> Floats:
    """Return what a bet of the whole wealth gains, as a share of it; -1 if all is lost."""
    return np.asarray((difference + 100) / (100 - MARGIN_POINTS) - 1)


def _minus(scores: list[Floats]) -> Floats:
    return scores[0] - scores[1]


def _bootstrap(difference: Floats) -> bool:
    """Return whether the gate of release 0.1.0 accepted: the bootstrap's bound of the mean."""
    return bool(np.quantile(statistics.bootstrap_means(difference), 0.05) >= -MARGIN_POINTS)


def _quarters() -> float:
    return paired_drives.GATE_LAPS / 0.25


TABLES: dict[str, tuple[str, Callable[[int, np.random.Generator], list[output.Row]]]] = {
    "errors": (
        "Verdicts of gates",
        lambda gates, random: [verdicts(*case, gates, random) for case in cases(random)],
    ),
    "bets": (
        "Other bets",
        lambda gates, random: [other_bets(*case, gates, random) for case in cases(random)],
    ),
    "recordings": ("Verdicts on recordings", recordings),
}


if __name__ == "__main__":
    sys.exit(main())
