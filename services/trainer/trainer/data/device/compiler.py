"""Compiles functions of Keras operations for the device that trains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function compiled by XLA, if the Keras backend has it, or else as it is.

    It is compiled once for each set of shapes. Its arguments are arrays or tensors, alone or in
    dictionaries.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        # Not every release of TensorFlow can gather bytes on a GPU without XLA.
        return tf.function(function, jit_compile=True, autograph=False)  # type: ignore[no-any-return]
    if backend == "jax":
        import jax

        return jax.jit(function)  # type: ignore[no-any-return]
    return function
