"""Reads an HDF5 file of weights as data: attributes and arrays, and nothing that the file could do.

HDF5 can lead a reader out of the file (links, virtual and external storage), make it allocate what
no file holds (fill values, filters that inflate, shared heaps) and load plug-ins (filters). Keras
writes none of these, so all of them are refused, wherever in the file they are: see
docs/adr/0008-model-files.md. Nothing is read before the whole file has been looked over, and what
is read never exceeds the file's own size.

One HDF5 library a file: the stores are PyTables's, these are h5py's, which comes with Keras.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import h5py
import numpy as np
import numpy.typing as npt

from contract.errors import ModelError
from trainer.memory_cap import capped

MAX_FILE_BYTES: Final = 512 << 20
"""A network of 10 million weights has 120 MB with Adam's state; the write-up's has 3."""
MAX_OBJECTS: Final = 20_000
MAX_DEPTH: Final = 16
MAX_ATTRIBUTES: Final = 512
"""Of one object."""
MAX_TEXT_BYTES: Final = 4 << 20
"""Of one attribute: an architecture of ten layers has 5 kB."""
MAX_CHUNK_BYTES: Final = 16 << 20
GROWTH_BYTES: Final = 48 << 20
"""What looking a file over may allocate; its arrays come on top."""
NUMBERS: Final = "iuf"
"""Kinds of NumPy's: integers with and without a sign, floating point."""

Array = npt.NDArray[np.generic]
Text = str | tuple[str, ...]


class Hdf5:
    """An open file that was looked over; made by `opened`."""

    def __init__(
        self, file: h5py.File, path: Path, kinds: Mapping[str, type], file_bytes: int
    ) -> None:
        self._file, self._path, self._kinds = file, path, kinds
        self._file_bytes = file_bytes

    def has(self, name: str) -> bool:
        """Tell whether there is a group or dataset of this full name, without its first slash."""
        return name in self._kinds

    def children(self, name: str) -> list[str]:
        """List what a group holds; "" is the root."""
        start = f"{name}/" if name else ""
        rest = [each[len(start) :] for each in self._kinds if each and each.startswith(start)]
        return sorted(each for each in rest if each and "/" not in each)

    def text(self, name: str, attribute: str) -> Text | None:
        """Return an attribute as a string, a list of strings as a tuple, or None.

        Raises:
            ModelError: it is no text, or larger than MAX_TEXT_BYTES.
        """
        with _translated(self._path, f"the attribute {attribute} of {name or '/'}"):
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
            return ()  # Keras writes the names of no weights as an empty array of floats
        if kind.get_class() != h5py.h5t.STRING:
            raise _refusal(self._path, f"{where} is no text", kind.dtype)
        # The heap may lend one long string to many places: each is at most the file.
        most = count * (self._file_bytes if kind.is_variable_str() else kind.get_size())
        single = min(most, self._file_bytes)
        if (single > MAX_TEXT_BYTES and not kind.is_variable_str()) or (
            count > 1 and most > GROWTH_BYTES
        ):
            raise _refusal(self._path, f"{where} is too large", f"{count:,} strings")
        with capped(GROWTH_BYTES):
            value = attributes[attribute]
        if count == 1 and not identity.shape:
            return _decoded(self._path, where, value)
        return tuple(_decoded(self._path, where, each) for each in np.asarray(value).ravel())

    def array(self, name: str) -> Array:
        """Read a dataset whole.

        Raises:
            ModelError: there is none of this name, or it cannot be read.
        """
        if self._kinds.get(name) is not h5py.Dataset:
            raise _refusal(
                self._path, f"there is no dataset {name}", self.children("") or "nothing"
            )
        with _translated(self._path, name):
            dataset = self._file[name]
            with capped(GROWTH_BYTES + 2 * dataset.nbytes):
                return np.array(dataset[()])


@contextmanager
def opened(path: Path) -> Iterator[Hdf5]:
    """Open an HDF5 file and look over all of it.

    Raises:
        ModelError: it is no plain file of HDF5 that holds only what Keras writes; the message
            names the link, dataset or attribute.
    """
    if not path.is_file():  # a pipe or a device would never end
        raise ModelError("there is no such model file", got=str(path))
    file_bytes = path.stat().st_size
    if file_bytes > MAX_FILE_BYTES:
        raise _refusal(path, f"the file has more than {MAX_FILE_BYTES:,} bytes", f"{file_bytes:,}")
    with _translated(path, "the file"), capped(GROWTH_BYTES):
        file = h5py.File(path, "r", rdcc_nbytes=0)
    with file:
        with _translated(path, "the file"), capped(GROWTH_BYTES):
            kinds = _Survey(path, file_bytes).of(file)
        yield Hdf5(file, path, kinds, file_bytes)


class _Survey:
    """One look at every object of a file, none of which is read."""

    def __init__(self, path: Path, file_bytes: int) -> None:
        self._path, self._file_bytes = path, file_bytes
        self._kinds: dict[str, type] = {}
        self._addresses: set[object] = set()
        self._declared = 0

    def of(self, file: h5py.File) -> dict[str, type]:
        """Return the class, Group or Dataset, of every object by its full name; "" is the root."""
        self._group(file["/"], "", 0)
        return self._kinds

    def _group(self, group: h5py.Group, name: str, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise self._refused(name, f"lies deeper than {MAX_DEPTH} groups", name.count("/"))
        self._note(group, name, h5py.Group)
        if len(self._kinds) + group.id.get_num_objs() > MAX_OBJECTS:
            raise self._refused(name, f"makes it more than {MAX_OBJECTS:,} objects", len(group))
        for each in group:
            child = f"{name}/{each}" if name else each
            link = group.id.links.get_info(each.encode(errors="surrogateescape"))
            if link.type != h5py.h5l.TYPE_HARD:
                kind = {
                    h5py.h5l.TYPE_SOFT: "a soft link",
                    h5py.h5l.TYPE_EXTERNAL: "an external link",
                }.get(link.type, "a link of an unknown kind")
                raise self._refused(child, f"is {kind}; only what lies in place is read", None)
            target = group[each]
            if isinstance(target, h5py.Group):
                self._group(target, child, depth + 1)
            elif isinstance(target, h5py.Dataset):
                self._dataset(target, child)
            else:
                raise self._refused(child, "is neither group nor dataset", type(target).__name__)

    def _note(self, target: h5py.Group | h5py.Dataset, name: str, kind: type) -> None:
        """Count an object; the same one under two names could lead in circles."""
        address = h5py.h5o.get_info(target.id).addr
        if address in self._addresses:
            raise self._refused(name, "is the same object as another name, or a circle", None)
        self._addresses.add(address)
        self._kinds[name] = kind
        count = h5py.h5a.get_num_attrs(target.id)
        if count > MAX_ATTRIBUTES:
            raise self._refused(name, f"has more than {MAX_ATTRIBUTES} attributes", count)

    def _dataset(self, dataset: h5py.Dataset, name: str) -> None:
        self._note(dataset, name, h5py.Dataset)
        layout = dataset.id.get_create_plist()
        if layout.get_layout() == h5py.h5d.VIRTUAL:
            raise self._refused(name, "is a virtual dataset, made of other files' data", None)
        if layout.get_layout() != h5py.h5d.COMPACT and layout.get_external_count():
            raise self._refused(name, "keeps its data in another file", None)
        if layout.get_nfilters():
            filters = layout.get_filter(0)[3].decode(errors="replace") or layout.get_filter(0)[0]
            raise self._refused(
                name,
                "is compressed or filtered, as Keras's files never are",
                filters,
                "h5repack -f NONE writes it plain",
            )
        if dataset.id.get_type().get_class() not in (h5py.h5t.INTEGER, h5py.h5t.FLOAT) or (
            dataset.dtype.kind not in NUMBERS or dataset.dtype.itemsize > 8
        ):
            raise self._refused(name, "holds no plain numbers", dataset.dtype)
        if dataset.shape is None:
            raise self._refused(name, "has no shape", None)
        declared = math.prod(dataset.shape) * dataset.dtype.itemsize  # exact: ints have no limit
        stored = dataset.id.get_storage_size()
        self._declared += declared
        if declared > stored or self._declared > self._file_bytes:
            raise self._refused(
                name,
                "declares more data than the file holds",
                f"{list(dataset.shape)} of {dataset.dtype}, {declared:,} bytes, of which "
                f"{stored:,} are stored in a file of {self._file_bytes:,}",
            )
        if layout.get_layout() == h5py.h5d.CHUNKED:
            chunk = math.prod(layout.get_chunk()) * dataset.dtype.itemsize
            if chunk > MAX_CHUNK_BYTES:
                raise self._refused(name, f"has chunks above {MAX_CHUNK_BYTES:,} bytes", chunk)

    def _refused(self, name: str, what: str, got: object, remedy: str = "") -> ModelError:
        return _refusal(self._path, f"{name or '/'} {what}", got, remedy)


def _refusal(path: Path, what: str, got: object, remedy: str = "") -> ModelError:
    return ModelError(
        f"{path.name} is refused: {what}",
        got=got,
        remedy=remedy or "Save the model anew with Keras's model.save",
    )


def _decoded(path: Path, where: str, value: object) -> str:
    raw = value.encode(errors="surrogateescape") if isinstance(value, str) else bytes(value)  # type: ignore[call-overload]  # h5py gives str or bytes
    if len(raw) > MAX_TEXT_BYTES:
        raise _refusal(path, f"{where} is too large", f"{len(raw):,} bytes")
    try:
        return str(raw, "utf-8")
    except UnicodeDecodeError as error:
        raise _refusal(path, f"{where} is no text", error) from error


@contextmanager
def _translated(path: Path, what: str) -> Iterator[None]:
    """Say what a broken file made HDF5, h5py or NumPy raise, as a ModelError."""
    try:
        yield
    except ModelError:
        raise
    except MemoryError as error:
        raise _refusal(path, f"{what} takes more memory than a model may", None) from error
    except (
        OSError,
        RuntimeError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        OverflowError,
    ) as error:
        raise _refusal(path, f"{what} cannot be read as HDF5", error) from error
