import base64
import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from support.data import samples

from contract.errors import BrokenFrameError, TelemetryError
from contract.frames.preprocess import Frame
from contract.wire.live_view import LiveView
from evaluator.shadow.comparison import APART_S, MAX_WORST, ShadowComparison

JPEG = base64.b64encode(samples.jpeg()).decode()


def view(
    steering: float, time_s: float, simulator: str = "1", how: str = "model", image: str = JPEG
) -> LiveView:
    return LiveView("lab:4567", simulator, time_s, how, steering, 0.5, 9.0, 15.0, 2.5, 7, image)


def answers(*values: float) -> Callable[[Frame], float]:
    """Return a policy that gives these answers, one after the other."""
    remaining = iter(values)
    return lambda _: next(remaining)


def test_the_version_sees_the_picture_that_was_driven() -> None:
    seen: list[Frame] = []
    comparison = ShadowComparison(lambda picture: float(seen.append(picture) or 0.5))
    comparison.add([view(0.25, 1.0)])
    [picture] = seen
    assert (picture.shape, picture.dtype) == ((160, 320, 3), np.uint8)
    assert abs(picture.astype(int) - samples.picture(0.0, 0)).mean() < 8  # JPEG's own loss
    [moment] = comparison.moments
    assert (moment.driven, moment.shadow, moment.difference) == (0.25, 0.5, 0.25)


def test_the_figures_are_those_of_the_arithmetic() -> None:
    comparison = ShadowComparison(answers(0.2, -0.1, 0.04, 0.4))
    for number, driven in enumerate((0.1, 0.1, -0.04, 0.4)):
        comparison.add([view(driven, 10.0 + number)])
    summary = comparison.summary()
    # differences: 0.1, -0.2, 0.08 and 0 of 25 degrees
    assert summary["mean_deg"] == pytest.approx(25 * (0.1 - 0.2 + 0.08) / 4)
    assert summary["mae_deg"] == pytest.approx(25 * 0.38 / 4)
    assert summary["rmse_deg"] == pytest.approx(25 * ((0.01 + 0.04 + 0.0064) / 4) ** 0.5)
    assert summary["max_deg"] == pytest.approx(5.0)
    assert summary["p95_deg"] == pytest.approx(25 * (0.1 + 0.85 * 0.1))  # between 0.1 and 0.2
    # Only the second is to opposite sides; the third has both within 0.05 of straight on.
    assert summary["opposite_percent"] == 25.0
    assert (summary["moments"], summary["simulators"], summary["seconds"]) == (4, 1, 3.0)
    # Pearson's r by its definition, with means 0.14 and 0.135
    x, y = np.array([0.1, 0.1, -0.04, 0.4]) - 0.14, np.array([0.2, -0.1, 0.04, 0.4]) - 0.135
    assert summary["correlation"] == pytest.approx((x @ y) / np.sqrt((x @ x) * (y @ y)))
    assert sum(row["rows"] for row in summary["by_bin"]) == 4
    assert summary["left_out"] == {}


def test_a_constant_steering_has_no_correlation() -> None:
    comparison = ShadowComparison(answers(0.2, 0.3))
    comparison.add([view(0.1, 1.0)])
    comparison.add([view(0.1, 2.0)])
    assert comparison.summary()["correlation"] is None


def test_only_what_the_model_steered_is_compared() -> None:
    comparison = ShadowComparison(answers(0.2))
    comparison.add(
        [view(0, 1, how="held"), view(0, 2, how="stopped"), view(0, 3, how="manual", image="")]
    )
    assert comparison.moments == []
    assert comparison.describe_left_out() == "1 views held, 1 views manual, 1 views stopped"
    comparison.add([view(0.1, 4.0)])
    assert comparison.summary()["left_out"] == {"held": 1, "manual": 1, "stopped": 1}


def test_of_several_views_of_a_simulator_the_newest_is_compared() -> None:
    comparison = ShadowComparison(answers(0.2, 0.3))
    comparison.add([view(0.1, 1.0), view(0.5, 1.0, "2"), view(0.15, 1.1)])
    assert [(moment.simulator, moment.driven) for moment in comparison.moments] == [
        ("1@lab:4567", 0.15),
        ("2@lab:4567", 0.5),
    ]
    assert comparison.left_out == {"skipped": 1}


def test_simulators_of_two_bridges_with_the_same_number_are_two() -> None:
    comparison = ShadowComparison(answers(0.2, 0.3))
    one = view(0.1, 1.0)
    comparison.add([one, dataclasses.replace(one, bridge="shop:4567", steering=0.5)])
    assert [moment.driven for moment in comparison.moments] == [0.1, 0.5]
    assert comparison.left_out == {}


def test_the_worst_moments_are_apart_and_hold_the_largest_of_all() -> None:
    rng = np.random.default_rng(5)
    shadow = rng.uniform(-1, 1, 400)
    comparison = ShadowComparison(answers(*shadow))
    for number in range(400):
        comparison.add([view(0.0, number / 10, str(number % 2))])
    moments = [moment for moment, _ in comparison.worst]
    sizes = [abs(moment.difference) for moment in moments]
    assert len(moments) == MAX_WORST
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == abs(shadow).max()
    for name in ("0@lab:4567", "1@lab:4567"):
        times_s = sorted(moment.time_s for moment in moments if moment.simulator == name)
        assert (np.diff(times_s) >= APART_S).all()


def test_a_single_bend_is_one_of_the_worst_moments() -> None:
    sizes = (0.1, 0.4, 0.9, 0.5, 0.2)
    comparison = ShadowComparison(answers(*sizes))
    for number in range(5):
        comparison.add([view(0.0, number / 10)])
    [(moment, picture)] = comparison.worst
    assert moment.difference == 0.9
    assert picture.shape == (160, 320, 3)


def test_a_picture_that_is_not_in_base64_is_an_error() -> None:
    with pytest.raises(TelemetryError, match="not in base64"):
        ShadowComparison(answers(0.2)).add([view(0.1, 1.0, image="no base64!")])


def test_a_picture_that_cannot_be_decoded_is_an_error() -> None:
    cut = base64.b64encode(samples.jpeg()[:500]).decode()
    with pytest.raises(BrokenFrameError):
        ShadowComparison(answers(0.2)).add([view(0.1, 1.0, image=cut)])
