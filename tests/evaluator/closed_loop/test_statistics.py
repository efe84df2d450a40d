import itertools
import math
import tracemalloc
from typing import Any

import numpy as np
import pytest

from evaluator.closed_loop.statistics import (
    DRAWN_AT_ONCE,
    MEASURES,
    RESAMPLES,
    SEED,
    bootstrap_interval,
    bootstrap_means,
    subset_bound,
    subset_means,
    summarize,
)
from simulator.episode.metrics import wilson_interval


def drive(success: bool, autonomy: float | None, helped: int = 0) -> dict[str, Any]:
    return {
        "success": success,
        "interventions": [{}] * helped,
        "metrics": {
            "autonomy_percent": autonomy,
            "lateral_mae_m": 0.5,
            "lateral_max_m": None,
            "off_road_share": 0.25,
            "whiteness_per_s": 2.0,
        },
    }


def test_each_measure_has_a_mean_and_an_interval() -> None:
    found = summarize([drive(True, 100.0), drive(True, 100.0), drive(False, 40.0, helped=3)])
    assert list(found) == [each.name for each in MEASURES]
    low, high = wilson_interval(2, 3)
    assert found["success_percent"] == pytest.approx(
        {"mean": 200 / 3, "low": 100 * low, "high": 100 * high, "unit": "%"}
    )
    assert found["autonomy_percent"]["mean"] == 80.0
    assert found["autonomy_percent"]["low"] < 80 < found["autonomy_percent"]["high"] <= 100
    assert found["interventions"]["mean"] == 1.0
    assert found["off_road_percent"] == {"mean": 25.0, "low": 25.0, "high": 25.0, "unit": "%"}


def test_the_share_of_successes_has_wilsons_interval() -> None:
    """The source's formula for 60 of 100, with 1.96 standard errors, worked out by hand."""
    found = summarize([drive(number < 60, 100.0) for number in range(100)])["success_percent"]
    assert (found["low"], found["high"]) == pytest.approx((50.20, 69.06), abs=0.01)


def test_a_measure_that_no_drive_has_is_none() -> None:
    nothing = {"mean": None, "low": None, "high": None, "unit": "m"}
    assert summarize([drive(True, 100.0)])["lateral_max_m"] == nothing
    assert summarize([])["success_percent"] == nothing | {"unit": "%"}


def test_a_measure_that_some_drives_have_is_averaged_over_those() -> None:
    found = summarize([drive(True, 100.0), drive(True, None)])
    assert found["autonomy_percent"]["mean"] == 100.0


def test_the_interval_of_the_mean_is_the_same_each_time() -> None:
    """For many values it is the normal interval: mean ± 1.96 standard errors."""
    values = np.random.default_rng(5).normal(50, 10, 400)
    half = 1.96 * float(values.std()) / 20
    low, high = bootstrap_interval(values)
    assert low == pytest.approx(values.mean() - half, abs=0.1)
    assert high == pytest.approx(values.mean() + half, abs=0.1)
    assert bootstrap_interval(values) == (low, high)


def test_the_interval_covers_the_true_mean_about_as_often_as_it_should() -> None:
    random = np.random.default_rng(6)
    inside = 0
    for _ in range(100):
        low, high = bootstrap_interval(random.exponential(10, 20))
        inside += low <= 10 <= high
    assert 80 <= inside <= 99  # a percentile bootstrap of 20 skewed values is a little too narrow


@pytest.mark.parametrize("count", [3, 400])
def test_samples_that_are_drawn_in_parts_are_those_that_are_drawn_at_once(count: int) -> None:
    values = np.random.default_rng(7).normal(0, 10, count)
    assert len(values) * RESAMPLES > DRAWN_AT_ONCE or count == 3
    indices = np.random.default_rng(SEED).integers(0, count, (RESAMPLES, count))
    np.testing.assert_array_equal(bootstrap_means(values), values[indices].mean(axis=1))


def test_samples_are_drawn_with_replacement() -> None:
    means = bootstrap_means(np.array([0.0, 1.0]))
    shares = [float((means == each).mean()) for each in (0.0, 0.5, 1.0)]
    assert shares == pytest.approx([0.25, 0.5, 0.25], abs=0.02)
    assert np.isnan(bootstrap_means(np.array([]))).all()


def test_the_subsets_means_are_those_of_all_subsets() -> None:
    values = [3.0, -1.0, 4.0, 1.5]
    subsets = [each for size in range(1, 5) for each in itertools.combinations(values, size)]
    expected = sorted(sum(each) / len(each) for each in subsets)
    assert sorted(subset_means(np.array(values))) == pytest.approx(expected)


@pytest.mark.parametrize("count", [5, 7])
@pytest.mark.parametrize("error", [0.05, 0.01, 0.25])
def test_the_bound_of_symmetric_values_errs_exactly_as_often_as_it_may(
    count: int, error: float
) -> None:
    """Given their sizes, all signs of values that are symmetric around 0 are equally probable."""
    sizes = np.random.default_rng(count).exponential(3, count)
    signs = itertools.product((-1, 1), repeat=count)
    above = sum(subset_bound(sizes * np.array(each), error) > 0 for each in signs)
    assert above == math.floor(error * 2**count)


def test_too_few_values_have_no_bound() -> None:
    """Of four, all are above their centre with a probability of 1 / 16."""
    assert subset_bound(np.array([1.0, 1.0, 1.0, 1.0]), 0.05) == -math.inf
    assert subset_bound(np.array([1.0, 1.0, 1.0, 1.0, 1.0]), 0.05) == 1.0
    assert subset_bound(np.array([]), 0.05) == -math.inf


def test_the_bound_of_many_values_is_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(2).normal(1.0, 6.0, 400)
    expected = values.mean() - 1.645 * values.std(ddof=1) / 20
    assert subset_bound(values, 0.05) == pytest.approx(expected, abs=0.1)
    assert subset_bound(values, 0.05) == subset_bound(values, 0.05)


def test_ten_hours_of_recordings_are_compared_within_a_bounded_memory() -> None:
    values = np.random.default_rng(3).normal(90, 5, 9000)
    tracemalloc.start()
    try:
        subset_bound(values, 0.05)
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most_bytes < 40e6
