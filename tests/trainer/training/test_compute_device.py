import logging
from collections.abc import Sequence

import pytest
import tensorflow as tf

from trainer.training import compute_device


@pytest.mark.parametrize(
    ("gpus", "built_for_gpu", "level", "text"),
    [
        ([], False, logging.INFO, "computes on the CPU"),
        (["NVIDIA A", "NVIDIA B"], True, logging.INFO, "computes on NVIDIA A, NVIDIA B"),
        ([], True, logging.WARNING, compute_device.NO_GPU),
    ],
    ids=["CPU", "two GPUs", "GPU expected"],
)
def test_it_says_where_a_training_computes(
    gpus: Sequence[str], built_for_gpu: bool, level: int, text: str
) -> None:
    assert compute_device.describe(gpus, built_for_gpu=built_for_gpu) == (level, text)


def test_the_line_in_the_log_agrees_with_tensorflow(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        compute_device.log_device()
    (record,) = caplog.records
    on_cpu = not tf.config.list_logical_devices("GPU")
    assert ("computes on the CPU" in record.getMessage()) == on_cpu
