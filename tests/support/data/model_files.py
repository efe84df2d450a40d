"""Writes model files like those of Keras 1, 2 and 3, which users still have, with h5py.

write(path, [(kind, config, [arrays]), …], release=1) writes an .h5 file, write_keras a .keras file.
"""

from __future__ import annotations

import base64
import json
import marshal
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from trainer.graph import numpy_backend
from trainer.keras_import import reader

Described = tuple[str, dict[str, Any], Sequence[np.ndarray]]

WEIGHTS = {
    1: {"Dense": ("W", "b"), "Convolution2D": ("W", "b"),
        "BatchNormalization": ("gamma", "beta", "running_mean", "running_std")},
    2: {"BatchNormalization": ("gamma", "beta", "moving_mean", "moving_variance")},
}  # fmt: skip
PICTURES = np.random.default_rng(4).integers(0, 256, (5, 20, 40, 3)).astype(np.float32)
RELEASES = {1: "1.2.1", 2: "2.1.6", 3: "3.5.0"}


def code_text(function: Callable[..., Any], release: int) -> str:
    """Return the code of a function in the format of a release of Keras."""
    raw = marshal.dumps(function.__code__)
    if release == 1:
        return raw.decode("raw_unicode_escape")
    return base64.encodebytes(raw).decode("ascii")


def of_lambda(function: Callable[..., Any], release: int, **more: Any) -> Described:
    """Return a Lambda layer with the bytecode of a function."""
    code = [code_text(function, release), None, None]
    stored: Any = code
    if release == 3:
        inner = dict(zip(("code", "defaults", "closure"), code, strict=True))
        stored = {"class_name": "__lambda__", "config": inner}
    return "Lambda", {"function": stored, "function_type": "lambda", "arguments": {}, **more}, []


def layers(described: Sequence[Described], release: int) -> list[dict[str, Any]]:
    """Return the layers of an architecture, each with a name."""
    named_layers = []
    for number, (kind, config, _) in enumerate(described, 1):
        name = f"{kind.lower()}_{number}"
        layer: dict[str, Any] = {"class_name": kind, "config": {"name": name, **config}}
        if release == 3:
            layer |= {"module": "keras.layers", "registered_name": None}
        named_layers.append(layer)
    return named_layers


def architecture(described: Sequence[Described], release: int) -> dict[str, Any]:
    """Return the architecture of a Sequential model in the format of a release."""
    config: Any = layers(described, release)
    if release > 1:
        config = {"name": "sequential_1", "layers": config}
    return {"class_name": "Sequential", "config": config}


def write(
    path: Path,
    described: Sequence[Described],
    release: int = 2,
    *,
    root: str = "model_weights",
    config: Any = None,
    text: bool = True,
    backend: str = "",
    variable: bool = False,
) -> Path:
    """Write a model file; attributes are str if `text` is true, otherwise bytes.

    If `variable` is true, names are strings of a variable length, as h5py 3 writes them.
    """

    def attribute(value: str) -> Any:
        return value if text else np.bytes_(value)

    document = json.dumps(architecture(described, release) if config is None else config)
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = attribute(RELEASES[release])
        file.attrs["model_config"] = attribute(document)
        if backend:
            file.attrs["backend"] = attribute(backend)
        group = file.require_group(root) if root else file
        names = []
        for layer, (kind, _, arrays) in zip(layers(described, release), described, strict=True):
            name = layer["config"]["name"]
            names.append(name)
            weights = _weights(name, kind, len(arrays), release)
            inner = group.create_group(name)
            inner.attrs["weight_names"] = _list_of_names(weights, variable)
            for weight, array in zip(weights, arrays, strict=True):
                inner[weight] = np.asarray(array)
        group.attrs["layer_names"] = _list_of_names(names, variable)
    return path


def _list_of_names(names: list[str], variable: bool) -> Any:
    if variable:
        return np.array(names, dtype=h5py.string_dtype())
    return [name.encode() for name in names]


def write_keras(
    path: Path,
    described: Sequence[Described],
    release: int = 3,
    *,
    config: Any = None,
    compression: int = zipfile.ZIP_STORED,
) -> Path:
    """Write a .keras file, whose weights are numbered by class, as Keras 2.13 and 3 write it."""
    document = architecture(described, release) if config is None else config
    weights = path.with_suffix(".part")
    write_numbered(weights, described, release)
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": RELEASES[release]}))
        archive.writestr("config.json", json.dumps(document))
        archive.write(weights, "model.weights.h5")
    weights.unlink()
    return path


def write_numbered(
    path: Path, described: Sequence[Described], release: int = 3, container: str = "layers/"
) -> Path:
    """Write the weights alone: the first Conv2D into conv2d, the second into conv2d_1, ..."""
    counts: dict[str, int] = {}
    with h5py.File(path, "w") as file:
        for layer, (kind, _, arrays) in zip(layers(described, release), described, strict=True):
            stem = SNAKE.get(kind, kind.lower())
            number = counts[stem] = counts.get(stem, -1) + 1
            group = file.create_group(f"{container}{stem}{f'_{number}' * (number > 0)}/vars")
            if release == 3:
                group.attrs["name"] = layer["config"]["name"]
            for position, array in enumerate(arrays):
                group[str(position)] = np.asarray(array)
    return path


SNAKE = {
    "BatchNormalization": "batch_normalization",
    "MaxPooling2D": "max_pooling2d",
    "AveragePooling2D": "average_pooling2d",
    "InputLayer": "input_layer",
}


def _weights(name: str, kind: str, count: int, release: int) -> list[str]:
    weights = WEIGHTS.get(release, WEIGHTS[2]).get(kind, ("kernel", "bias"))[:count]
    if release == 1:
        return [f"{name}_{weight}:0" for weight in weights]
    if release == 2:
        return [f"{name}/{weight}:0" for weight in weights]
    return [f"sequential_1/{name}/{weight}" for weight in weights]


def driver(release: int, *, first: bool = False, seed: int = 3) -> list[Described]:
    """Describe a small driving network for 20 x 40 pixels in the format of a release.

    The parameters are the same in all releases. `first` puts the channels first, as in Theano.
    """
    rng = np.random.default_rng(seed)

    def random_array(*shape: int) -> np.ndarray:
        return rng.normal(0, 1 / np.sqrt(np.prod(shape[:-1])), shape).astype(np.float32)

    kernel, dense = random_array(3, 3, 3, 4), random_array(4 * 4 * 9, 5)
    last = random_array(5, 1)
    shape = [None, 3, 20, 40] if first else [None, 20, 40, 3]
    if release == 1:
        order = {"dim_ordering": "th" if first else "tf"}
        conv = {
            "nb_filter": 4,
            "nb_row": 3,
            "nb_col": 3,
            "subsample": [2, 2],
            "bias": True,
            "border_mode": "valid",
            "activation": "elu",
            "init": "normal",
            **order,
        }
        if first:
            kernel = kernel.transpose(3, 2, 0, 1)
        pool = (
            "MaxPooling2D",
            {"pool_size": [2, 2], "strides": [2, 2], "border_mode": "valid", **order},
            [],
        )
        drop, kind = ("Dropout", {"p": 0.5}, []), "Convolution2D"
        one, two = (
            {"output_dim": count, "bias": True, "activation": word}
            for count, word in ((5, "tanh"), (1, "linear"))
        )
    else:
        order = {"data_format": "channels_first" if first else "channels_last"}
        conv = {
            "filters": 4,
            "kernel_size": [3, 3],
            "strides": [2, 2],
            "use_bias": True,
            "padding": "valid",
            "activation": "elu",
            **order,
        }
        pool = (
            "MaxPooling2D",
            {"pool_size": [2, 2], "strides": [2, 2], "padding": "valid", **order},
            [],
        )
        drop, kind = ("Dropout", {"rate": 0.5}, []), "Conv2D"
        one, two = (
            {"units": count, "use_bias": True, "activation": word}
            for count, word in ((5, "tanh"), (1, "linear"))
        )
    if release == 3:
        conv["dtype"] = {
            "module": "keras",
            "class_name": "DTypePolicy",
            "config": {"name": "float32"},
            "registered_name": None,
        }
        begin: list[Described] = [
            ("InputLayer", {"batch_shape": shape, "dtype": "float32"}, []),
            of_lambda(lambda x: x / 127.5 - 1.0, 3),
        ]
    else:
        begin = [of_lambda(lambda x: x / 127.5 - 1.0, release, batch_input_shape=shape)]
    return [
        *begin,
        (kind, conv, [kernel, random_array(4)]),
        pool,
        drop,
        ("Flatten", {}, []),
        ("Dense", one, [dense, random_array(5)]),
        ("Dense", two, [last, random_array(1)]),
    ]


def functional(release: int, outputs: int = 1) -> tuple[list[Described], Any]:
    """Describe the driving network as a functional model with one or more outputs."""
    described = driver(release)
    if release < 3:
        shape = described[0][1]["batch_input_shape"]
        described.insert(0, ("InputLayer", {"batch_input_shape": shape, "dtype": "float32"}, []))
    for _ in range(outputs - 1):
        described.append((*described[-1][:2], [described[-1][2][0] * 2, described[-1][2][1]]))
    named_layers = layers(described, release)
    for number, layer in enumerate(named_layers):
        name = layer["name"] = layer["config"]["name"]
        previous = min(number - 1, len(named_layers) - outputs - 1)
        before = named_layers[previous]["config"]["name"]
        if number == 0:
            layer["inbound_nodes"] = []
        elif release < 3:
            layer["inbound_nodes"] = [[[before, 0, 0, {}]]]
        else:
            tensor = {"class_name": "__keras_tensor__", "config": {"keras_history": [before, 0, 0]}}
            layer["inbound_nodes"] = [{"args": [tensor], "kwargs": {}}]
        assert name
    ends = [[layer["name"], 0, 0] for layer in named_layers[-outputs:]]
    config = {
        "name": "model_1",
        "layers": named_layers,
        "input_layers": [[named_layers[0]["name"], 0, 0]],
        "output_layers": ends[0] if release == 3 and outputs == 1 else ends,
    }
    kind = "Functional" if release == 3 else "Model"
    return described, {"class_name": kind, "config": config}


def spoiled(tmp_path: Path, number: int, **changes: Any) -> Path:
    """Write the driving network with other options in one layer."""
    described = driver(2)
    kind, config, arrays = described[number]
    arrays = changes.pop("arrays", arrays)
    described[number] = (changes.pop("kind", kind), {**config, **changes}, arrays)
    return write(tmp_path / "m.h5", described, 2)


def answers(path: Path, **more: Any) -> np.ndarray:
    """Return the answers of the network in a file to PICTURES."""
    return numpy_backend.predict(reader.read(path, **more).network, PICTURES)
