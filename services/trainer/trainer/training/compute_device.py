"""Says on which device a training computes, so that its log shows whether a GPU is used."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

import keras

log = logging.getLogger(__name__)

NO_GPU: Final = (
    "computes on the CPU. This TensorFlow is built for NVIDIA GPUs, and finds none: "
    "see the section on GPUs in docs/platforms.md"
)


def log_device() -> None:
    """Log which device Keras's backend computes on, and warn where a GPU was meant to be there."""
    backend = keras.backend.backend()
    built_for_gpu = False
    if backend == "tensorflow":
        import tensorflow as tf

        cards = tf.config.list_physical_devices("GPU")
        names = [
            str(tf.config.experimental.get_device_details(card).get("device_name", card.name))
            for card in cards
        ]
        built_for_gpu = tf.test.is_built_with_cuda()
    elif backend == "jax":
        import jax

        names = [each.device_kind for each in jax.devices() if each.platform == "gpu"]
    else:
        import torch

        names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    level, text = describe(names, built_for_gpu=built_for_gpu)
    log.log(level, "%s", text)


def describe(gpus: Sequence[str], *, built_for_gpu: bool) -> tuple[int, str]:
    """Return the level and the text of the line that tells where a training computes.

    Args:
        gpus: names of the GPUs that the backend sees.
        built_for_gpu: whether the backend is a build for GPUs only.
    """
    if gpus:
        return logging.INFO, f"computes on {', '.join(gpus)}"
    if built_for_gpu:
        return logging.WARNING, NO_GPU
    return logging.INFO, "computes on the CPU"
