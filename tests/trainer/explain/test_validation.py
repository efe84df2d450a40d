from pathlib import Path

import numpy as np
import pytest
from support.data import rows

from contract import steering_metrics
from contract.dataset.store import StoreManifest
from trainer.explain import validation
from trainer.explain.provenance import TrainingRecording
from trainer.explain.validation import ValidationPredictions


def source(count: int = 40, name: str = "lake-1") -> TrainingRecording:
    table = rows.rows(count)
    table["time_s"][30:] += 5.0  # a pause
    mask = np.zeros(count, np.bool_)
    mask[[*range(10, 20), *range(25, 35)]] = True
    manifest = StoreManifest(name, 2, {}, count, 3 * count, 0, 32, [], "", {}, {}, "")
    return TrainingRecording(0, manifest, rows.dataset(table), ~mask, mask)


def of(each: TrainingRecording, off: float = 0.1) -> ValidationPredictions:
    at = np.flatnonzero(each.validation)
    return ValidationPredictions(each, at, each.rows["steering"][at] + np.float32(off))


def test_blocks_end_at_missing_rows_and_at_pauses() -> None:
    one = of(source())
    assert one.block.tolist() == [0] * 10 + [1] * 5 + [2] * 5
    assert one.time_s[[0, -1]] == pytest.approx([1.0, 8.4])
    np.testing.assert_array_equal(one.driver, source().rows["steering"][one.rows])
    assert one.held[0] == one.recording.rows["steering"][9]
    assert one.held[15] == 0  # the first after the pause


def test_figures_have_units() -> None:
    both = [of(source(), 0.1), of(source(name="lake-2"), 0.3)]
    found = {name: (value, unit) for name, value, unit in validation.figures(both)}
    assert found["validation rows"] == (40.0, "rows")
    assert found["validation bias"] == (pytest.approx(5.0), "deg")
    assert found["validation mean error"] == (pytest.approx(5.0), "deg")
    assert found["validation MSE"] == (pytest.approx((0.01 + 0.09) / 2), validation.SQUARE)
    zeros, _ = found["validation MSE of predict-zero"]
    assert zeros == pytest.approx(np.mean(both[0].driver.astype(float) ** 2))
    known = steering_metrics.score(both[0].network, both[0].driver, both[0].held)
    assert len(found) == len(known) + 1


def test_row_predictions_know_their_rows() -> None:
    found = validation.row_predictions([of(source()), of(source(name="lake-2"))])
    assert len(found) == 40
    last = found[-1]
    assert (last.row, last.predictions.recording.name, last.index) == (34, "lake-2", 19)
    assert last.name == "lake-2, 8.4 s"
    assert last.network - last.driver == pytest.approx(0.1, abs=1e-6)


def test_recordings_without_validation_rows_are_left_out(tmp_path: Path) -> None:
    each = source()
    none = TrainingRecording(1, each.manifest, each.dataset, each.train, np.zeros(40, np.bool_))
    assert (
        validation.predict_validation(
            tmp_path, [none], lambda _: pytest.fail("asked"), lambda *_: None
        )
        == []
    )
