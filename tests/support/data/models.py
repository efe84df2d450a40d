"""Makes small real networks, and publishes copies of them as versions.

networks = make(folder)                       once in a test run, because it imports TensorFlow
publish(registry, networks / "left", "job")   in any test; it only copies files
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from contract.frames import spec
from contract.models import golden
from contract.models.journal import FORCED, decide
from contract.models.registry import H5, SCHEMA, TFLITE, ModelManifest, Registry

# Answer of each network to any image, with an error of at most NEAR.
ANSWERS = {"left": -0.5, "right": 0.25, "lock": 3.0, "nan": float("nan")}
NEAR = 0.2
FAST_MPH = 21.0
LEARNED_SPEED = {"config": {"epochs": 1, "learn_speed": True}}
"""What the manifest of a version that has learned the speed says."""


def make(folder: Path) -> Path:
    """Make a folder for each of ANSWERS, with a model.h5 and its model.tflite; return `folder`.

    There are six more: "fast" answers a steering like "left" and a speed of FAST_MPH, and must be
    published with LEARNED_SPEED; "straight" answers exactly 0; "real" is the network of the trainer
    before any training; "floats" answers like "left" but takes float32; "small" takes 64 x 64
    pixels; and "bomb" has only a model.tflite, which needs gigabytes.
    """
    environ = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.run(
        [sys.executable, __file__, str(folder)], env=environ, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    return folder


def manifest(job_id: str, **changes: Any) -> ModelManifest:
    """Return the manifest of a version that is not published yet."""
    values: dict[str, Any] = {
        "version": 0,
        "schema": SCHEMA,
        "job_id": job_id,
        "created_at": "2026-01-02T03:04:05",
        "files": {},
        "frame_spec": dict(spec.SPEC),
        "data": [{"dataset": "lake", "rows": 60, "manifest_sha256": "0" * 64}],
        "config": {"epochs": 1},
        "seed": 1,
        "history": [{"loss": 0.5}],
        "metrics": {"validation_mse": 0.25},
        "packages": {"keras": "3.15.1"},
    }
    return ModelManifest(**(values | changes))


def publish(registry: Registry, network: Path, job_id: str, **changes: Any) -> ModelManifest:
    """Publish a copy of a network's files, and make it the current version."""
    staged = registry.root / f".staged-{job_id}"
    shutil.copytree(network, staged)
    published = registry.publish(staged, manifest(job_id, **changes))
    if registry.current() != published.version:
        with registry.current_version.lock():
            decision = decide(published.version, FORCED, "a test needs it", registry.current())
            registry.current_version.record_intent(decision)
            registry.current_version.carry_out(decision)
    return published


def main(folder: Path) -> None:
    """Make the networks in this process, which imports TensorFlow."""
    import keras
    import tensorflow as tf

    from trainer.training import network_builder as trainer_network

    def build(dtype: str, side: int, outputs: int = 1) -> keras.Model:
        layers = keras.layers
        keras.utils.set_random_seed(1)
        return keras.Sequential(
            [
                keras.Input((side, side, spec.CHANNELS), dtype=dtype),
                layers.Cropping2D(((43, 12), (0, 0))),
                layers.Rescaling(1 / 127.5, offset=-1.0),
                layers.Conv2D(4, 5, strides=8, activation="elu"),
                layers.Flatten(),
                layers.Dense(
                    outputs, kernel_initializer=keras.initializers.RandomNormal(stddev=0.03)
                ),
            ]
        )

    def save(name: str, network: keras.Model, *answers: float) -> None:
        network.layers[-1].bias.assign(np.array(answers))
        (folder / name).mkdir(parents=True)
        network.save(folder / name / H5)
        tflite = tf.lite.TFLiteConverter.from_keras_model(network).convert()
        (folder / name / TFLITE).write_bytes(tflite)
        frames = np.random.default_rng(3).integers(0, 256, (8, *network.input_shape[1:]), np.uint8)
        golden.write(folder / name / golden.FILE, frames, network.predict_on_batch(frames))

    network = build("uint8", spec.WIDTH)
    for name, answer in ANSWERS.items():
        save(name, network, answer)
    network.layers[-1].kernel.assign(np.zeros(network.layers[-1].kernel.shape))
    save("straight", network, 0.0)
    save("real", trainer_network.build(dtype="float32"), 0.1)
    save("fast", build("uint8", spec.WIDTH, 2), ANSWERS["left"], FAST_MPH / 30)
    # Our trainer does not make these two: it publishes only uint8 and one size.
    save("floats", build("float32", spec.WIDTH), ANSWERS["left"])
    save("small", build("uint8", 64), ANSWERS["left"])
    # This file has one kilobyte, and needs 5 GB when its tensors are allocated.
    (folder / "bomb").mkdir()
    bomb = keras.Sequential(
        [
            keras.Input((spec.HEIGHT, spec.WIDTH, spec.CHANNELS), dtype="uint8"),
            keras.layers.Rescaling(1.0),
            keras.layers.UpSampling2D(160),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(1),
        ]
    )
    tflite = tf.lite.TFLiteConverter.from_keras_model(bomb).convert()
    (folder / "bomb" / TFLITE).write_bytes(tflite)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
