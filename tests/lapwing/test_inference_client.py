from pathlib import Path

import pytest
from support.data import models, samples
from support.services.serving import serving, settings

from contract.errors import FrameError, ServiceError
from contract.models.registry import Registry
from lapwing.inference_client import Inference


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "frame.jpg"
    path.write_bytes(samples.jpeg())
    return path


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    (tmp_path / "models").mkdir()
    return Registry(tmp_path / "models")


def test_a_picture_is_answered(registry: Registry, networks: Path, picture: Path) -> None:
    models.publish(registry, networks / "left", "job")
    with serving(settings(registry.root)) as client:
        inference = Inference(str(client.base_url).rstrip("/"))
        assert inference.predict(picture)["model_version"] == 1
        assert inference.model()["version"] == 1


def test_what_is_refused_is_said_with_the_file(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "no.jpg").write_bytes(b"GIF89a")
    with serving(settings(registry.root)) as client:
        inference = Inference(str(client.base_url).rstrip("/"))
        with pytest.raises(ServiceError, match=r"no\.jpg: no model is published yet"):
            inference.predict(tmp_path / "no.jpg")


def test_a_token_is_shown_where_one_is_set(
    registry: Registry, networks: Path, picture: Path
) -> None:
    models.publish(registry, networks / "left", "job")
    with serving(settings(registry.root, api_token="secret")) as client:
        url = str(client.base_url).rstrip("/")
        assert Inference(url, "secret").predict(picture)["model_version"] == 1
        with pytest.raises(ServiceError, match=r"wants a token.* Set LAPWING_API_TOKEN here, too"):
            Inference(url).predict(picture)


def test_a_picture_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(FrameError, match="the picture cannot be read"):
        Inference("http://127.0.0.1:1").predict(tmp_path / "none.jpg")
