import json
from pathlib import Path

import pytest
from support.data.versions import publish_one

from contract.errors import ModelError
from contract.models import notes
from contract.models.notes import VersionNote
from contract.models.registry import Registry


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    registry = Registry(tmp_path)
    for job in ("one", "two"):
        publish_one(registry, job)
    return registry


def test_a_note_and_a_pin_are_kept_apart(registry: Registry) -> None:
    assert notes.read(registry.root) == {}
    notes.write(registry, 2, note=" takes the bridge well ")
    notes.write(registry, 2, pinned=True)
    notes.write(registry, 1, pinned=True)
    assert notes.read(registry.root) == {
        1: VersionNote("", True),
        2: VersionNote("takes the bridge well", True),
    }
    notes.write(registry, 2, note="")
    assert notes.write(registry, 1, pinned=False) == VersionNote()
    document = json.loads((registry.root / "notes.json").read_text())
    assert document["versions"] == {"2": {"note": "", "pinned": True}}


def test_an_unknown_version_has_no_note(registry: Registry) -> None:
    with pytest.raises(ModelError, match=r"no such model version: got 7. There are \[1, 2\]"):
        notes.write(registry, 7, note="x")


def test_a_forgotten_note_leaves_the_others(registry: Registry) -> None:
    for version in (1, 2):
        notes.write(registry, version, note="x")
    notes.forget(registry, 1)
    assert [*notes.read(registry.root)] == [2]


@pytest.mark.parametrize(
    "text",
    ["{", '{"schema": 9, "versions": {}}', '{"schema": 1, "versions": {"1": {"pinned": "no"}}}'],
)
def test_torn_notes_are_told_and_no_pin_is_lost(registry: Registry, text: str) -> None:
    (registry.root / "notes.json").write_text(text)
    with pytest.raises(ModelError, match=r"notes\.json cannot be read"):
        notes.read(registry.root)
    with pytest.raises(ModelError):
        notes.write(registry, 1, note="x")
    assert (registry.root / "notes.json").read_text() == text


def test_the_document_is_that_of_the_release(registry: Registry) -> None:
    document = {"schema": 1, "versions": {"2": {"note": "drives well", "pinned": True}}}
    (registry.root / "notes.json").write_text(json.dumps(document))
    assert notes.read(registry.root) == {2: VersionNote("drives well", True)}
    notes.write(registry, 1, pinned=True)
    notes.write(registry, 1, pinned=False)
    assert json.loads((registry.root / "notes.json").read_text()) == document


def test_a_version_without_a_note_is_forgotten_without_writing(registry: Registry) -> None:
    notes.forget(registry, 1)
    assert not (registry.root / "notes.json").exists()


@pytest.mark.parametrize("entry", ['{"note": 5}', '{"pinned": 1}', '{"note": null}'])
def test_a_note_of_another_type_is_told(registry: Registry, entry: str) -> None:
    (registry.root / "notes.json").write_text(f'{{"schema": 1, "versions": {{"1": {entry}}}}}')
    with pytest.raises(ModelError, match=r"cannot be read: got ValueError: the note"):
        notes.read(registry.root)
