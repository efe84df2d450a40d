"""Generates model files as Keras 1.2, 2.x and 3.x lay them out, each other one with a fault."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from support.data import forward_pass, model_files
from support.data.model_files import Described

COUNT = 60
SMALLEST = 7  # rows that a convolution of 4 with a stride of 2 leaves more than one of
CONTAINERS = {
    1: ("h5", "json"),
    2: ("h5", "keras", "json", "folder"),
    3: ("h5", "keras", "folder", "json"),
}
FACTOR = 127.5  # a global of the lambdas below


@dataclass
class Sample:
    """A network: its layers as a release of Keras describes them, and its operations."""

    release: int
    rng: np.random.Generator
    described: list[Described] = field(default_factory=list)
    operations: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    channels: int = 3

    def add(
        self, kind: str, config: dict[str, Any], arrays: list[np.ndarray] | None = None
    ) -> None:
        if not self.described and self.release < 3:
            config = {"batch_input_shape": [None, 20, 40, 3], **config}
        self.described.append((kind, config, arrays or []))

    def size(self) -> tuple[int, int]:
        """Return the rows and columns of the image after the layers so far."""
        shape = forward_pass.compute(self.operations, model_files.PICTURES[:1]).shape
        return shape[1], shape[2]

    def random(self, *shape: int) -> np.ndarray:
        values = self.rng.normal(0, 1 / np.sqrt(max(1, np.prod(shape[:-1]))), shape)
        return np.asarray(values, np.float32)

    def chance(self, probability: float = 0.5) -> bool:
        return bool(self.rng.random() < probability)

    def pick(self, *values: Any) -> Any:
        return values[self.rng.integers(len(values))]


def _around(factor: float, offset: float) -> Any:
    return lambda x: x / factor - offset


def _begin(sample: Sample) -> None:
    release = sample.release
    if release == 3:
        sample.add("InputLayer", {"batch_shape": [None, 20, 40, 3], "dtype": "float32"})
    way = sample.pick("lambda", "closure", "layer") if release > 1 else "lambda"
    if way == "lambda":
        sample.add(*model_files.of_lambda(lambda x: x / 127.5 - 1.0, release)[:2])
    elif way == "closure":
        kind, config, _ = model_files.of_lambda(_around(127.5, 1.0), release)
        if release == 3:
            config["function"]["config"]["closure"] = [127.5, 1.0]
        else:
            config["function"][2] = [127.5, 1.0]
        sample.add(kind, config)
    else:
        sample.add("Rescaling", {"scale": 1 / 127.5, "offset": -1.0})
    sample.operations.append(("scale", {"factor": 127.5, "offset": 1.0}))
    if sample.chance():
        sample.add("Cropping2D", {"cropping": [[4, 2], [0, 0]]})
        sample.operations.append(("crop", {"top": 4, "bottom": 2}))
    if sample.chance() and release > 1:
        sample.add(sample.pick("RandomFlip", "RandomContrast", "GaussianNoise"), {"factor": 0.2})


def _conv(sample: Sample) -> None:
    rng, release = sample.rng, sample.release
    filters, window = int(rng.integers(2, 6)), tuple(int(n) for n in rng.integers(1, 5, 2))
    strides, padding = tuple(int(n) for n in rng.integers(1, 3, 2)), sample.pick("valid", "same")
    activation = sample.pick("linear", "relu", "elu", "tanh", "sigmoid")
    kernel = sample.random(*window, sample.channels, filters)
    bias, arrays = np.zeros(filters), [kernel]
    if biased := sample.chance(0.8):
        bias = np.abs(sample.random(filters))  # so that no relu is dead
        arrays.append(bias)
    if release == 1:
        config = {
            "nb_filter": filters,
            "nb_row": window[0],
            "nb_col": window[1],
            "subsample": [*strides],
            "border_mode": padding,
            "bias": biased,
            "dim_ordering": "tf",
        }
    else:
        config = {
            "filters": filters,
            "kernel_size": [*window],
            "strides": [*strides],
            "padding": padding,
            "use_bias": biased,
            "data_format": "channels_last",
        }
    kind = "Convolution2D" if release == 1 else "Conv2D"
    sample.add(kind, {**config, "activation": activation}, arrays)
    parameters = {"strides": strides, "padding": padding, "activation": activation}
    sample.operations.append(("conv", {"kernel": kernel, "bias": bias, **parameters}))
    sample.channels = filters


def _between(sample: Sample) -> None:
    if sample.chance(0.4) and min(sample.size()) >= 2:
        kind, padding = sample.pick("max", "average"), sample.pick("valid", "same")
        config = {"pool_size": [2, 2], "strides": [2, 2]}
        config["border_mode" if sample.release == 1 else "padding"] = padding
        sample.add({"max": "MaxPooling2D", "average": "AveragePooling2D"}[kind], config)
        sample.operations.append(("pool", {"kind": kind, "size": (2, 2), "padding": padding}))
    if sample.chance(0.4):
        count = sample.channels
        gamma, beta, mean = (sample.random(count) for _ in range(3))
        variance = np.asarray(sample.rng.uniform(0.5, 2, count), np.float32)
        scale = sample.release == 1 or sample.chance()
        arrays = [gamma, beta, mean, variance] if scale else [beta, mean, variance]
        options = {} if sample.release == 1 else {"scale": scale, "center": True}
        sample.add("BatchNormalization", {"axis": -1, "epsilon": 0.01, **options}, arrays)
        parameters = {"beta": beta, "mean": mean, "variance": variance, "epsilon": 0.01}
        sample.operations.append(("normalize", {"gamma": gamma if scale else 1.0, **parameters}))
    if sample.chance(0.3):
        slope = "negative_slope" if sample.release == 3 else "alpha"
        sample.add("LeakyReLU", {slope: 0.1})
        sample.operations.append(("leaky", {"slope": 0.1}))


def _end(sample: Sample) -> None:
    if sample.release > 1 and sample.chance(0.3):
        sample.add("GlobalAveragePooling2D", {})
        sample.operations.append(("mean", {}))
    else:
        sample.add("Flatten", {})
        sample.operations.append(("flatten", {}))
    count = forward_pass.compute(sample.operations, model_files.PICTURES[:1]).shape[1]
    sample.add("Dropout", {"p" if sample.release == 1 else "rate": 0.5})
    units = "output_dim" if sample.release == 1 else "units"
    for size, activation in ((int(sample.rng.integers(3, 9)), "elu"), (1, "linear")):
        kernel, bias = sample.random(count, size), sample.random(size)
        sample.add("Dense", {units: size, "activation": activation}, [kernel, bias])
        parameters = {"kernel": kernel, "bias": bias, "activation": activation}
        sample.operations.append(("dense", parameters))
        count = size


def network(number: int) -> Sample:
    """Return the network of a number; the release of Keras is 1, 2, 3, 1, ..."""
    sample = Sample(1 + number % 3, np.random.default_rng(number))
    _begin(sample)
    for _ in range(int(sample.rng.integers(1, 4))):
        if min(sample.size()) >= SMALLEST:
            _conv(sample)
            _between(sample)
    _end(sample)
    return sample


def write(folder: Path, sample: Sample, container: str, document: Any = None) -> list[Path]:
    """Write a network into files of a kind; return the model, and its weights if apart."""
    described, release = sample.described, sample.release
    document = document or model_files.architecture(described, release)
    if container == "h5":
        variable = release > 1 and sample.chance()
        path = folder / "theirs.h5"
        return [model_files.write(path, described, release, config=document, variable=variable)]
    if container in ("keras", "folder"):
        path = folder / "theirs.keras"
        model_files.write_keras(path, described, release, config=document)
        if container == "keras":
            return [path]
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder / "theirs")
        return [folder / "theirs"]
    text = json.dumps(document)
    path = folder / "theirs.json"
    path.write_text(json.dumps(text) if sample.chance() else text)
    weights = folder / "weights.h5"
    if release == 3:
        return [path, model_files.write_numbered(weights, described, release)]
    return [path, model_files.write(weights, described, release, root="")]


def weights_of(paths: list[Path]) -> Path:
    """Return the file that holds the weights, to spoil it."""
    return paths[-1] / "model.weights.h5" if paths[-1].is_dir() else paths[-1]


def _change(sample: Sample, changed: str, **options: Any) -> str:
    """Change the last layer of a kind, perhaps into another kind; return its name."""
    number = max(n for n, each in enumerate(sample.described) if each[0] == changed)
    _, config, arrays = sample.described[number]
    arrays = options.pop("arrays", lambda same: same)(arrays)
    new = options.pop("kind", changed)
    sample.described[number] = (new, {**config, **options}, arrays)
    return f"{new.lower()}_{number + 1} \\({new}\\)"


def _insert(sample: Sample, described: Described) -> str:
    sample.described.insert(2, described)
    return f"{described[0].lower()}_3 \\({described[0]}\\)"


# Faults of the architecture or the weights: each changes a network, and returns what the refusal
# must name.
FAULTS_OF_NETWORKS: list[Callable[[Sample], str]] = [
    lambda s: _change(s, "Dense", arrays=lambda _: []),
    lambda s: _change(s, "Dense", arrays=lambda same: [same[0][:-1], same[1]]),
    lambda s: _change(s, "Dense", arrays=lambda same: [same[0] * np.nan, same[1]]),
    lambda s: _change(s, "Dense", activation="my_own"),
    lambda s: _change(s, "Dropout", kind="LSTM"),
    lambda s: _change(s, "Dropout", kind="LayerNormalization"),
    lambda s: _insert(s, ("RandomCrop", {"height": 9, "width": 9}, [])),
    lambda s: _insert(s, model_files.of_lambda(lambda x: abs(x), s.release)),
    lambda s: _insert(s, model_files.of_lambda(lambda x: x[:, 2:], s.release)),
    lambda s: _insert(s, model_files.of_lambda(lambda x: x / FACTOR, s.release)),
    lambda s: _insert(s, ("Lambda", {"function": "prepare", "function_type": "function"}, [])),
    lambda s: _insert(s, ("TimeDistributed", {"layer": {"class_name": "Dense"}}, [])),
]


def _pointer(path: Path) -> None:
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 99\n")


def _compressed(path: Path) -> None:
    names: list[str] = []
    with h5py.File(path, "r+") as file:
        file.visititems(lambda name, each: names.append(name) if hasattr(each, "shape") else None)
        values = file[names[0]][()]
        del file[names[0]]
        file.create_dataset(names[0], data=np.atleast_1d(values), compression="gzip")


# Faults of a file: each spoils the file that holds the weights.
FAULTS_OF_FILES: list[Callable[[Path], object]] = [
    _pointer,
    lambda path: path.write_bytes(b"<!DOCTYPE html><html></html>"),
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    lambda path: path.write_bytes(b"\x80\x04]\x94."),
    lambda path: path.unlink(),
]
