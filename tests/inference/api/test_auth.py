"""Who may ask: with a token set, and from which web pages."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.data import models, samples
from support.services.serving import await_true, predict, refused, serving, settings

from contract.models.registry import Registry

TOKEN = "a token"
PAGE = "https://example.org"


@pytest.fixture(scope="module")
def client(networks: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service that wants a token, and lets one web page ask."""
    registry = Registry(tmp_path_factory.mktemp("models"))
    models.publish(registry, networks / "right", "job")
    with serving(settings(registry.root, api_token=TOKEN, cors_origins=f"{PAGE},")) as client:
        await_true(lambda: client.get("/readyz").status_code == 200)
        yield client


@pytest.mark.parametrize("path", ["/predict", "/model", "/metrics", "/docs", "/openapi.json", "/x"])
def test_without_the_token_nothing_is_told(client: httpx.Client, path: str) -> None:
    answer = client.request("POST" if path == "/predict" else "GET", path)
    assert "LAPWING_API_TOKEN" in refused(answer, 401)["remedy"]
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "shown", ["", TOKEN, "Basic a token", "Bearer", "Bearer a toke", "Bearer a token2", "Bearer ü"]
)
def test_another_token_is_refused(client: httpx.Client, shown: str) -> None:
    answer = client.get("/model", headers={"Authorization": shown.encode()})
    refused(answer, 401)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_told_to_anybody(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_with_the_token_all_is_as_without_one(client: httpx.Client, scheme: str) -> None:
    shown = {"Authorization": f"{scheme} {TOKEN}"}
    assert client.get("/model", headers=shown).status_code == 200
    answer = client.post(
        "/predict", content=samples.jpeg(), headers={**shown, "Content-Type": "image/jpeg"}
    )
    assert answer.status_code == 200


def test_the_token_is_documented(client: httpx.Client) -> None:
    document = client.get("/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"}).json()
    for path, method in (("/predict", "post"), ("/model", "get"), ("/metrics", "get")):
        operation = document["paths"][path][method]
        assert operation["security"] == [{"HTTPBearer": []}]
        assert "401" in operation["responses"]


@pytest.mark.parametrize(("page", "allowed"), [(PAGE, True), ("https://example.com", False)])
def test_only_the_pages_that_were_named_may_ask(
    client: httpx.Client, page: str, allowed: bool
) -> None:
    asked = {
        "Origin": page,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "Authorization",
    }
    answer = client.options("/predict", headers=asked)
    assert (answer.headers.get("access-control-allow-origin") == page) is allowed


def test_by_default_no_page_may_ask(registry: Registry) -> None:
    with serving(settings(registry.root)) as client:
        answer = client.get("/healthz", headers={"Origin": PAGE})
        assert not [name for name in answer.headers if name.startswith("access-control")]
        refused(predict(client, samples.jpeg()), 503)  # no model; and no token asked for
