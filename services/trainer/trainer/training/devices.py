"""Sets up the devices of the machine before the training framework computes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Final

import keras
from archspec.cpu.detect import detected_info

CPU_FEATURES: Final = ("amx_bf16", "avx512_bf16")
"""Instructions that multiply bfloat16 and add up in float32, by the names of Linux."""


@dataclass(frozen=True)
class Devices:
    """The devices that a network is trained on."""

    gpu: bool
    """Whether there is a GPU."""
    bfloat16: bool
    """Whether they compute in bfloat16 with instructions of their own."""
    reason: str
    """What says so, such as "the CPU has avx512_bf16"."""


def configure() -> Devices:
    """Let the memory of GPUs grow as needed, and return the devices.

    GPUs before NVIDIA's Ampere have no bfloat16.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        cards = tf.config.list_physical_devices("GPU")
        for card in cards:
            tf.config.experimental.set_memory_growth(card, True)
        details = [tf.config.experimental.get_device_details(card) for card in cards]
        bfloat16 = [card.get("compute_capability", (0, 0)) >= (8, 0) for card in details]
    elif backend == "jax":
        import jax

        bfloat16 = [
            float(device.compute_capability) >= 8.0
            for device in jax.devices()
            if device.platform == "gpu"
        ]
    else:
        import torch

        bfloat16 = [torch.cuda.is_bf16_supported()] if torch.cuda.is_available() else []
    if bfloat16:
        has = all(bfloat16)
        return Devices(True, has, f"the GPU has {'' if has else 'no '}bfloat16")
    return describe_cpu(detected_info().features, backend, os.environ)


def describe_cpu(features: Set[str], backend: str, environ: Mapping[str, str]) -> Devices:
    """Return the CPU as a device.

    Only TensorFlow on x86 was measured, whose oneDNN uses the instructions.

    Args:
        features: the features of the CPU, by the names of Linux.
        backend: the backend of Keras.
        environ: the environment, in which oneDNN may be turned off.
    """
    found = [feature for feature in CPU_FEATURES if feature in features]
    if not found:
        return Devices(False, False, f"the CPU has neither {' nor '.join(CPU_FEATURES)}")
    if backend != "tensorflow":
        return Devices(False, False, f"bfloat16 on a CPU was not measured with {backend}")
    if environ.get("TF_ENABLE_ONEDNN_OPTS", "1").lower() in ("0", "false"):
        return Devices(False, False, "TF_ENABLE_ONEDNN_OPTS turns off what uses the CPU's bfloat16")
    return Devices(False, True, f"the CPU has {' and '.join(found)}")
