"""Sets up the devices of the machine before the training framework computes."""

from __future__ import annotations

from dataclasses import dataclass

import keras


@dataclass(frozen=True)
class Devices:
    """The devices that a network is trained on."""

    gpu: bool
    """Whether there is a GPU."""
    policy: str | None
    """Keras's dtype policy; None keeps the default."""


def configure() -> Devices:
    """Let the memory of GPUs grow as needed, and return the devices.

    bfloat16 has the range of float32, so losses need no scaling. GPUs before NVIDIA's Ampere lack
    it and train in float32.
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
    return Devices(bool(bfloat16), "mixed_bfloat16" if bfloat16 and all(bfloat16) else None)
