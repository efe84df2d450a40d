import re
from pathlib import Path

import pytest
from support.data import reported

from contract.errors import ModelError
from evaluator.report import version_folder
from evaluator.report.version_folder import JsonValue, VersionFolder


@pytest.fixture
def folder(tmp_path: Path) -> VersionFolder:
    reported.publish(tmp_path / "models")
    return VersionFolder(tmp_path / "models", 1)


DOCUMENT = JsonValue({"a": [{"b": 1.5}, {"b": "x"}], "none": None, "yes": True}, "some/file.json")


def test_values_are_read_by_type() -> None:
    first, second = DOCUMENT["a"]
    assert first["b"].number() == 1.5
    assert second["b"].text() == "x"
    assert DOCUMENT["yes"].boolean()
    assert first["b"].integer() == 1
    assert list(DOCUMENT.fields()) == ["a", "none", "yes"]


def test_a_missing_field_or_null_is_none() -> None:
    assert DOCUMENT.get("none") is None
    assert DOCUMENT.get("other") is None
    assert DOCUMENT.optional_number("other") is None
    assert DOCUMENT.optional_text("other", "so") == "so"
    assert DOCUMENT.elements("other") == []


@pytest.mark.parametrize(
    ("look", "message"),
    [
        (
            lambda e: e["c"],
            "some/file.json cannot be used in a report: the document has no 'c'",
        ),
        (lambda e: [*e["a"]][1]["b"].number(), "a[1].b is not a number"),
        (lambda e: [*e["a"]][1]["b"].boolean(), "a[1].b is not true or false"),
        (lambda e: e["yes"].number(), "yes is not a number"),
        (lambda e: e["a"].text(), "a is not a text"),
        (lambda e: [*e["yes"]], "yes is not a list"),
        (lambda e: e["a"].get("b"), "a is not an object"),
    ],
)
def test_a_malformed_value_is_named(look: object, message: str) -> None:
    assert callable(look)
    with pytest.raises(ModelError, match=re.escape(message)):
        look(DOCUMENT)


def test_a_number_must_be_finite() -> None:
    with pytest.raises(ModelError, match="not finite"):
        JsonValue(float("nan"), "x.json").number()


def test_a_missing_file_is_none(folder: VersionFolder) -> None:
    assert folder.read("evaluations/replay/replay.json") is None
    assert folder.evaluation_names() == []
    assert folder.manifest["version"].integer() == 1


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[" * 200_000])
def test_a_file_that_cannot_be_read_is_named(folder: VersionFolder, content: bytes) -> None:
    (folder.root / "x.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"x\.json of the version cannot be read"):
        folder.read("x.json")


def test_a_file_that_is_too_large_is_not_read(folder: VersionFolder) -> None:
    with (folder.root / "x.json").open("wb") as file:
        file.truncate(version_folder.MAX_BYTES + 1)
    with pytest.raises(ModelError, match="at most"):
        folder.read("x.json")


@pytest.mark.parametrize("name", ["../manifest.json", "missing.png", "film.mp4", "/etc/passwd"])
def test_only_images_beside_a_document_are_accepted(folder: VersionFolder, name: str) -> None:
    reported.judge(folder.root)
    place = f"evaluations/{reported.EVALUATION}"
    assert folder.file(place, JsonValue("clear.png", "e.json"), ".png").is_file()
    with pytest.raises(ModelError, match=r"e\.json names a file that is not beside it"):
        folder.file(place, JsonValue(name, "e.json"), ".png")


def test_decisions_are_those_on_the_version(folder: VersionFolder) -> None:
    assert [each.by for each in folder.decisions()] == ["first"]
    assert VersionFolder(folder.models, 2).decisions() == []


def test_shadow_drives_are_in_the_order_in_which_they_were_made(folder: VersionFolder) -> None:
    for name in (
        "shadow-20260102T040506-b",
        "shadow-20251231T235959-z",
        "shadow-20260102T040507-a",
    ):
        (folder.root / "evaluations" / name).mkdir(parents=True)
        (folder.root / "evaluations" / name / "shadow.json").write_text("{}")
    (folder.root / "evaluations" / "shadow-20270101T000000-c").mkdir()
    assert folder.shadow_names() == [
        "shadow-20251231T235959-z",
        "shadow-20260102T040506-b",
        "shadow-20260102T040507-a",
    ]
