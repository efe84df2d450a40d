from pathlib import Path

import models
import pytest

from contract.registry import Registry


@pytest.fixture(scope="session")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of small real networks, made once."""
    return models.make(tmp_path_factory.mktemp("networks"))


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """An empty registry."""
    folder = tmp_path / "models"
    folder.mkdir()
    return Registry(folder)
