"""Areas are held against pairs that are counted one by one, and against known overlaps."""

import math

import numpy as np
import pytest
from bench.evaluation import separability
from bench.evaluation.separability import Sample

COUNT = 80


def sample(shift: float = 0.0) -> Sample:
    """Return noise of both kinds, the second brighter by a shift, in 2 folds of 4 blocks each."""
    rng = np.random.default_rng(1)
    pictures = rng.uniform(40, 160, (2 * COUNT, 128, 128, 3))
    simulated = np.arange(2 * COUNT) >= COUNT
    pictures[simulated] += shift
    block = np.arange(2 * COUNT) // 10
    return Sample(pictures.astype(np.uint8), simulated, block % 2, block)


def test_the_area_is_the_share_of_pairs_in_order() -> None:
    rng = np.random.default_rng(2)
    scores, labels = rng.integers(0, 12, 60).astype(float), rng.random(60) < 0.4
    pairs = [
        1.0 if one > other else 0.5 if one == other else 0.0
        for one in scores[labels]
        for other in scores[~labels]
    ]
    assert separability.area(scores, labels) == pytest.approx(np.mean(pairs))


def test_the_area_of_shifted_normal_scores_is_that_of_theory() -> None:
    """For equal spreads it is Phi(d / sqrt 2)."""
    rng = np.random.default_rng(3)
    labels = np.arange(20_000) % 2 == 1
    scores = rng.normal(size=20_000) + 1.0 * labels
    assert separability.area(scores, labels) == pytest.approx(
        0.5 * (1 + math.erf(1.0 / 2)), abs=0.01
    )


def test_logistic_regression_finds_the_log_odds_of_two_clouds() -> None:
    """For normal clouds of one spread the log odds are the difference of the means, times x."""
    rng = np.random.default_rng(4)
    labels = np.arange(4_000) % 2 == 1
    inputs = rng.normal(size=(4_000, 2)) + labels[:, None] * np.array([1.0, 0.0])
    places = np.array([[0.5, 0.0], [1.5, 0.0], [0.5, 3.0]])
    assert separability.logistic(inputs, labels, places) == pytest.approx([0, 1, 0], abs=0.25)


def test_what_differs_in_brightness_is_told_by_colours_and_not_by_edges() -> None:
    found = sample(shift=12.0)
    features = separability.groups(found.pictures, slice(0, 128))
    colours, edges = (
        separability.separate(found, features[name], separability.logistic)
        for name in ("mean colour", "edges")
    )
    assert colours.auc > 0.99
    assert edges.auc < 0.8


def test_what_does_not_differ_cannot_be_told_apart() -> None:
    """Of 20 draws of the same noise for both kinds, the mean area is that of chance."""
    found, rng = sample(), np.random.default_rng(6)
    results = [
        separability.separate(found, rng.normal(size=(2 * COUNT, 3)), separability.logistic)
        for _ in range(20)
    ]
    assert np.mean([each.auc for each in results]) == pytest.approx(0.5, abs=0.04)
    assert all(each.low <= each.auc <= each.high for each in results)


def test_a_classifier_is_judged_on_a_fold_that_it_never_saw() -> None:
    found = sample()
    seen: list[tuple[set[float], set[float]]] = []

    def remember(inputs: np.ndarray, _: np.ndarray, others: np.ndarray) -> np.ndarray:
        seen.append((set(inputs.tolist()), set(others.tolist())))
        return np.asarray(others, dtype=np.float64)

    separability.separate(found, np.arange(2.0 * COUNT), remember)
    assert len(seen) == 2
    for known, judged in seen:
        assert not known & judged
        assert len(known | judged) == 2 * COUNT


def test_the_interval_grows_when_the_pictures_of_a_block_are_alike() -> None:
    """Copies of a picture tell nothing new: the interval is that of the blocks, not the copies."""
    found = sample()
    rng = np.random.default_rng(5)
    alike = rng.normal(size=int(found.block.max()) + 1)[found.block] + 0.3 * found.simulated
    apart = rng.normal(size=2 * COUNT) + 0.3 * found.simulated

    def given(_: np.ndarray, __: np.ndarray, others: np.ndarray) -> np.ndarray:
        return np.asarray(others, dtype=np.float64)

    wide, narrow = (separability.separate(found, each, given) for each in (alike, apart))
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_hood_features_are_of_the_lowest_rows_that_are_shown() -> None:
    pictures = np.full((3, 128, 128, 3), 90, np.uint8)
    pictures[1, 110:] = 200
    pictures[2, 60:70] = 200
    whole = separability.groups(pictures, slice(0, 128))["lowest rows (hood)"]
    assert (whole[0] != whole[1]).any()
    assert (whole[0] == whole[2]).all()


@pytest.mark.parametrize(
    ("change", "name"),
    [(0, "rows (horizon)"), (1, "edges")],
    ids=["a step between rows", "a fine pattern"],
)
def test_features_tell_what_they_are_named_for(change: int, name: str) -> None:
    pictures = np.full((2, 128, 128, 3), 90, np.uint8)
    if change == 0:
        pictures[1, :60] = 180
    else:
        pictures[1, :, ::2] = 120
    features = separability.groups(pictures, slice(0, 128))[name]
    assert np.abs(features[1] - features[0]).max() > 0.02
