"""Every document on the volumes may be torn or forged: each reader refuses it with its own error.

Each document is changed in each place: a value becomes one of another kind, or is left out. A
reader may accept what it still understands. No other exception leaves it, because whoever calls it
answers to that one error.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.data.manifests import write_manifest
from support.data.versions import publish_one

from contract.dataset import dataset_labels, exclusions, overviews, split_file, store_catalog
from contract.dataset.split_file import DatasetSplit, SplitFile
from contract.errors import LapwingError, ModelError, StoreError, TelemetryError
from contract.models import journal, layer_table, lineage, notes
from contract.models.layer_table import Layer
from contract.models.registry import MANIFEST, Registry
from contract.wire import live_view
from contract.wire.live_view import LiveView

NAME = "lake-12345678"
JUNK: tuple[Any, ...] = (
    *(None, True, -1, 0, 1.5, 10**400, float("nan"), "", "x", [], {}),
    *([None], [[1]], [[1, 2]], [[2, 1, 0]], {"a": 1}),
)


class Document(NamedTuple):
    """A document that was written as Lapwing writes it, and its reader."""

    path: Path
    read: Callable[[], object]
    error: type[LapwingError] | None
    """What the reader raises; None if it raises nothing."""


def label(root: Path) -> Document:
    dataset_labels.write(root, NAME, "night", {})
    path = dataset_labels.path(root, NAME)
    return Document(path, lambda: dataset_labels.read(root, NAME), StoreError)


def excluded(root: Path) -> Document:
    exclusions.exclude(root, NAME, [(1, 2), (5, 9)], "off the road")
    exclusions.restore(root, NAME, [(6, 6)], "")
    path = exclusions.path(root, NAME)
    return Document(path, lambda: exclusions.read(root, NAME).lines, StoreError)


def overview(root: Path) -> Document:
    write_manifest(root, NAME)
    figures = (1.5, 2, 1.0, 9.0, 0.1, 0.2, 0.3, 1)
    overviews.write(root, overviews.DatasetOverview(NAME, "0" * 64, 5, 3, ((1, 5),), *figures, []))
    path = overviews.folder(root, NAME) / overviews.FILE
    return Document(path, lambda: overviews.read(root, NAME), None)


def store_manifest(root: Path) -> Document:
    path = write_manifest(root, NAME)
    return Document(path, lambda: store_catalog.read_manifest(path), StoreError)


def split(root: Path) -> Document:
    path = root / split_file.FILE
    split_file.write(path, SplitFile(1.0, {NAME: DatasetSplit(9, ((0, 3), (6, 9)), ((4, 5),))}))
    return Document(path, lambda: split_file.read(path), ModelError)


def layers(root: Path) -> Document:
    path = root / layer_table.FILE
    layer_table.write(path, [Layer("conv_1", "Conv2D", "5 x 5", "elu", (35, 62, 24), 1824)])
    return Document(path, lambda: layer_table.read(path), ModelError)


def decisions(root: Path) -> Document:
    journal.append(root, journal.decide(1, journal.GATE, "as good", 2, evidence={"n": [1]}))
    return Document(root / journal.JOURNAL, lambda: journal.read(root), ModelError)


def said(root: Path) -> Document:
    publish_one(Registry(root), "one")
    notes.write(Registry(root), 1, note="good", pinned=True)
    return Document(root / notes.FILE, lambda: notes.read(root), ModelError)


def version(root: Path) -> Document:
    registry = Registry(root)
    publish_one(registry, "one")
    return Document(registry.path(1) / MANIFEST, lambda: registry.verify(1), ModelError)


def ancestors(root: Path) -> Document:
    registry = Registry(root)
    parent = publish_one(registry, "one")
    child = lineage.descend(publish_one(registry, "two"), parent)
    path = registry.path(2) / MANIFEST
    path.write_text(json.dumps(vars(child)))
    return Document(path, lambda: lineage.ancestors(registry.manifest(2)), ModelError)


def view(root: Path) -> Document:
    made = LiveView("lab:4567", "1", 2.0, "model", 0.1, 0.2, 9.0, 15.0, 8.5, 7, "")
    path = root / "view.json"
    path.write_text(made.encode())
    return Document(path, lambda: live_view.decode(path.read_bytes()), TelemetryError)


FILES = [
    *(label, excluded, overview, store_manifest, split),
    *(layers, decisions, said, version, ancestors),
]


@pytest.fixture(params=[*FILES, view], ids=lambda make: make.__name__)
def document(request: pytest.FixtureRequest, tmp_path: Path) -> Document:
    found: Document = request.param(tmp_path)
    return found


def changed(document: Any) -> Iterator[Any]:
    """Yield the document with one value, at any depth, replaced by each junk or left out."""
    yield from JUNK
    keys: list[Any] = []
    if isinstance(document, dict):
        keys = list(document)
        yield document | {"something": "else"}
    elif isinstance(document, list):
        keys = list(range(len(document)))
        yield [*document, *document]
    for key in keys:
        without = copy.copy(document)
        del without[key]
        yield without
        for inner in changed(document[key]):
            other = copy.copy(document)
            other[key] = inner
            yield other


def outcome(document: Document) -> bool:
    """Read a document, and return whether the reader accepted it; any other error fails."""
    if document.error is None:
        return document.read() is not None
    try:
        document.read()
    except document.error:
        return False
    return True


def test_no_change_of_a_document_raises_anything_but_the_readers_error(document: Document) -> None:
    whole = json.loads(document.path.read_text())
    accepted = refused = 0
    for other in changed(whole):
        document.path.write_text(json.dumps(other))
        if outcome(document):
            accepted += 1
        else:
            refused += 1
    assert refused > 20
    assert accepted < 9 * refused


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[" * 200_000, b'{"a":' * 200_000, b"\0" * 10, b"1" * 5000],
    ids=["empty", "half", "no text", "deep list", "deep object", "zeros", "long number"],
)
def test_what_is_no_document_raises_only_the_readers_error(
    document: Document, content: bytes
) -> None:
    document.path.write_bytes(content)
    assert not outcome(document)


@pytest.mark.parametrize("make", FILES, ids=lambda make: make.__name__)
def test_a_folder_in_place_of_a_document_raises_only_the_readers_error(
    make: Callable[[Path], Document], tmp_path: Path
) -> None:
    document = make(tmp_path)
    document.path.unlink()
    document.path.mkdir()
    assert not outcome(document)
