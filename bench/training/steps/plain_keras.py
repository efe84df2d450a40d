"""Keras on TensorFlow as a fresh environment has it: `train_on_batch`, no settings of ours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from bench.training.steps.lapwing import threads as threads

Frames = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.float32]


def stepper(option: str) -> Callable[[Frames, Labels], None]:
    """Return the step; the option is a dtype policy, or "jit" for float32 compiled by XLA."""
    import keras

    from trainer.training import network_builder

    keras.utils.set_random_seed(1)
    network = network_builder.build(dtype="float32" if option == "jit" else option)
    adam = keras.optimizers.Adam(1e-3, amsgrad=True, global_clipnorm=1.0)
    network.compile(optimizer=adam, loss="mse", jit_compile=option == "jit")

    def step(frames: Frames, labels: Labels) -> None:
        float(network.train_on_batch(frames, labels[:, None]))

    return step
