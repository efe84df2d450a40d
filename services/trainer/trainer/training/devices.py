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
    free_bytes: int = 0
    """Free memory of the first GPU that the framework may still take."""


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
        free_bytes = _tensorflow_free_bytes() if cards else 0
    elif backend == "jax":
        import jax

        gpus = [device for device in jax.devices() if device.platform == "gpu"]
        bfloat16 = [float(device.compute_capability) >= 8.0 for device in gpus]
        memory = (gpus[0].memory_stats() if gpus else None) or {}
        free_bytes = memory.get("bytes_limit", 0) - memory.get("bytes_in_use", 0)
    else:
        import torch

        available = torch.cuda.is_available()
        bfloat16 = [torch.cuda.is_bf16_supported()] if available else []
        free_bytes = torch.cuda.mem_get_info()[0] if available else 0
    policy = "mixed_bfloat16" if bfloat16 and all(bfloat16) else None
    return Devices(bool(bfloat16), policy, free_bytes)


def _tensorflow_free_bytes() -> int:
    """Return the bytes of the first GPU that TensorFlow may still take."""
    import tensorflow as tf
    from tensorflow.python.client import device_lib

    # Nothing public tells the limit of a device whose memory grows as needed.
    options = tf.compat.v1.GPUOptions(allow_growth=True)
    found = device_lib.list_local_devices(tf.compat.v1.ConfigProto(gpu_options=options))
    limit = next(int(device.memory_limit) for device in found if device.device_type == "GPU")
    return limit - int(tf.config.experimental.get_memory_info("GPU:0")["current"])
