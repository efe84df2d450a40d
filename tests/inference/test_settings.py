from pathlib import Path

import pytest

from contract.errors import SettingError
from contract.settings import load
from inference.backend import KINDS
from inference.settings import Settings


def test_the_defaults_listen_on_this_machine_only() -> None:
    settings = load(Settings, {})
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.model_dir == Path("lapwing-data/models")
    assert settings.max_body_bytes == 1_000_000


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_backend_can_be_chosen(name: str) -> None:
    assert load(Settings, {"LAPWING_BACKEND": name}).backend == name


def test_another_backend_is_refused() -> None:
    with pytest.raises(SettingError, match="one of litert, tensorflow"):
        load(Settings, {"LAPWING_BACKEND": "torch"})
