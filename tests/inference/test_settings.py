from pathlib import Path

import pytest

from contract.errors import SettingError
from contract.settings import load
from inference.settings import Settings


def test_the_defaults_listen_on_this_machine_only() -> None:
    settings = load(Settings, {})
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.model_dir == Path("lapwing-data/models")
    assert settings.max_body_bytes == 1_000_000


def test_by_default_there_is_no_token_and_no_web_page_is_allowed() -> None:
    settings = load(Settings, {})
    assert (settings.api_token, settings.cors_origins) == ("", "")


def test_a_number_out_of_range_is_refused() -> None:
    with pytest.raises(SettingError, match=r"LAPWING_INFERENCE_QUEUE_MS .* from 1 to 10000"):
        load(Settings, {"LAPWING_INFERENCE_QUEUE_MS": "0"})


def test_the_number_of_workers_is_still_read_under_its_former_name(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert load(Settings, {"LAPWING_INFERENCE_LANES": "3"}).workers == 3
    assert "LAPWING_INFERENCE_WORKERS" in caplog.text
