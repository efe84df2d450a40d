"""Opens the parts of a model, its architecture and its weights, in every kind of file.

An .h5 file of Keras 1 to 3 holds both. A .keras file is an archive of two JSON texts and the HDF5
file of the weights, and some systems unpack it into a folder. Before that, authors often saved the
architecture with model.to_json and the weights with model.save_weights, into two files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.errors import ModelError
from trainer import safe_hdf5
from trainer.keras_import import archive, file_kind, layer_weights
from trainer.keras_import.file_kind import FileKind
from trainer.safe_hdf5 import MAX_TEXT_BYTES, Hdf5File


@dataclass(frozen=True)
class ModelSource:
    """The parts of a model; the file of the weights is open."""

    architecture: dict[str, Any]
    """The architecture as JSON: a dictionary with a class_name and a config."""
    keras: str
    """The release of Keras that wrote it, or ""."""
    backend: str
    """The backend of Keras that wrote it, such as theano, or ""."""
    weights: Hdf5File
    paired: bool
    """Whether architecture and weights are two files that nothing but the user joins."""


@contextmanager
def open_source(path: Path, weights: Path | None = None) -> Iterator[ModelSource]:
    """Open a model.

    Args:
        path: the .h5 or .keras file, the folder of an unpacked .keras file, or a model.json.
        weights: the .h5 file of the weights that belong to a model.json.

    Raises:
        ModelError: a file is of another kind, is refused, or lacks a part.
    """
    kind = file_kind.identify(path)
    if (weights is None) == (kind is FileKind.JSON):
        raise _wrong_number_of_files(path, weights, kind)
    if kind is FileKind.HDF5:
        with safe_hdf5.open_hdf5(path) as file:
            yield _source(parse(path, _model_config(path, file)), {}, file, paired=False)
    elif kind is FileKind.KERAS:
        with archive.open_archive(path) as opened:
            document = parse(path, opened.text(file_kind.CONFIG))
            metadata = parse(path, opened.text(file_kind.METADATA))
            with safe_hdf5.open_hdf5(path, opened.stored(file_kind.WEIGHTS)) as file:
                yield _source(document, metadata, file, paired=False)
    elif kind is FileKind.KERAS_FOLDER:
        with safe_hdf5.open_hdf5(path / file_kind.WEIGHTS) as file:
            document = parse(path / file_kind.CONFIG, _text(path / file_kind.CONFIG))
            metadata = parse(path / file_kind.METADATA, _text(path / file_kind.METADATA))
            yield _source(document, metadata, file, paired=False)
    elif weights is not None:
        _require_hdf5(weights)
        with safe_hdf5.open_hdf5(weights) as file:
            yield _source(parse(path, _text(path)), {}, file, paired=True)


def files(path: Path, weights: Path | None) -> tuple[Path, Path | None]:
    """Return the file of the architecture, and that of the weights if it is another one."""
    if path.is_dir():
        return path / file_kind.CONFIG, path / file_kind.WEIGHTS
    return path, weights


def _source(
    document: dict[str, Any], metadata: dict[str, Any], file: Hdf5File, *, paired: bool
) -> ModelSource:
    keras, backend = (
        str(metadata.get(name) or document.get(name) or _attribute(file, name))
        for name in ("keras_version", "backend")
    )
    return ModelSource(document, keras, backend, file, paired)


def _require_hdf5(weights: Path) -> None:
    kind = file_kind.identify(weights)
    if kind is not FileKind.HDF5:
        raise ModelError(
            f"{weights.name} is not a file of weights",
            got=kind.value,
            remedy="Name the .h5 file that model.save_weights wrote",
        )


def parse(path: Path, text: str) -> dict[str, Any]:
    """Return the dictionary in the JSON of an architecture.

    Programs of the first self-driving courses wrote the text of model.to_json with json.dump, so it
    may be a string in JSON that holds the JSON.

    Raises:
        ModelError: the text is not JSON, or holds no dictionary.
    """
    try:
        document = json.loads(text)
        if isinstance(document, str):
            document = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise _not_an_architecture(path, "its architecture is not JSON", error) from error
    if isinstance(document, dict) and "modelTopology" in document:
        raise file_kind.tensorflow_js(path)
    if not isinstance(document, dict):
        raise _not_an_architecture(
            path, "its architecture is no dictionary: it lacks class_name", type(document).__name__
        )
    return document


def _model_config(path: Path, file: Hdf5File) -> str:
    """Return the JSON of the architecture in an .h5 file."""
    text = file.text("", "model_config")
    if isinstance(text, str):
        return text
    raise ModelError(
        f"{path.name} holds no architecture, only weights",
        got=file.children("") or "an empty file",
        remedy="If the author also saved a model.json, run: lapwing import-model model.json "
        f"--weights {path.name}. Otherwise save the whole model with model.save",
    )


def _attribute(file: Hdf5File, name: str) -> str:
    for group in ("", layer_weights.ROOT):
        value = file.text(group, name) if not group or file.has(group) else None
        if isinstance(value, str):
            return value
    return ""


def _text(path: Path) -> str:
    if not path.is_file():
        raise _not_an_architecture(path, "the file is missing", str(path))
    size = path.stat().st_size
    if size > MAX_TEXT_BYTES:
        raise _not_an_architecture(path, "the file is too large for JSON", f"{size:,} bytes")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_an_architecture(path, "the file is not text", error) from error


def _wrong_number_of_files(path: Path, weights: Path | None, kind: FileKind) -> ModelError:
    if weights is None:
        return ModelError(
            f"{path.name} holds an architecture without its weights",
            got="no --weights",
            remedy="Name the file that model.save_weights wrote: --weights model.h5",
        )
    return ModelError(
        f"{path.name} holds weights of its own",
        got=f"--weights {weights.name} for {kind.value}",
        remedy="Leave --weights out: it belongs to a model.json",
    )


def _not_an_architecture(path: Path, problem: str, got: object) -> ModelError:
    return ModelError(
        f"{path.name} is not supported: {problem}",
        got=got,
        remedy="Save the model again with Keras's model.save or model.to_json",
    )
