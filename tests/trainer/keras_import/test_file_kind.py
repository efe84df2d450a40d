"""What people bring in place of a model file of Keras is named, with what to do."""

import bz2
import gzip
import io
import lzma
import os
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.data import model_files

from contract.errors import ModelError
from trainer.keras_import import file_kind, model_source
from trainer.keras_import.file_kind import FileKind

POINTER = b"""version https://git-lfs.github.com/spec/v1
oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
size 4256584
"""
PAGE = b"\n<!DOCTYPE html>\n<html lang='en'><head><title>model.h5 at master</title></head></html>"
# The first bytes of an ONNX file of PyTorch: version 7 of the format, then who wrote it.
ONNX = b"\x08\x07\x12\x07pytorch\x1a\x032.1:\xd1\x01"
SAFETENSORS = b"\x28\0\0\0\0\0\0\0" + b'{"a":{"dtype":"F32","shape":[1]}}'


def _zip(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    return stream.getvalue()


def _npz() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, kernel=np.zeros(3))
    return stream.getvalue()


def _npy() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.zeros(3))
    return stream.getvalue()


def _tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model.h5"))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "what", "cure"),
    [
        ("model.h5", b"", "an empty file", "Download or save it again"),
        ("model.h5", POINTER, "a pointer of git-lfs.*4,256,584 bytes", "git lfs pull"),
        ("model.h5", PAGE, "a web page", "Download the file itself"),
        ("model.h5", b"\xef\xbb\xbf<html>", "a web page|no model", "Download|Name"),
        ("model.onnx", ONNX, "an ONNX model", "from which it was made"),
        ("model", ONNX, "an ONNX model", "from which it was made"),
        ("model.pt", _zip("model/data.pkl", "model/data/0"), "a PyTorch model", "Only networks"),
        ("model.pth", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "a PyTorch model", "Only netw"),
        ("model.pt", pickle.dumps([1]), "a pickle of Python, which is not opened", "Only networks"),
        ("model.pkl", pickle.dumps([1]), "a pickle of Python, which is not opened", "from which"),
        ("model.tflite", b"\x1c\0\0\0TFL3" + bytes(20), "a TensorFlow Lite model", "from which"),
        ("w.npz", _npz(), "a file of NumPy arrays", "Only networks of Keras"),
        ("w.npy", _npy(), "an array of NumPy", "Only networks of Keras"),
        ("w.safetensors", SAFETENSORS, "safetensors", "Only networks of Keras"),
        ("saved_model.pb", b"\x08\x01\x12\x8a", "a part of a TensorFlow SavedModel", "load_model"),
        ("frozen.pb", b"\n\x1d\n\x05input", "a graph of TensorFlow", "from which it was made"),
        ("m.ckpt.index", b"\0\0\x01\x02", "a TensorFlow checkpoint", "It has no architecture"),
        ("m.ckpt.data-00000-of-00001", b"\0\0\x01\x02", "a TensorFlow checkpoint", "no archit"),
        ("model.yaml", b"backend: tensorflow\nclass_name: Sequential\n", "YAML", "model.save"),
        ("model.h5.gz", gzip.compress(b"a", mtime=0), "a gzip archive", "Unpack it"),
        ("model.h5.bz2", bz2.compress(b"a"), "a bzip2 archive", "Unpack it"),
        ("model.h5.xz", lzma.compress(b"a"), "an xz archive", "Unpack it"),
        ("model.tar", _tar(), "a tar archive", "Unpack it"),
        ("model.7z", b"7z\xbc\xaf\x27\x1c\0\4", "a 7z archive", "Unpack it"),
        ("model.rar", b"Rar!\x1a\x07\0", "a rar archive", "Unpack it"),
        ("model.zip", _zip("model.h5"), "a zip file without a model .*model.h5", "Unpack it"),
        ("saved.zip", _zip("m/saved_model.pb"), "a zip file of a SavedModel", "load_model"),
        ("model.json", b'{"modelTopology": {}}', "a model of TensorFlow.js", "converter"),
        ("model.h5", b"steering,throttle\n", "no model file of a known kind", "Name an .h5"),
    ],
)
def test_what_is_no_model_of_keras_is_named_with_its_cure(
    tmp_path: Path, name: str, content: bytes, what: str, cure: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    weights = tmp_path / "weights.h5" if name.endswith("json") else None
    if weights is not None:
        model_files.write(weights, model_files.driver(2), 2)
    with (
        pytest.raises(ModelError, match=rf"(?s){name} is .*({what}).*({cure})"),
        model_source.open_source(path, weights),
    ):
        pass


def _folder_of(*names: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        for name in names:
            (folder / name).touch()

    return make


@pytest.mark.parametrize(
    ("make", "what", "cure"),
    [
        (_folder_of(), "a folder, not a model file: got an empty folder", "Name the file itself"),
        (
            _folder_of("saved_model.pb", "keras_metadata.pb"),
            "a SavedModel of TensorFlow",
            r'load_model\("FOLDER"\)\.save\("model\.h5"\)',
        ),
        (_folder_of("checkpoint", "m.index"), "a checkpoint of TensorFlow", "no architecture"),
        (_folder_of("model.json", "group1-shard1of1.bin"), "a model of Ten", "tensorflowjs_conv"),
        (_folder_of("a.txt", "best.h5"), "a folder, not a model file: got best.h5", "m/best.h5"),
    ],
)
def test_a_folder_is_named_with_its_cure(
    tmp_path: Path, make: Callable[[Path], None], what: str, cure: str
) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    make(folder)
    with pytest.raises(ModelError, match=f"m is {what}.*{cure}"):
        file_kind.identify(folder)


def test_what_can_be_imported_is_told_apart(tmp_path: Path) -> None:
    described = model_files.driver(2)
    h5 = model_files.write(tmp_path / "m.h5", described, 2)
    keras = model_files.write_keras(tmp_path / "m.keras", described, 2)
    (tmp_path / "m.json").write_bytes(b'\xef\xbb\xbf {"class_name": "Sequential"}')
    with zipfile.ZipFile(keras) as archive:
        archive.extractall(tmp_path / "m")
    block = tmp_path / "block.h5"
    block.write_bytes(bytes(512) + h5.read_bytes())
    found = [
        file_kind.identify(path) for path in (h5, block, keras, tmp_path / "m", tmp_path / "m.json")
    ]
    assert found == [
        FileKind.HDF5,
        FileKind.HDF5,
        FileKind.KERAS,
        FileKind.KERAS_FOLDER,
        FileKind.JSON,
    ]


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    """Opening it would wait for ever for someone who writes."""
    os.mkfifo(tmp_path / "model.h5")
    with pytest.raises(ModelError, match="the model file does not exist"):
        file_kind.identify(tmp_path / "model.h5")
