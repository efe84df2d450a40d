"""Tests of what `lapwing report --out` may replace. test_end_to_end.py runs the command itself."""

from pathlib import Path

import pytest
from support.data import versions
from support.services import running

from contract.errors import SettingError
from contract.models.registry import Registry
from lapwing.commands import report


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "pictures").mkdir(parents=True)
    (folder / "report.html").write_text("new")
    (folder / "pictures" / "a.png").write_text("a")
    return folder


RESULT = {
    "version": 1,
    "html": "/models/report.html",
    "markdown": "/models/report.md",
    "pdf": "/models/report.pdf",
    "folder": "/models",
    "sha256": "00",
}


def test_a_copy_is_complete_and_its_paths_are_returned(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "copy"
    result = report._copy_report(source, out, RESULT)
    assert (out / "pictures" / "a.png").read_text() == "a"
    assert result["html"] == str(out / "report.html")
    assert result["sha256"] == "00"


def test_an_earlier_report_is_replaced(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "copy"
    out.mkdir()
    (out / "report.html").write_text("old")
    (out / "left.png").write_text("old")
    report._check_target(out, wait=True)
    report._copy_report(source, out, RESULT)
    assert (out / "report.html").read_text() == "new"
    assert not (out / "left.png").exists()


@pytest.mark.parametrize("kind", ["folder of something else", "file"])
def test_a_folder_or_file_without_a_report_is_not_replaced(
    source: Path, tmp_path: Path, kind: str
) -> None:
    """No job is queued either."""
    lapwing = running.Lapwing(tmp_path / "home")
    models = tmp_path / "home" / "models"
    models.mkdir(parents=True)
    versions.publish_one(Registry(models), "one")
    out = tmp_path / "mine"
    if kind == "file":
        out.write_text("mine")
    else:
        (out / "photos").mkdir(parents=True)
    done = lapwing.command("report", "1", "--out", str(out))
    assert done.returncode == 1
    assert done.stderr.startswith("lapwing: --out has a value it cannot take")
    assert out.exists()


def test_a_copy_needs_the_end_of_the_job(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="can be copied only after it is made"):
        report._check_target(tmp_path, wait=False)
