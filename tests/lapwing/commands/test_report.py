"""What `lapwing report --out` may replace; the command itself is in test_end_to_end.py."""

from pathlib import Path

import pytest
from support.data import versions
from support.services import running

from contract.errors import SettingError
from contract.models.registry import Registry
from lapwing.commands import report


@pytest.fixture
def made(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
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


def test_a_copy_is_whole_and_told(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "copy"
    result = report._copied(made, out, RESULT)
    assert (out / "pictures" / "a.png").read_text() == "a"
    assert result["html"] == str(out / "report.html")
    assert result["sha256"] == "00"


def test_an_earlier_report_is_replaced(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "copy"
    out.mkdir()
    (out / "report.html").write_text("old")
    (out / "left.png").write_text("old")
    report._check(out, wait=True)
    report._copied(made, out, RESULT)
    assert (out / "report.html").read_text() == "new"
    assert not (out / "left.png").exists()


@pytest.mark.parametrize("kind", ["folder of something else", "file"])
def test_what_is_no_report_is_not_replaced(made: Path, tmp_path: Path, kind: str) -> None:
    """Nor is anything queued."""
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


def test_a_copy_needs_the_jobs_end(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="can be copied only when it is made"):
        report._check(tmp_path, wait=False)
