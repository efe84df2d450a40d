"""Tests of the access to the service: the token, and the web pages that may use it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.data import models, samples
from support.services.serving import predict, refused, serving, settings
from support.waiting import await_true

from contract.models.registry import Registry

TOKEN = "a token"
PAGE = "https://example.org"


@pytest.fixture(scope="module")
def client(networks: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Return a client of a service that needs a token and allows one web page."""
    registry = Registry(tmp_path_factory.mktemp("models"))
    models.publish(registry, networks / "right", "job")
    with serving(settings(registry.root, api_token=TOKEN, cors_origins=f"{PAGE},")) as client:
        await_true(lambda: client.get("/readyz").status_code == 200)
        yield client


@pytest.mark.parametrize("path", ["/predict", "/model", "/metrics", "/docs", "/openapi.json", "/x"])
def test_without_the_token_every_page_is_refused(client: httpx.Client, path: str) -> None:
    answer = client.request("POST" if path == "/predict" else "GET", path)
    assert "LAPWING_API_TOKEN" in refused(answer, 401)["remedy"]
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "authorization",
    ["", TOKEN, "Basic a token", "Bearer", "Bearer a toke", "Bearer a token2", "Bearer ü"],
)
def test_a_wrong_token_is_refused(client: httpx.Client, authorization: str) -> None:
    answer = client.get("/model", headers={"Authorization": authorization.encode()})
    refused(answer, 401)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_the_health_pages_need_no_token(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_with_the_token_every_page_is_answered(client: httpx.Client, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {TOKEN}"}
    assert client.get("/model", headers=headers).status_code == 200
    answer = client.post(
        "/predict", content=samples.jpeg(), headers={**headers, "Content-Type": "image/jpeg"}
    )
    assert answer.status_code == 200


def test_the_token_is_documented(client: httpx.Client) -> None:
    document = client.get("/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"}).json()
    for path, method in (("/predict", "post"), ("/model", "get"), ("/metrics", "get")):
        operation = document["paths"][path][method]
        assert operation["security"] == [{"HTTPBearer": []}]
        assert "401" in operation["responses"]


@pytest.mark.parametrize(("page", "allowed"), [(PAGE, True), ("https://example.com", False)])
def test_only_the_web_pages_in_the_setting_are_allowed(
    client: httpx.Client, page: str, allowed: bool
) -> None:
    headers = {
        "Origin": page,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "Authorization",
    }
    answer = client.options("/predict", headers=headers)
    assert (answer.headers.get("access-control-allow-origin") == page) is allowed


def test_by_default_no_web_page_is_allowed(registry: Registry) -> None:
    with serving(settings(registry.root)) as client:
        answer = client.get("/healthz", headers={"Origin": PAGE})
        assert not [name for name in answer.headers if name.startswith("access-control")]
        refused(predict(client, samples.jpeg()), 503)  # there is no model, and no token is needed
