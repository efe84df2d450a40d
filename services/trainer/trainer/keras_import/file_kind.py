"""Tells what kind of model file a path is, from its first bytes or from the names in a folder.

Only the kinds of FileKind can be imported. Every other kind that people bring is recognised and
named, with what to do: most of them are what remains when a model was downloaded or saved in
another way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Final

from contract.errors import ModelError

HEAD_BYTES: Final = 4096
MAX_NAMES: Final = 10
"""Maximum number of names of a folder's files in a message."""

CONFIG: Final = "config.json"
WEIGHTS: Final = "model.weights.h5"
METADATA: Final = "metadata.json"
"""The parts of a .keras file, which are also the files in its folder when it was unpacked."""


class FileKind(Enum):
    """The kinds of model files that can be imported."""

    HDF5 = "an HDF5 file"
    KERAS = "a .keras file"
    KERAS_FOLDER = "the folder of a .keras file that was unpacked"
    JSON = "the architecture of a model in JSON"


_REBUILD: Final = (
    "Only networks of Keras can be imported: build the network in Keras, give its layers these "
    "weights, and save it with model.save"
)
_UNPACK: Final = "Unpack it, and import the .h5 or .keras file in it"
_ORIGINAL: Final = "Import the .h5 or .keras file from which it was made"
_SAVED_MODEL: Final = (
    "Load it with the TensorFlow that wrote it, and save it as one file: "
    'tf.keras.models.load_model("FOLDER").save("model.h5")'
)
_CHECKPOINT: Final = (
    "It has no architecture: load it in the author's program, and save the whole model with "
    'model.save("model.h5")'
)
_TFJS: Final = (
    "Convert it back: tensorflowjs_converter --input_format=tfjs_layers_model "
    "--output_format=keras model.json model.h5"
)
_SIGNATURES: Final[Sequence[tuple[int, bytes, str, str]]] = (
    (4, b"TFL3", "a TensorFlow Lite model", _ORIGINAL),
    (0, b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19", "a PyTorch model, a pickle", _REBUILD),
    (0, b"\x93NUMPY", "an array of NumPy", _REBUILD),
    (0, b"\x1f\x8b", "a gzip archive", _UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (0, b"Rar!", "a rar archive", _UNPACK),
    (0, b"BZh", "a bzip2 archive", _UNPACK),
    (0, b"\xfd7zXZ", "an xz archive", _UNPACK),
    (257, b"ustar", "a tar archive", _UNPACK),
)
"""Offsets, the bytes there, what has them, and what to do."""
_HDF5: Final = b"\x89HDF\r\n\x1a\n"
_ZIP: Final = b"PK\x03\x04"
_PICKLE: Final = re.compile(rb"\x80[\x02-\x05]")
_ONNX: Final = re.compile(rb"\x08[\x01-\x20](\x12|\x1a|:)")
"""An ONNX file is a protocol buffer: field 1 is its version, then comes field 2, 3 or 7."""
_HTML: Final = re.compile(rb"\s*(<!doctype html|<html|<\?xml|<head|<!--)", re.IGNORECASE)
_LFS: Final = b"version https://git-lfs"
_SAFETENSORS: Final = re.compile(rb".{5}\0\0\0\{", re.DOTALL)


def identify(path: Path) -> FileKind:
    """Return the kind of a model file or folder.

    Raises:
        ModelError: nothing is there, or it is of a kind that cannot be imported; the message says
            which kind that is, and what to do.
    """
    if path.is_dir():
        return _identify_folder(path)
    if not path.is_file():  # reading a pipe or a device might never end
        raise ModelError("the model file does not exist", got=str(path))
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if any(head[start : start + 8] == _HDF5 for start in (0, 512, 1024, 2048)):
        return FileKind.HDF5
    if head.startswith(_ZIP):
        return FileKind.KERAS  # archive.py looks at its members
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] in (b"{", b'"'):  # some programs wrote the JSON as a string in JSON
        return FileKind.JSON
    raise _not_a_model(path, head)


def _not_a_model(path: Path, head: bytes) -> ModelError:
    if not head:
        return unsupported(path, "an empty file", "Download or save it again", got="0 bytes")
    if head.startswith(_LFS):
        size = re.search(rb"\nsize (\d+)", head)
        return unsupported(
            path,
            "a pointer of git-lfs, not the model itself",
            "Fetch the model with `git lfs pull` in the clone, or with the download button of the "
            "file's page",
            got=f"a text that names a file of {int(size[1]):,} bytes" if size else None,
        )
    if _HTML.match(head):
        return unsupported(
            path,
            "a web page that was saved in place of the model",
            "Download the file itself: on GitHub, with the button `Download raw file`",
        )
    for start, signature, what, cure in _SIGNATURES:
        if head[start : start + len(signature)] == signature:
            return unsupported(path, what, cure)
    suffix = path.suffix.lower()
    if suffix in (".index", ".meta", ".ckpt") or ".data-0" in path.name:
        return unsupported(path, "a part of a TensorFlow checkpoint", _CHECKPOINT)
    if suffix == ".onnx" or (_ONNX.match(head) and suffix != ".pb"):
        return unsupported(path, "an ONNX model", _ORIGINAL)
    if suffix == ".pb":
        if path.name == "saved_model.pb":
            return unsupported(path, "a part of a TensorFlow SavedModel", _SAVED_MODEL)
        return unsupported(path, "a graph of TensorFlow", _ORIGINAL)
    if _PICKLE.match(head):
        return unsupported(
            path,
            "a pickle of Python, which is not opened: it could run any code",
            _REBUILD if suffix in (".pt", ".pth") else _ORIGINAL,
        )
    if _SAFETENSORS.match(head):
        return unsupported(path, "a file of safetensors, weights alone", _REBUILD)
    if b"class_name:" in head:
        return unsupported(
            path,
            "an architecture in YAML",
            "Save the model as one file in the author's program: model.save",
        )
    return unsupported(
        path,
        "no model file of a known kind",
        "Name an .h5 or .keras file of Keras, or its model.json with --weights",
        got=f"a file that begins with {head[:16]!r}",
    )


def _identify_folder(path: Path) -> FileKind:
    names = sorted(child.name for child in path.iterdir())
    if {CONFIG, WEIGHTS} <= {*names}:
        return FileKind.KERAS_FOLDER
    if {"saved_model.pb", "saved_model.pbtxt"} & {*names}:
        raise unsupported(path, "a SavedModel of TensorFlow", _SAVED_MODEL)
    if any(name.endswith(".index") for name in names) and "checkpoint" in names:
        raise unsupported(path, "a checkpoint of TensorFlow", _CHECKPOINT)
    shards = [name for name in names if re.match(r"group\d+-shard\d+of\d+", name)]
    if "model.json" in names and shards:
        raise unsupported(path, "a model of TensorFlow.js", _TFJS)
    models = [name for name in names if Path(name).suffix.lower() in (".h5", ".hdf5", ".keras")]
    raise unsupported(
        path,
        "a folder, not a model file",
        f"Name the file itself: {path.name}/{(models or ['model.h5'])[0]}",
        got=", ".join((models or names)[:MAX_NAMES]) or "an empty folder",
    )


def unsupported(path: Path, what: str, cure: str, got: object = None) -> ModelError:
    """Return the error for a file that is recognised, but is not a model file of Keras."""
    return ModelError(f"{path.name} is {what}", got=got, remedy=cure)


def tensorflow_js(path: Path) -> ModelError:
    """Return the error for a model.json of TensorFlow.js."""
    return unsupported(path, "a model of TensorFlow.js", _TFJS)


def refuse_members(path: Path, names: Sequence[str]) -> ModelError:
    """Return the error for a zip file that is no .keras file, from the names of its members."""
    if any(name.endswith("data.pkl") for name in names):
        return unsupported(path, "a PyTorch model, a zip file of pickles", _REBUILD)
    if names and all(name.endswith(".npy") for name in names):
        return unsupported(path, "a file of NumPy arrays (npz), weights alone", _REBUILD)
    if any(name.endswith("saved_model.pb") for name in names):
        return unsupported(path, "a zip file of a SavedModel of TensorFlow", _SAVED_MODEL)
    return unsupported(
        path, "a zip file without a model of Keras", _UNPACK, got=", ".join(names[:MAX_NAMES])
    )
