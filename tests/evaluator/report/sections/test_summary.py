import json
from pathlib import Path

import pytest
from support.data import reported

from contract.models import promotion
from contract.models.registry import Registry
from evaluator.report.document import Paragraph, Section, Tiles
from evaluator.report.sections import summary
from evaluator.report.version_folder import VersionFolder


@pytest.fixture
def models(tmp_path: Path) -> Path:
    reported.publish(tmp_path / "models")
    return tmp_path / "models"


def paragraphs(section: Section) -> list[str]:
    return [block.text for block in section.blocks if isinstance(block, Paragraph)]


def test_without_an_evaluation_it_is_not_known_whether_it_drives(models: Path) -> None:
    section = summary.section(VersionFolder(models, 1), 1)
    assert "is not known" in paragraphs(section)[0]
    (tiles,) = [block for block in section.blocks if isinstance(block, Tiles)]
    assert [each.value for each in tiles.tiles] == ["+0.21", "0.830"]


def test_the_summary_has_successes_interval_and_weakest_condition(models: Path) -> None:
    reported.judge(models / "versions" / "1")
    section = summary.section(VersionFolder(models, 1), 1)
    first, standing = paragraphs(section)
    assert "without intervention in 5 of 6 drives" in first
    assert "the true share lies between 44 and 97 %" in first
    assert "Of 2 conditions, fog is the most difficult: its autonomy there is 96.7 %" in first
    assert standing.startswith("It is the current version since ")
    assert standing.endswith("(first): there was no current version before it.")


def test_no_condition_is_weakest_if_all_are_equal(models: Path) -> None:
    folder = models / "versions" / "1"
    reported.judge(folder)
    path = folder / "evaluations" / reported.EVALUATION / "evaluation.json"
    document = json.loads(path.read_text())
    for each in document["conditions"]:
        each["measures"]["autonomy_percent"]["mean"] = 100.0
    path.write_text(json.dumps(document))
    first = paragraphs(summary.section(VersionFolder(models, 1), 1))[0]
    assert first.endswith("Its autonomy is 100.0 % under each of 2 conditions.")


def test_the_evaluation_with_the_most_starts_is_summarized(models: Path) -> None:
    folder = models / "versions" / "1"
    reported.judge(folder)
    path = folder / "evaluations" / reported.EVALUATION / "evaluation.json"
    larger = json.loads(path.read_text()) | {"starts": 20, "track": "jungle"}
    (folder / "evaluations" / "jungle-20x1-seed1").mkdir()
    (folder / "evaluations" / "jungle-20x1-seed1" / "evaluation.json").write_text(
        json.dumps(larger)
    )
    assert "of jungle" in paragraphs(summary.section(VersionFolder(models, 1), 1))[0]


def test_a_candidate_is_not_current(models: Path) -> None:
    reported.publish(models)
    assert paragraphs(summary.section(VersionFolder(models, 2), 1))[-1] == (
        "It is not the current version; version 1 is."
    )


def test_a_forced_version_is_current_for_that_reason(models: Path) -> None:
    reported.publish(models)
    promotion.force(Registry(models), 2, "an experiment")
    assert paragraphs(summary.section(VersionFolder(models, 2), 2))[-1].endswith(
        "(forced): an experiment."
    )
