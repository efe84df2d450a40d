from pathlib import Path

import pytest
from support.data.boards import scalars

from trainer.training.tensorboard import TensorBoardLogger

TOLD = {"loss": 0.5, "validation_mse": 0.25, "samples_per_s": 700.0, "data_share": 0.01}
SCORES = {"mse": 0.25, "mse_zero": 0.3, "mse_hold": 0.125, "mae_deg": 2.0, "correlation": 0.75}


def test_a_training_and_its_baselines_share_one_chart(tmp_path: Path) -> None:
    with TensorBoardLogger(tmp_path, "job-1", 0, {"learning_rate": 0.001, "epochs": 2}) as board:
        for epoch in (1, 2):
            board.epoch(epoch, TOLD, SCORES)
    run = tmp_path / "tensorboard" / "job-1"
    own = scalars(run)
    assert own["validation_mse"] == [(1, 0.25), (2, 0.25)]
    assert own["validation_correlation"] == [(1, 0.75), (2, 0.75)]
    assert own["learning_rate"][0][1] == pytest.approx(0.001)
    assert scalars(run / "predict-zero")["validation_mse"][1] == (2, pytest.approx(0.3))
    assert scalars(run / "hold-last")["validation_mse"] == [(1, 0.125), (2, 0.125)]


def test_the_configuration_is_logged_once(tmp_path: Path) -> None:
    for epoch in (0, 1):
        with TensorBoardLogger(tmp_path, "job-1", epoch, {"learning_rate": 0.001}) as board:
            board.epoch(epoch + 1, TOLD, SCORES)
    run = tmp_path / "tensorboard" / "job-1"
    written = b"".join(path.read_bytes() for path in run.glob("events.*"))
    assert written.count(b"| learning_rate | `0.001` |") == 1
