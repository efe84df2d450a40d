"""A version with everything that a report tells, and a place for the pictures of a report."""

from pathlib import Path

import pytest
from support.data import reported

from evaluator.report.assets import Assets
from evaluator.report.version_folder import VersionFolder


@pytest.fixture
def folder(tmp_path: Path) -> VersionFolder:
    root = reported.publish(tmp_path / "models")
    reported.judge(root)
    return VersionFolder(tmp_path / "models", 1)


@pytest.fixture
def pictures(tmp_path: Path) -> Assets:
    return Assets(tmp_path / "report")
