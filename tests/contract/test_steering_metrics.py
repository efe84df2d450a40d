import numpy as np
import pytest

from contract.steering_metrics import hold_last, score


def values(*numbers: float) -> np.ndarray:
    return np.array(numbers, np.float32)


def test_figures_are_those_of_paper_and_pencil() -> None:
    scores = score(values(0.1, 0.3), values(0.2, 0.4), values(0.0, 0.2))
    assert scores["rows"] == 2
    assert scores["mse"] == pytest.approx(0.01)
    assert scores["mse_zero"] == pytest.approx((0.04 + 0.16) / 2)
    assert scores["mse_hold"] == pytest.approx(0.04)
    assert scores["mae_deg"] == pytest.approx(2.5)
    assert scores["correlation"] == pytest.approx(1.0)


def test_a_constant_answer_correlates_with_nothing() -> None:
    assert score(values(0.1, 0.1), values(0.2, 0.4), values(0, 0))["correlation"] == 0.0


def test_hold_last_starts_anew_after_a_pause() -> None:
    held = hold_last(values(0.1, 0.2, 0.3, 0.4), np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(held, values(0, 0.1, 0, 0.3))
