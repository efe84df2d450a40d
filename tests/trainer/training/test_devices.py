import logging

import keras
import numpy as np
import pytest
from archspec.cpu.detect import detected_info

from trainer.training import devices
from trainer.training.devices import Devices

ZEN_4 = {"avx2", "avx512f", "avx512_bf16"}
SAPPHIRE_RAPIDS = {*ZEN_4, "amx_bf16", "amx_tile"}
ZEN_3 = {"avx2", "fma", "f16c"}


@pytest.mark.parametrize(
    ("features", "backend", "environ", "expected"),
    [
        pytest.param(ZEN_4, "tensorflow", {}, (True, "the CPU has avx512_bf16"), id="avx512"),
        pytest.param(
            SAPPHIRE_RAPIDS,
            "tensorflow",
            {"TF_ENABLE_ONEDNN_OPTS": "1"},
            (True, "the CPU has amx_bf16 and avx512_bf16"),
            id="amx",
        ),
        pytest.param(
            ZEN_3,
            "tensorflow",
            {},
            (False, "the CPU has neither amx_bf16 nor avx512_bf16"),
            id="neither",
        ),
        pytest.param(
            ZEN_4,
            "tensorflow",
            {"TF_ENABLE_ONEDNN_OPTS": "0"},
            (False, "TF_ENABLE_ONEDNN_OPTS turns off what uses the CPU's bfloat16"),
            id="onednn-off",
        ),
        pytest.param(
            ZEN_4, "jax", {}, (False, "bfloat16 on a CPU was not measured with jax"), id="jax"
        ),
    ],
)
def test_a_cpu_trains_in_bfloat16_if_tensorflow_has_instructions_for_it(
    features: set[str], backend: str, environ: dict[str, str], expected: tuple[bool, str]
) -> None:
    assert devices.describe_cpu(features, backend, environ) == Devices(False, *expected)


def test_numpys_own_detection_finds_the_same_instructions() -> None:
    """NumPy asks the processor with CPUID, and the library that we ask reads what Linux says."""
    by_numpy = np._core._multiarray_umath.__cpu_features__  # type: ignore[attr-defined]
    features = detected_info().features
    for name, numpys in (("avx2", "AVX2"), ("fma", "FMA3"), ("avx512_bf16", "AVX512BF16")):
        assert (name in features) == by_numpy[numpys], name


def test_the_devices_of_this_machine_are_those_that_the_framework_lists() -> None:
    import tensorflow as tf

    found = devices.configure()
    assert keras.backend.backend() == "tensorflow"
    assert found.gpu == bool(tf.config.list_physical_devices("GPU"))
    assert found.reason.startswith("the GPU has" if found.gpu else "the CPU has")
    assert len(found.names) == len(tf.config.list_logical_devices("GPU"))
    assert found.lacks_gpu == (tf.test.is_built_with_cuda() and not found.gpu)


@pytest.mark.parametrize(
    ("found", "level", "text"),
    [
        (Devices(False, False, ""), logging.INFO, "computes on the CPU"),
        (Devices(True, True, "", ("A", "B")), logging.INFO, "computes on A, B"),
        (Devices(False, False, "", lacks_gpu=True), logging.WARNING, devices.NO_GPU),
    ],
    ids=["CPU", "two-GPUs", "GPU-expected"],
)
def test_a_training_says_where_it_computes(
    found: Devices, level: int, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        found.log()
    assert [(each.levelno, each.getMessage()) for each in caplog.records] == [(level, text)]
