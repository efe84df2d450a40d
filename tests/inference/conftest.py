from pathlib import Path

import pytest

from contract.registry import Registry


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """An empty registry."""
    folder = tmp_path / "models"
    folder.mkdir()
    return Registry(folder)
