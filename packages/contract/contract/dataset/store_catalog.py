"""Reads the manifests of the frame stores on a data volume, and selects stores by name.

One manifest that is torn, or of another release, costs its own dataset and no other: it is listed
with the reason, and whoever trains or evaluates goes on without it and says so.

A manifest holds a checksum of itself: of a flipped bit in it, some would only change a number, such
as where a session begins. Manifests of releases up to 0.1.0 have none.

This module needs only the standard library. store.py describes the files and reads the frames.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from contract.dataset import dataset_labels
from contract.errors import StoreError
from contract.files import atomic_files
from contract.files.plain_names import is_plain

__all__ = [
    "SCHEMA",
    "StoreManifest",
    "StoreSelection",
    "display_name",
    "folder",
    "manifest_paths",
    "paths",
    "read_manifest",
    "read_manifests",
    "read_stores",
    "select_manifests",
    "select_stores",
    "write_manifest",
]

log = logging.getLogger(__name__)

SCHEMA: Final = 2
"""Version of the file format; schema 1 had a SHA-256 of each block instead of a checksum."""
CHECKSUM: Final = "checksum"
"""Key of the manifest's checksum, the SHA-256 of all its other values."""
CURE: Final = "lapwing doctor --cure"
"""The command that makes a dataset whole whose manifest cannot be read."""


@dataclass(frozen=True)
class StoreManifest:
    """Describes the content of a store, with checksums that show whether it is still the same."""

    dataset: str
    schema: int
    frame_spec: dict[str, object]
    rows: int
    frames: int
    file_bytes: int
    block_frames: int
    block_checksums: list[str]
    """Checksum of each chunk's frames, without the padding of the last one.

    See `frame_blocks.checksum`."""
    rows_sha256: str
    source: dict[str, object]
    """The `name` of the recording, and the `sha256` of its log and the images that it lists."""
    report: dict[str, object]
    """How many rows were read, accepted and rejected, and why; see ingest/import_report.py."""
    created_at: str
    sessions: list[int] = field(default_factory=lambda: [0])
    """Number of the first row of each session; see recordings/row_order.py."""
    row_ids_sha256: str = ""
    """SHA-256 of the identities of the rows; "" in stores of release 0.1.0."""
    supersedes: list[str] = field(default_factory=list)
    """Datasets all of whose frames this one holds too; a training leaves them out by default."""


@dataclass(frozen=True)
class StoreSelection:
    """Some of the stores of a data volume: those that can be read, and those that cannot."""

    manifests: list[StoreManifest]
    """The manifests that can be read, oldest first."""
    unreadable: dict[str, str]
    """Why the manifest of a dataset cannot be read, by the dataset's name."""


def folder(data_dir: Path) -> Path:
    """Return the folder of the stores on the data volume."""
    return data_dir / "stores"


def paths(data_dir: Path, dataset: str) -> tuple[Path, Path]:
    """Return the paths of a dataset's HDF5 file and manifest.

    Raises:
        StoreError: the name is a path, as one from a queue may be.
    """
    if not is_plain(dataset):
        raise StoreError(
            "that is no name of a dataset",
            got=repr(dataset),
            remedy="`lapwing datasets` lists their names",
        )
    return folder(data_dir) / f"{dataset}.h5", folder(data_dir) / f"{dataset}.json"


def manifest_paths(data_dir: Path) -> list[Path]:
    """Return the paths of all manifests, readable or not, in the order of their names.

    What people say about a dataset lies beside its manifest (NAME.label.json and
    NAME.exclusions.json) and is no manifest: the name of a dataset has no dot.
    """
    return sorted(path for path in folder(data_dir).glob("[!.]*.json") if path.name.count(".") == 1)


def read_stores(data_dir: Path) -> StoreSelection:
    """Return all stores on a data volume, oldest first, and those whose manifest is unreadable."""
    manifests, unreadable = [], {}
    for path in manifest_paths(data_dir):
        try:
            manifests.append(read_manifest(path))
        except StoreError as error:
            unreadable[path.stem] = str(error)
    return StoreSelection(
        sorted(manifests, key=lambda manifest: (manifest.created_at, manifest.dataset)), unreadable
    )


def read_manifests(data_dir: Path) -> list[StoreManifest]:
    """Return the manifests on a data volume that can be read, oldest first.

    The log names the others and the reason.
    """
    stores = read_stores(data_dir)
    for dataset, reason in stores.unreadable.items():
        log.warning("without the dataset %s: %s", dataset, reason)
    return stores.manifests


def write_manifest(path: Path, manifest: StoreManifest) -> None:
    """Write one manifest atomically, with its checksum.

    Raises:
        OSError: it cannot be written.
    """
    document = dataclasses.asdict(manifest)
    atomic_files.write_json(path, {**document, CHECKSUM: _checksum(document)})


def _checksum(document: Mapping[str, object]) -> str:
    """Return the SHA-256 of a document's values, however its text is laid out."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def read_manifest(path: Path) -> StoreManifest:
    """Read one manifest.

    Raises:
        StoreError: the file is missing, is not a manifest, has another schema, or is not what its
            checksum says.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document.get("schema") != SCHEMA:
            raise StoreError(
                f"the store {path.stem} has another schema",
                got=document.get("schema"),
                remedy=f"This release reads schema {SCHEMA}: {CURE} migrates it, or says which "
                "recording to import again",
            )
        expected = document.pop(CHECKSUM, None)
        if expected is not None and expected != _checksum(document):
            raise ValueError("it differs from its checksum")
        manifest = StoreManifest(**document)
        _check_types(manifest, path.stem)
        return manifest
    except FileNotFoundError:
        raise StoreError(
            f"there is no store {path.stem}", remedy="lapwing ingest PATH makes one"
        ) from None
    except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise StoreError(
            f"the manifest {path.name} cannot be read",
            got=f"{type(error).__name__}: {error}",
            remedy=f"Import the recording again: {CURE} RECORDING",
        ) from error


def _check_types(manifest: StoreManifest, stem: str) -> None:
    """Raise TypeError or ValueError if a value is of another type than a manifest has."""
    kinds: dict[str, type] = {
        "rows": int,
        "frames": int,
        "file_bytes": int,
        "block_frames": int,
        "frame_spec": dict,
        "block_checksums": list,
        "rows_sha256": str,
        "source": dict,
        "report": dict,
        "created_at": str,
        "sessions": list,
        "row_ids_sha256": str,
        "supersedes": list,
    }
    for name, kind in kinds.items():
        if type(getattr(manifest, name)) is not kind:
            raise TypeError(f"{name} is {getattr(manifest, name)!r:.60}")
    for name in ("name", "sha256"):
        if not isinstance(manifest.source.get(name), str):
            raise TypeError(f"the {name} of the source is {manifest.source.get(name)!r:.60}")
    if manifest.dataset != stem:
        raise ValueError(f"it is the manifest of {manifest.dataset!r:.80}")


def display_name(data_dir: Path, manifest: StoreManifest) -> str:
    """Return the name by which people select a dataset: its label, or else its recording's name.

    Raises:
        StoreError: the label cannot be read.
    """
    label = dataset_labels.read(data_dir, manifest.dataset)
    return str(manifest.source["name"]) if label is None else label


def select_stores(data_dir: Path, names: Sequence[str]) -> StoreSelection:
    """Return the named stores, or all stores if there are no names.

    A name selects the dataset that has it, or else the dataset with that label and all datasets of
    the recording with that name that have no label. A dataset that another one supersedes is
    selected only by its own name, or if no other has that name.

    Args:
        data_dir: path of the data volume.
        names: names of datasets, labels, or names of recordings.

    Returns:
        The stores that can be read, in the order of their names, and why others cannot be read.

    Raises:
        StoreError: no store has one of the names, or none of the stores can be read.
    """
    stores = read_stores(data_dir)
    if not stores.manifests and not stores.unreadable:
        raise StoreError("there is no recording to train on", remedy="lapwing ingest PATH first")
    selected: dict[str, StoreManifest] = {}
    unreadable: dict[str, str] = {}
    shown = {manifest.dataset: display_name(data_dir, manifest) for manifest in stores.manifests}
    superseded = {name for manifest in stores.manifests for name in manifest.supersedes}
    latest = [m for m in stores.manifests if m.dataset not in superseded]
    for name in names:
        matches = (
            [m for m in stores.manifests if m.dataset == name]
            or [m for m in latest if shown[m.dataset] == name]
            or [m for m in stores.manifests if shown[m.dataset] == name]
        )
        broken = [dataset for dataset in stores.unreadable if _may_mean(data_dir, name, dataset)]
        if not matches and not broken:
            raise StoreError("no such dataset", got=name, remedy=f"There are {[*shown]}")
        selected |= {manifest.dataset: manifest for manifest in matches}
        unreadable |= {dataset: stores.unreadable[dataset] for dataset in broken}
    if not names:
        selected = {manifest.dataset: manifest for manifest in latest}
        unreadable = stores.unreadable
    if not selected:
        raise StoreError(
            "no dataset can be read",
            got="; ".join(unreadable.values()),
            remedy=f"{CURE} says how to cure each",
        )
    return StoreSelection(list(selected.values()), unreadable)


def _may_mean(data_dir: Path, name: str, dataset: str) -> bool:
    """Tell whether a name means a dataset whose manifest cannot be read.

    Its recording's name stands in the manifest alone, but the dataset's own name begins with it.
    """
    label = dataset_labels.read(data_dir, dataset)
    if name == dataset or label is not None:
        return name in (dataset, label)
    word = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60]
    return bool(word) and re.fullmatch(rf"{re.escape(word)}-[0-9a-f]{{8}}", dataset) is not None


def select_manifests(data_dir: Path, names: Sequence[str]) -> list[StoreManifest]:
    """Return the manifests of `select_stores` that can be read; the log names the others.

    Raises:
        StoreError: no store has one of the names, or none of the stores can be read.
    """
    stores = select_stores(data_dir, names)
    for dataset, reason in stores.unreadable.items():
        log.warning("without the dataset %s: %s", dataset, reason)
    return stores.manifests
