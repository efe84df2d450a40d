"""Measures how much memory of the device the Keras backend may still take."""

from __future__ import annotations

import keras

from trainer.data import storage_probe


def free_bytes() -> int:
    """Return the free memory of the first GPU in bytes; without one, that of the host.

    If JAX took most of the GPU's memory when it started, as it does by default, that is free.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        free = _tensorflow_free_bytes()
    elif backend == "jax":
        import jax

        memory = jax.local_devices()[0].memory_stats() or {}
        free = memory["bytes_limit"] - memory["bytes_in_use"] if memory else None
    else:
        import torch

        free = torch.cuda.mem_get_info()[0] if torch.cuda.is_available() else None
    return storage_probe.free_bytes() if free is None else int(free)


def _tensorflow_free_bytes() -> int | None:
    import tensorflow as tf
    from tensorflow.python.client import device_lib

    if not tf.config.list_physical_devices("GPU"):
        return None
    # Nothing public tells how much TensorFlow may take if its memory grows as needed.
    options = tf.compat.v1.GPUOptions(allow_growth=True)
    found = device_lib.list_local_devices(tf.compat.v1.ConfigProto(gpu_options=options))
    limit = next(int(device.memory_limit) for device in found if device.device_type == "GPU")
    return limit - int(tf.config.experimental.get_memory_info("GPU:0")["current"])
