"""What the training framework is told of the machine before it computes."""

from __future__ import annotations

from dataclasses import dataclass

import keras


@dataclass(frozen=True)
class Devices:
    """What a network is trained on."""

    gpu: bool
    policy: str | None
    """Keras's dtype policy; None: its own."""


def prepare() -> Devices:
    """Let a GPU's memory grow as needed, and return what there is.

    bfloat16 keeps float32's range, so losses need no scaling; GPUs before NVIDIA's Ampere lack it
    and train in float32.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        cards = tf.config.list_physical_devices("GPU")
        for card in cards:
            tf.config.experimental.set_memory_growth(card, True)
        details = [tf.config.experimental.get_device_details(card) for card in cards]
        able = [card.get("compute_capability", (0, 0)) >= (8, 0) for card in details]
    elif backend == "jax":
        import jax

        able = [
            float(device.compute_capability) >= 8.0
            for device in jax.devices()
            if device.platform == "gpu"
        ]
    else:
        import torch

        able = [torch.cuda.is_bf16_supported()] if torch.cuda.is_available() else []
    return Devices(bool(able), "mixed_bfloat16" if able and all(able) else None)
