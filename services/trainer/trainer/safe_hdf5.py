"""Reads an HDF5 file of weights as data: only attributes and arrays, and nothing is executed.

HDF5 can lead a reader out of the file (links, virtual and external storage), make it allocate
memory that no file holds (fill values, compressed data, shared heaps) and load plug-ins (filters).
Keras writes none of these, so all of them are refused, wherever in the file they are: see
docs/adr/0008-model-files.md. The whole file is checked before anything is read, and the arrays that
are read never exceed the size of the file.

Each kind of file has one HDF5 library: PyTables opens the stores; h5py, which Keras installs, opens
these files.
"""

from __future__ import annotations

import io
import math
import resource
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import h5py
import numpy as np
import numpy.typing as npt

from contract.errors import ModelError

MAX_FILE_BYTES: Final = 512 << 20
"""Maximum size of a file.

With Adam's state, a network of 10 million weights has 120 MB, that of the write-up 3 MB."""
MAX_OBJECTS: Final = 20_000
MAX_DEPTH: Final = 16
MAX_ATTRIBUTES: Final = 512
"""Maximum number of attributes of one object."""
MAX_TEXT_BYTES: Final = 4 << 20
"""Maximum size of one attribute, all of its strings together.

An architecture of ten layers has 5 kB."""
TEXT_GROWTH_BYTES: Final = 6 * MAX_TEXT_BYTES
"""Memory that reading one attribute may allocate: HDF5 and Python both hold copies of it."""
MAX_CHUNK_BYTES: Final = 16 << 20
GROWTH_BYTES: Final = 48 << 20
"""Memory that checking a file may allocate; its arrays come on top."""
NUMBERS: Final = "iuf"
"""Accepted kinds of NumPy types: signed and unsigned integers, and floating point."""
PROCESS_STATUS: Final = Path("/proc/self/status")

Array = npt.NDArray[np.generic]
Text = str | tuple[str, ...]


class Hdf5File:
    """An open file that passed the check; `open_hdf5` makes it."""

    def __init__(self, file: h5py.File, path: Path, kinds: Mapping[str, type]) -> None:
        self._file, self._path, self._kinds = file, path, kinds

    def has(self, name: str) -> bool:
        """Tell whether a group or dataset of this full name exists; it starts without a slash."""
        return name in self._kinds

    def names(self, prefix: str = "") -> list[str]:
        """List the full names of all groups and datasets that begin with a prefix."""
        return [name for name in self._kinds if name and name.startswith(prefix)]

    def children(self, name: str) -> list[str]:
        """List the names in a group; "" is the root."""
        prefix = f"{name}/" if name else ""
        rest = [path[len(prefix) :] for path in self._kinds if path and path.startswith(prefix)]
        return sorted(child for child in rest if child and "/" not in child)

    def text(self, name: str, attribute: str) -> Text | None:
        """Return an attribute as a string or, for a list, as a tuple; None if there is none.

        Raises:
            ModelError: the attribute is not text, or is larger than MAX_TEXT_BYTES.
        """
        with _as_model_errors(self._path, f"the attribute {attribute} of {name or '/'}"):
            return self._text(name, attribute)

    def _text(self, name: str, attribute: str) -> Text | None:
        attributes = self._file[name or "/"].attrs
        if attribute not in attributes:
            return None
        where = f"the attribute {attribute} of {name or '/'}"
        identity = h5py.h5a.open(self._file[name or "/"].id, attribute.encode())
        space, kind = identity.get_space(), identity.get_type()
        if space.get_simple_extent_type() == h5py.h5s.NULL:
            return ()
        count = math.prod(identity.shape)
        if count == 0:
            return ()  # Keras writes an empty list of names as an empty array of floats
        if kind.get_class() != h5py.h5t.STRING:
            raise _refused(self._path, f"{where} is not text", kind.dtype)
        # The strings of a variable length lie in a heap, where many elements may share a long one,
        # and HDF5 does not tell their lengths before it has read them. So their number is limited
        # here, the memory for reading them by the kernel, and their lengths afterwards.
        size = identity.get_storage_size()
        if count > MAX_OBJECTS or size > MAX_TEXT_BYTES:
            raise _refused(self._path, f"{where} is too large", f"{count:,} strings")
        try:
            with limit_memory(TEXT_GROWTH_BYTES):
                value = attributes[attribute]
        except (MemoryError, OSError) as error:
            if isinstance(error, OSError) and "allocat" not in str(error):
                raise  # the file is damaged; HDF5 has no class of its own for its memory
            raise _too_large(self._path, where) from error
        if count == 1 and not identity.shape:
            return _decode(self._path, where, value)
        texts = tuple(_decode(self._path, where, item) for item in np.asarray(value).ravel())
        if sum(map(len, texts)) > MAX_TEXT_BYTES:
            raise _too_large(self._path, where)
        return texts

    def array(self, name: str) -> Array:
        """Read a whole dataset.

        Raises:
            ModelError: no dataset has this name, or it cannot be read.
        """
        if self._kinds.get(name) is not h5py.Dataset:
            raise _refused(
                self._path, f"there is no dataset {name}", self.children("") or "nothing"
            )
        with _as_model_errors(self._path, name):
            dataset = self._file[name]
            with limit_memory(GROWTH_BYTES + 2 * dataset.nbytes):
                return np.array(dataset[()])


@contextmanager
def open_hdf5(path: Path, part: BinaryIO | None = None) -> Iterator[Hdf5File]:
    """Open an HDF5 file after checking every object in it.

    Args:
        path: the file.
        part: the bytes of the HDF5 file where it is a part of `path`, as in an archive. It must
            be open for reading, and is not closed.

    Raises:
        ModelError: the file is not HDF5, or holds something that Keras does not write; the
            message names the link, dataset or attribute.
    """
    if not path.is_file():  # reading a pipe or a device might never end
        raise ModelError("the model file does not exist", got=str(path))
    file_bytes = path.stat().st_size if part is None else part.seek(0, io.SEEK_END)
    if file_bytes > MAX_FILE_BYTES:
        raise _refused(path, f"the file has more than {MAX_FILE_BYTES:,} bytes", f"{file_bytes:,}")
    with _as_model_errors(path, "the file"), limit_memory(GROWTH_BYTES):
        file = h5py.File(path if part is None else part, "r", rdcc_nbytes=0)
    with file:
        with _as_model_errors(path, "the file"), limit_memory(GROWTH_BYTES):
            kinds = _Validator(path, file_bytes).check(file)
        yield Hdf5File(file, path, kinds)


class _Validator:
    """Checks every object of a file without reading its data."""

    def __init__(self, path: Path, file_bytes: int) -> None:
        self._path, self._file_bytes = path, file_bytes
        self._kinds: dict[str, type] = {}
        self._addresses: set[object] = set()
        self._declared = 0

    def check(self, file: h5py.File) -> dict[str, type]:
        """Return the class, Group or Dataset, of every object by its full name; "" is the root."""
        self._group(file["/"], "", 0)
        return self._kinds

    def _group(self, group: h5py.Group, name: str, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise self._error(name, f"lies deeper than {MAX_DEPTH} groups", name.count("/"))
        self._register(group, name, h5py.Group)
        if len(self._kinds) + group.id.get_num_objs() > MAX_OBJECTS:
            raise self._error(
                name, f"brings the file to more than {MAX_OBJECTS:,} objects", len(group)
            )
        for member in group:
            child = f"{name}/{member}" if name else member
            link = group.id.links.get_info(member.encode(errors="surrogateescape"))
            if link.type != h5py.h5l.TYPE_HARD:
                kind = {
                    h5py.h5l.TYPE_SOFT: "a soft link",
                    h5py.h5l.TYPE_EXTERNAL: "an external link",
                }.get(link.type, "a link of an unknown kind")
                raise self._error(child, f"is {kind}; links are not followed", None)
            target = group[member]
            if isinstance(target, h5py.Group):
                self._group(target, child, depth + 1)
            elif isinstance(target, h5py.Dataset):
                self._dataset(target, child)
            else:
                raise self._error(child, "is neither a group nor a dataset", type(target).__name__)

    def _register(self, target: h5py.Group | h5py.Dataset, name: str, kind: type) -> None:
        """Record an object; one object under two names could form an endless loop."""
        address = h5py.h5o.get_info(target.id).addr
        if address in self._addresses:
            raise self._error(name, "is the same object as another name, or part of a loop", None)
        self._addresses.add(address)
        self._kinds[name] = kind
        count = h5py.h5a.get_num_attrs(target.id)
        if count > MAX_ATTRIBUTES:
            raise self._error(name, f"has more than {MAX_ATTRIBUTES} attributes", count)

    def _dataset(self, dataset: h5py.Dataset, name: str) -> None:
        self._register(dataset, name, h5py.Dataset)
        layout = dataset.id.get_create_plist()
        if layout.get_layout() == h5py.h5d.VIRTUAL:
            raise self._error(name, "is a virtual dataset, made of other files' data", None)
        if layout.get_layout() != h5py.h5d.COMPACT and layout.get_external_count():
            raise self._error(name, "keeps its data in another file", None)
        if layout.get_nfilters():
            filters = layout.get_filter(0)[3].decode(errors="replace") or layout.get_filter(0)[0]
            raise self._error(
                name,
                "is compressed or filtered, which Keras's files never are",
                filters,
                "Write it without filters: h5repack -f NONE",
            )
        if dataset.id.get_type().get_class() not in (h5py.h5t.INTEGER, h5py.h5t.FLOAT) or (
            dataset.dtype.kind not in NUMBERS or dataset.dtype.itemsize > 8
        ):
            raise self._error(name, "does not hold plain numbers", dataset.dtype)
        if dataset.shape is None:
            raise self._error(name, "has no shape", None)
        declared = (
            math.prod(dataset.shape) * dataset.dtype.itemsize
        )  # exact: Python's integers do not overflow
        stored = dataset.id.get_storage_size()
        self._declared += declared
        if declared > stored or self._declared > self._file_bytes:
            raise self._error(
                name,
                "declares more data than the file holds",
                f"{list(dataset.shape)} of {dataset.dtype}, {declared:,} bytes, of which "
                f"{stored:,} are stored in a file of {self._file_bytes:,}",
            )
        if layout.get_layout() == h5py.h5d.CHUNKED:
            chunk = math.prod(layout.get_chunk()) * dataset.dtype.itemsize
            if chunk > MAX_CHUNK_BYTES:
                raise self._error(name, f"has chunks above {MAX_CHUNK_BYTES:,} bytes", chunk)

    def _error(self, name: str, problem: str, got: object, remedy: str = "") -> ModelError:
        return _refused(self._path, f"{name or '/'} {problem}", got, remedy)


def _refused(path: Path, problem: str, got: object, remedy: str = "") -> ModelError:
    return ModelError(
        f"{path.name} is refused: {problem}",
        got=got,
        remedy=remedy or "Save the model again with Keras's model.save",
    )


def _too_large(path: Path, where: str) -> ModelError:
    return _refused(path, f"{where} is too large", f"more than {MAX_TEXT_BYTES:,} bytes")


def _decode(path: Path, where: str, value: object) -> str:
    raw = value.encode(errors="surrogateescape") if isinstance(value, str) else bytes(value)  # type: ignore[call-overload]  # h5py gives str or bytes
    if len(raw) > MAX_TEXT_BYTES:
        raise _too_large(path, where)
    try:
        return str(raw, "utf-8")
    except UnicodeDecodeError as error:
        raise _refused(path, f"{where} is not text", error) from error


@contextmanager
def _as_model_errors(path: Path, what: str) -> Iterator[None]:
    """Turn what HDF5, h5py or NumPy raise for a broken file into a ModelError."""
    try:
        yield
    except ModelError:
        raise
    except MemoryError as error:
        raise _refused(path, f"{what} needs more memory than a model may use", None) from error
    except (
        OSError,
        RuntimeError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        OverflowError,
    ) as error:
        raise _refused(path, f"{what} cannot be read as HDF5", error) from error


@contextmanager
def limit_memory(growth_bytes: int) -> Iterator[None]:
    """Limit how many bytes of private memory the process may add inside the block.

    A request beyond the limit fails: Python raises MemoryError, a library reports an error. It
    works only on Linux, where the kernel counts private memory; elsewhere there is no limit. The
    limit also holds for the process's other threads, so keep the block short.
    """
    used = _private_bytes()
    if used is None:
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_DATA)
    candidates = (used + growth_bytes, *before)
    limits = [limit for limit in candidates if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(limits), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _private_bytes() -> int | None:
    """Return the private writable memory of the process, as RLIMIT_DATA counts it."""
    try:
        lines = PROCESS_STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    (kibibytes,) = [line.split()[1] for line in lines if line.startswith("VmData:")] or ["0"]
    return int(kibibytes) * 1024 or None
