from pathlib import Path

import pytest
from support.data import models, samples
from support.services.serving import serving, settings

from contract.errors import FrameError, ServiceError
from contract.models.registry import Registry
from lapwing.inference_client import InferenceClient


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "frame.jpg"
    path.write_bytes(samples.jpeg())
    return path


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    (tmp_path / "models").mkdir()
    return Registry(tmp_path / "models")


def test_an_image_is_answered(registry: Registry, networks: Path, image: Path) -> None:
    models.publish(registry, networks / "left", "job")
    with serving(settings(registry.root)) as server:
        client = InferenceClient(str(server.base_url).rstrip("/"))
        assert client.predict(image)["model_version"] == 1
        assert client.model()["version"] == 1


def test_a_refusal_names_the_file(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "no.jpg").write_bytes(b"GIF89a")
    with serving(settings(registry.root)) as server:
        client = InferenceClient(str(server.base_url).rstrip("/"))
        with pytest.raises(ServiceError, match=r"no\.jpg: no model is published yet\. Publish"):
            client.predict(tmp_path / "no.jpg")


def test_a_token_is_sent_if_one_is_set(registry: Registry, networks: Path, image: Path) -> None:
    models.publish(registry, networks / "left", "job")
    with serving(settings(registry.root, api_token="secret")) as server:
        url = str(server.base_url).rstrip("/")
        assert InferenceClient(url, "secret").predict(image)["model_version"] == 1
        with pytest.raises(
            ServiceError, match=r"token.* Set LAPWING_API_TOKEN for this command, too"
        ):
            InferenceClient(url).predict(image)


def test_a_missing_image_is_reported(tmp_path: Path) -> None:
    with pytest.raises(FrameError, match="the image cannot be read"):
        InferenceClient("http://127.0.0.1:1").predict(tmp_path / "none.jpg")
