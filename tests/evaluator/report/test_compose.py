"""Composes whole reports: of a version that was only trained, and of an evaluated one."""

import re
from pathlib import Path

import pytest
from support.data import reported

from contract.errors import ModelError
from contract.files import atomic_files
from contract.models.registry import Registry
from evaluator.report import compose

SECTIONS = [
    "Summary",
    "In the simulator",
    "Log replay of recordings",
    "Open loop",
    "What the network looks at",
    "Data and split",
    "Network",
    "Training",
    "Provenance",
]
BACKTICKS = re.compile(r"`lapwing (\w+)")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    reported.publish(tmp_path / "models")
    return tmp_path / "models"


def texts(folder: Path) -> tuple[str, str]:
    return (folder / compose.MARKDOWN).read_text(), (folder / compose.HTML).read_text()


def test_a_missing_part_names_the_command_that_makes_it(models: Path) -> None:
    markdown, html = texts(compose.write_report(models, 1))
    assert re.findall(r"^## (.*)$", markdown, re.MULTILINE) == SECTIONS
    assert [*re.findall(r"<h2>(.*)</h2>", html)] == SECTIONS
    assert {"evaluate", "explain"} == set(BACKTICKS.findall(markdown))
    assert "It is not known whether version 1 drives" in markdown


def test_each_part_is_shown_with_its_source(models: Path) -> None:
    reported.judge(models / "versions" / "1")
    folder = compose.write_report(models, 1)
    markdown, html = texts(folder)
    assert "lapwing evaluate" not in markdown
    assert "drove 1 lap of lake without intervention in 5 of 6 drives" in markdown
    for source in (
        "evaluations/lake-6x1-seed1/evaluation.json",
        "evaluations/replay/replay.json",
        "evaluations/openloop/openloop.json",
        "explanation/saliency.png",
        "split.json",
        "architecture.json",
        "manifest.json",
    ):
        assert source in markdown, source
        assert source in html, source
        if source.startswith(("e", "s", "a")):
            assert (models / "versions" / "1" / source).exists(), source
    linked = set(re.findall(r"\((pictures/[^)]+)\)", markdown))
    kept = {path.relative_to(folder).as_posix() for path in folder.glob("pictures/*")}
    assert {name for name in kept if not name.endswith("-quick.mp4")} == linked
    assert (folder / compose.PDF).read_bytes().startswith(b"%PDF-")


def test_the_page_loads_nothing_from_elsewhere(models: Path) -> None:
    reported.judge(models / "versions" / "1")
    _, html = texts(compose.write_report(models, 1))
    assert "<script" not in html
    assert all(each.startswith("data:") for each in re.findall(r'(?:src|srcset)="([^"]*)', html))
    assert all(each.startswith(("#", "data:")) for each in re.findall(r'href="([^"]*)', html))
    assert "@import" not in html
    assert "url(" not in html


def test_a_new_report_replaces_the_earlier_one(models: Path) -> None:
    folder = compose.write_report(models, 1)
    (folder / "left-over.txt").write_text("x")
    assert compose.write_report(models, 1) == folder
    assert not (folder / "left-over.txt").exists()
    assert [path.name for path in folder.parent.glob(".report*")] == []


def test_a_failure_leaves_the_earlier_report(models: Path) -> None:
    folder = compose.write_report(models, 1)
    before = (folder / compose.HTML).read_bytes()
    place = models / "versions" / "1" / "evaluations" / "replay"
    place.mkdir(parents=True)
    (place / "replay.json").write_text('{"datasets": 3}')
    with pytest.raises(ModelError, match=r"evaluations/replay/replay\.json .* datasets is not a"):
        compose.write_report(models, 1)
    assert (folder / compose.HTML).read_bytes() == before
    assert [path.name for path in folder.parent.glob(".report*")] == []


def test_the_same_version_gives_the_same_report(models: Path) -> None:
    reported.judge(models / "versions" / "1")
    folder = compose.write_report(models, 1)
    first = {path.name: atomic_files.sha256(path) for path in folder.rglob("*.*")}
    compose.write_report(models, 1)
    assert {path.name: atomic_files.sha256(path) for path in folder.rglob("*.*")} == first


def test_a_missing_version_is_an_error(models: Path) -> None:
    with pytest.raises(ModelError, match="no such model version"):
        compose.write_report(models, 7)


def test_an_imported_model_has_a_report(tmp_path: Path) -> None:
    config = {"imported_from": "theirs.h5", "layers": ["conv 3 x 3"], "output": None}
    reported.publish(tmp_path / "models", config=config, history=[], data=[], metrics={})
    markdown, _ = texts(compose.write_report(tmp_path / "models", 1))
    assert "it was imported from `theirs.h5`" in markdown
    assert "The weights were imported, not trained here" in markdown


def test_a_report_does_not_change_the_version(models: Path) -> None:
    compose.write_report(models, 1)
    assert Registry(models).verify(1).version == 1
