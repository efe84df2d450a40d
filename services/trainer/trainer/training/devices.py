"""Sets up the devices of the machine before the training framework computes."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Final

import keras
from archspec.cpu.detect import detected_info

log = logging.getLogger(__name__)

CPU_FEATURES: Final = ("amx_bf16", "avx512_bf16")
"""Instructions that multiply bfloat16 and add up in float32, by the names of Linux."""


NO_GPU: Final = (
    "computes on the CPU. This TensorFlow is built for NVIDIA GPUs, and finds none: "
    "see the section on GPUs in docs/platforms.md"
)


@dataclass(frozen=True)
class Devices:
    """The devices that a network is trained on."""

    gpu: bool
    """Whether there is a GPU."""
    bfloat16: bool
    """Whether they compute in bfloat16 with instructions of their own."""
    reason: str
    """What says so, such as "the CPU has avx512_bf16"."""
    names: tuple[str, ...] = ()
    """The names of the GPUs."""
    lacks_gpu: bool = False
    """Whether the framework is built for GPUs only, and finds none."""

    def log(self) -> None:
        """Log where a training computes, and warn where a GPU was meant to be there."""
        if self.lacks_gpu:
            log.warning("%s", NO_GPU)
        else:
            log.info("computes on %s", ", ".join(self.names) or "the CPU")


def configure() -> Devices:
    """Let the memory of GPUs grow as needed, and return the devices.

    GPUs before NVIDIA's Ampere have no bfloat16.
    """
    backend, lacks_gpu = keras.backend.backend(), False
    if backend == "tensorflow":
        import tensorflow as tf

        cards = tf.config.list_physical_devices("GPU")
        for card in cards:
            tf.config.experimental.set_memory_growth(card, True)
        details = [tf.config.experimental.get_device_details(card) for card in cards]
        names = [str(each.get("device_name", "a GPU without a name")) for each in details]
        bfloat16 = [each.get("compute_capability", (0, 0)) >= (8, 0) for each in details]
        lacks_gpu = tf.test.is_built_with_cuda() and not cards
    elif backend == "jax":
        import jax

        gpus = [device for device in jax.local_devices() if device.platform == "gpu"]
        names = [str(device.device_kind) for device in gpus]
        bfloat16 = [float(device.compute_capability) >= 8.0 for device in gpus]
    else:
        import torch

        names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
        bfloat16 = [torch.cuda.is_bf16_supported()] if names else []
    if names:
        has = all(bfloat16)
        return Devices(True, has, f"the GPU has {'' if has else 'no '}bfloat16", tuple(names))
    on_cpu = describe_cpu(detected_info().features, backend, os.environ)
    return dataclasses.replace(on_cpu, lacks_gpu=lacks_gpu)


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
