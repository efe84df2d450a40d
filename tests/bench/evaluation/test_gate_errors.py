"""The made gates are judged as the gate judges, and their drivers are what they are said to be."""

import numpy as np
import pytest
from bench.evaluation import gate_errors
from bench.evaluation.gate_errors import Driver

RANDOM = 3


@pytest.mark.parametrize(
    "candidate",
    [
        pytest.param(Driver(0.3), id="equal"),
        pytest.param(Driver(0.8), id="worse"),
        pytest.param(Driver(3.0, 0.2), id="much worse"),
        pytest.param(Driver(0.0, dark=True), id="hopeless in a light"),
        pytest.param(Driver(0.0), id="better"),
    ],
)
def test_all_gates_at_once_come_to_the_verdicts_of_the_gates_code(candidate: Driver) -> None:
    random = np.random.default_rng(RANDOM)
    shape = (20, gate_errors.MOST_PAIRS)
    own, other = (each.drive(random, shape, 0.5) for each in (candidate, Driver(0.3)))
    verdicts, pairs = gate_errors._judge_all(own - other)
    assert [*zip(verdicts.tolist(), pairs.tolist(), strict=True)] == [
        gate_errors._judge(*both) for both in zip(own, other, strict=True)
    ]


@pytest.mark.parametrize("how", ["rate", "hopeless"])
def test_a_driver_at_the_margin_is_five_points_worse(how: str) -> None:
    random = np.random.default_rng(RANDOM)
    worse = gate_errors.at_margin(Driver(0.1), how, random)
    shape = (400_000,)
    difference = (
        worse.drive(random, shape, 0.5).mean() - Driver(0.1).drive(random, shape, 0.5).mean()
    )
    assert difference == pytest.approx(-5, abs=0.15)


def test_an_intervention_costs_what_the_measure_says() -> None:
    """6 s of 21.2 s: 28.3 points; a second one as much again, and a fourth leaves nothing."""
    scores = np.unique(Driver(2.0).drive(np.random.default_rng(RANDOM), (1000,), 0.5))
    assert scores[-3:] == pytest.approx([43.4, 71.7, 100.0], abs=0.1)
    assert scores[0] == 0


def test_made_gates_err_at_the_margin_in_a_twentieth_at_most() -> None:
    """With 400 gates; docs/gate.md has 2,000. The worst case is a failure in each 20th drive."""
    row = gate_errors.verdicts(Driver(0.0), Driver(0.0, 0.05), 400, np.random.default_rng(RANDOM))
    assert 1 < float(row["accepted"] or 0) <= 7.5  # 5 % and 2.3 standard errors
    assert float(row["accepted by 0.1.0"] or 0) > 30
