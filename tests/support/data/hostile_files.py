"""Makes HDF5 files that a reader of model files must refuse; each attacks it in another way."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from support.data import model_files

GIB = 1 << 30


def _made(path: Path) -> h5py.File:
    """Write a small driving network without the parameters of one layer, and open the file."""
    model_files.write(path, model_files.driver(2), 2)
    file = h5py.File(path, "r+")
    del file["model_weights/dense_6/dense_6"]
    return file


BIAS = "model_weights/dense_6/dense_6/bias:0"


def external_link(path: Path) -> None:
    (path.parent / "secret.h5").touch()
    with h5py.File(path.parent / "secret.h5", "w") as secret:
        secret["key"] = np.arange(5.0)
    with _made(path) as file:
        file[BIAS] = h5py.ExternalLink(str(path.parent / "secret.h5"), "/key")


def link_elsewhere(path: Path) -> None:
    """Add an external link that belongs to no layer."""
    model_files.write(path, model_files.driver(2), 2)
    with h5py.File(path, "r+") as file:
        file["other"] = h5py.ExternalLink("/etc/passwd", "/")


def soft_link(path: Path) -> None:
    with _made(path) as file:
        file[BIAS] = h5py.SoftLink("/model_weights/dense_7/dense_7/bias:0")


def circle(path: Path) -> None:
    with _made(path) as file:
        file["model_weights/again"] = file["model_weights"]


def virtual_dataset(path: Path) -> None:
    with h5py.File(path.parent / "secret.h5", "w") as secret:
        secret["key"] = np.arange(5.0)
    layout = h5py.VirtualLayout((5,), "f4")
    layout[:] = h5py.VirtualSource(str(path.parent / "secret.h5"), "key", (5,))
    with _made(path) as file:
        file.create_virtual_dataset(BIAS, layout)


def external_storage(path: Path) -> None:
    (path.parent / "secret.bin").write_bytes(os.urandom(20))
    with _made(path) as file:
        file.create_dataset(BIAS, (5,), "f4", external=[(str(path.parent / "secret.bin"), 0, 20)])


def fill_value(path: Path) -> None:
    """Declare 4 GiB less 4 bytes, of which none are stored."""
    with _made(path) as file:
        file.create_dataset(BIAS, (GIB - 1,), "f4", fillvalue=1.0)


def fill_value_in_chunks(path: Path) -> None:
    with _made(path) as file:
        file.create_dataset(BIAS, (GIB - 1,), "f4", chunks=(1024,), fillvalue=1.0)


def shape_overflow(path: Path) -> None:
    """Declare so many elements that the number of bytes does not fit into 64 bits."""
    with _made(path) as file:
        file.create_dataset(BIAS, (1 << 31, 1 << 31), "f4", chunks=(1, 1))


def inflating(path: Path) -> None:
    """Store 256 MiB of zeros in a quarter of a MiB."""
    with _made(path) as file:
        chunk = (64 << 20) // 4
        data = file.create_dataset(BIAS, (4 * chunk,), "f4", chunks=(chunk,), compression="gzip")
        for number in range(4):
            data.id.write_direct_chunk((number * chunk,), zlib.compress(bytes(64 << 20), 9))


def long_strings(path: Path) -> None:
    """Store names of layers of a megabyte each."""
    with _made(path) as file:
        group = file["model_weights"]
        del group.attrs["layer_names"]
        group.attrs.create("layer_names", ["x" * (1 << 20)] * 60, dtype=h5py.string_dtype())


def shared_string(path: Path) -> None:
    """Let 1,000 names of layers share one string of a megabyte in the heap."""
    with _made(path) as file:
        group = file["model_weights"]
        del group.attrs["layer_names"]
        names = ["x" * (1 << 20), *["y"] * 999]
        group.attrs.create("layer_names", names, dtype=h5py.string_dtype())
    content = bytearray(path.read_bytes())
    # An element is the length of its string in 4 bytes, the heap's address in 8, a number in 4.
    first = content.index((1 << 20).to_bytes(4, "little") + content_of_heap(content))
    content[first : first + 16 * 1000] = content[first : first + 16] * 1000
    path.write_bytes(content)


def content_of_heap(content: bytes) -> bytes:
    """Return the address of the heap that holds the string of a megabyte, as HDF5 writes it."""
    start = content.index(b"x" * 4096)
    return content.rindex(b"GCOL", 0, start).to_bytes(8, "little")


def long_architecture(path: Path) -> None:
    with _made(path) as file:
        del file.attrs["model_config"]
        file.attrs["model_config"] = "[" * (100 << 20)


def deep_architecture(path: Path) -> None:
    with _made(path) as file:
        del file.attrs["model_config"]
        file.attrs["model_config"] = "[" * (1 << 20)


def strings_of_any_length(path: Path) -> None:
    with _made(path) as file:
        file.create_dataset(BIAS, data=["a"] * 5, dtype=h5py.string_dtype())


def references(path: Path) -> None:
    with _made(path) as file:
        data = file.create_dataset(BIAS, (5,), dtype=h5py.ref_dtype)
        data[:] = file["model_weights"].ref


def compound(path: Path) -> None:
    with _made(path) as file:
        file.create_dataset(BIAS, (5,), dtype=[("a", "f4"), ("b", "f4")])


def deep_groups(path: Path) -> None:
    with _made(path) as file:
        file.create_group("/".join(["a"] * 100))


def many_objects(path: Path) -> None:
    with h5py.File(path, "w", libver="latest") as file:
        for number in range(20_001):
            file.create_group(str(number))


def named_type(path: Path) -> None:
    with _made(path) as file:
        file["model_weights/dense_6/type"] = np.dtype("f4")


def cut_off(path: Path) -> None:
    model_files.write(path, model_files.driver(2), 2)
    path.write_bytes(path.read_bytes()[:5000])


def no_hdf5(path: Path) -> None:
    path.write_bytes(b"\x80\x04cos\nsystem\n(S'true'\ntR.")


def too_large(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"\x89HDF\r\n\x1a\n")
        file.truncate(GIB)


def _with_function(path: Path, function: object) -> None:
    layers = model_files.driver(2)
    layers[0] = ("Lambda", {**layers[0][1], "function": function}, [])
    model_files.write(path, layers, 2)


def lambda_that_runs(path: Path) -> None:
    """Store bytecode that would create a file next to the model file."""
    canary = repr(str(path.parent / "canary"))
    function = eval(f"lambda x: __import__('os').system('touch ' + {canary}) or x / 127.5 - 1")
    _with_function(path, [model_files.code_text(function, 2), None, None])


def lambda_with_defaults(path: Path) -> None:
    code = model_files.code_text(lambda x: x / 127.5 - 1, 2)
    _with_function(path, [code, [{"class_name": "__lambda__"}], None])


# Functions that make files which are refused, with a part of the reason.
FILES: dict[Callable[[Path], None], str] = {
    external_link: "bias:0 is an external link",
    link_elsewhere: "other is an external link",
    soft_link: "bias:0 is a soft link",
    circle: "model_weights/again is the same object",
    virtual_dataset: "bias:0 is a virtual dataset",
    external_storage: "bias:0 keeps its data in another file",
    fill_value: "declares more data than the file holds",
    fill_value_in_chunks: "declares more data than the file holds",
    shape_overflow: "declares more data than the file holds",
    inflating: "is compressed or filtered",
    long_strings: "layer_names of model_weights is too large",
    shared_string: "layer_names of model_weights is too large",
    long_architecture: "model_config of / is too large|needs more memory|cannot be read",
    deep_architecture: "its architecture is not JSON",
    strings_of_any_length: "bias:0 does not hold plain numbers",
    references: "bias:0 does not hold plain numbers",
    compound: "bias:0 does not hold plain numbers",
    deep_groups: "lies deeper than 16 groups",
    many_objects: "more than 20,000 objects",
    named_type: "type is neither a group nor a dataset",
    cut_off: "cannot be read as HDF5",
    no_hdf5: "is a pickle of Python, which is not opened",
    too_large: "the file has more than",
    lambda_that_runs: r"lambda_1 \(Lambda\) does something else than arithmetic.*__import__",
    lambda_with_defaults: r"lambda_1 \(Lambda\) does something else than arithmetic.*more than",
}


def architecture_of(path: Path) -> object:
    """Return the architecture in a file, so that a test can change it."""
    with h5py.File(path) as file:
        return json.loads(file.attrs["model_config"])


def endless(path: Path) -> None:
    """Give a string in the heap a size of -16 bytes: with its header of 16, HDF5 never ends."""
    model_files.write(path, model_files.driver(2), 2)
    content = bytearray(path.read_bytes())
    size = content.index(b"GCOL") + 24  # 16 bytes of the heap's header and 8 of the string's header
    content[size : size + 8] = (-16).to_bytes(8, "little", signed=True)
    path.write_bytes(content)
