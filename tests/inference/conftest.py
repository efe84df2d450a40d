from pathlib import Path

import pytest
from support.services.engines import Rig

from contract.models.registry import Registry


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Return an empty registry."""
    folder = tmp_path / "models"
    folder.mkdir()
    return Registry(folder)


@pytest.fixture
def rig(registry: Registry, networks: Path) -> Rig:
    """Return a scheduler over this registry."""
    return Rig(registry, networks)
