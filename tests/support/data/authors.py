"""Makes models of authors who prepared their pictures in different ways, and imports them.

The pictures are prepared here with Pillow and OpenCV alone, and the networks are computed by Keras:
nothing of Lapwing takes part in what its answers are compared with.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from support.data import samples

JPEGS = [samples.jpeg((number - 6) / 10, seed=number) for number in range(13)]


@dataclass(frozen=True)
class Author:
    """An author's preparation of a picture, and what `lapwing import-model` is told of it."""

    prepare: Callable[[bytes], np.ndarray]
    """Returns the network's input for the bytes of a JPEG."""
    options: dict[str, Any]
    cropping: tuple[int, int] | None = None
    """Rows that a Cropping2D of the network cuts off."""


def with_pillow(jpeg: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(jpeg)))


def with_opencv(jpeg: bytes) -> np.ndarray:
    """Decode to BGR, as OpenCV does."""
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR))


def nvidia(jpeg: bytes) -> np.ndarray:
    part = cv2.resize(with_pillow(jpeg)[60:-25, :, :], (200, 66))
    return np.asarray(cv2.cvtColor(part, cv2.COLOR_RGB2YUV))


def area(jpeg: bytes) -> np.ndarray:
    return np.asarray(cv2.resize(with_pillow(jpeg), (64, 64), interpolation=cv2.INTER_AREA))


def pillow(jpeg: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(jpeg)).crop((0, 50, 320, 140))
    return np.asarray(image.resize((160, 50), Image.Resampling.BILINEAR))


AUTHORS = {
    "nvidia": Author(nvidia, {"crop": (60, 25), "color": "yuv"}),
    "whole": Author(lambda jpeg: with_pillow(jpeg) / np.float32(255), {"normalize": "x/255"}),
    "bgr": Author(lambda jpeg: with_opencv(jpeg)[40:-20], {"crop": (40, 20), "color": "bgr"}),
    "area": Author(area, {"interpolation": "area"}),
    "cropping": Author(with_pillow, {}, cropping=(70, 25)),
    "pillow": Author(pillow, {"crop": (50, 20), "interpolation": "pil-bilinear"}),
}


@dataclass(frozen=True)
class Answer:
    """What an author's own program answers, and how Lapwing's version of it is found."""

    version: int
    steering: list[float]
    """Steering for each of JPEGS."""
    squeezed: list[float]
    """Steering for the same pictures, squeezed to 128 x 128 and stretched again before."""


def make(folder: Path) -> dict[str, Answer]:
    """Import a model of each author into the registry `folder`/models; return their answers."""
    environ = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    environ["PYTHONPATH"] = str(samples.TESTS)
    process = subprocess.run(
        [sys.executable, __file__, str(folder)], env=environ, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    answers = json.loads((folder / "answers.json").read_text())
    return {name: Answer(**answer) for name, answer in answers.items()}


def squeeze(jpeg: bytes) -> bytes:
    """Return a picture that has lost the detail that a frame of 128 x 128 pixels does not have."""
    small = cv2.resize(with_opencv(jpeg), (128, 128))
    return bytes(cv2.imencode(".png", cv2.resize(small, (320, 160)))[1])


def main(folder: Path) -> None:
    """Make and import all models in this process, which imports TensorFlow once for all of them."""
    import keras

    from trainer.export import litert
    from trainer.jobs import import_model
    from trainer.jobs.import_model import ImportOptions
    from trainer.settings import Settings

    def build(author: Author, shape: tuple[int, ...]) -> keras.Model:
        layers = keras.layers
        keras.utils.set_random_seed(1)
        network = keras.Sequential([keras.Input(shape)])
        if author.cropping:
            network.add(layers.Cropping2D((author.cropping, (0, 0))))
        if "normalize" not in author.options:
            network.add(layers.Rescaling(1 / 127.5, offset=-1.0))
        for filters in (8, 12):
            network.add(layers.Conv2D(filters, 5, strides=4, activation="elu"))
        network.add(layers.Flatten())
        network.add(layers.Dense(1))
        return network

    def convert(h5: Path, tflite: Path) -> None:
        litert.main(str(h5), str(tflite))

    def steering(network: keras.Model, author: Author, jpegs: list[bytes]) -> np.ndarray:
        inputs = np.stack([author.prepare(jpeg) for jpeg in jpegs]).astype(np.float32)
        return np.asarray(network.predict_on_batch(inputs))[:, 0]

    settings = Settings(data_dir=folder / "data", model_dir=folder / "models")
    answers = {}
    for name, author in AUTHORS.items():
        network = build(author, author.prepare(JPEGS[0]).shape)
        # Its answers are spread like steering, so that a difference means what it does on a road.
        kernel, _ = network.layers[-1].get_weights()
        raw = steering(network, author, JPEGS)
        scale = 0.3 / raw.std()
        network.layers[-1].set_weights([kernel * scale, np.array([-raw.mean() * scale])])
        path = folder / f"{name}.h5"
        network.save(path)
        options = ImportOptions(name, **author.options)
        done = import_model.import_file(
            settings, name, lambda **fields: None, path, options, convert
        )
        answers[name] = {
            "version": done["imported"]["version"],
            "steering": steering(network, author, JPEGS).tolist(),
            "squeezed": steering(network, author, [squeeze(jpeg) for jpeg in JPEGS]).tolist(),
        }
    (folder / "answers.json").write_text(json.dumps(answers))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
