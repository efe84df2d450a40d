"""Tests that a hostile page in the user's browser gets nothing from inference."""

from collections.abc import Iterator

import httpx
import pytest
from support.services.serving import serving, settings

PAGE = {"Origin": "http://evil.example"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    chosen = settings(
        tmp_path_factory.mktemp("models"),
        api_token="a-token",
        allowed_hosts="car.example.org",
        cors_origins="https://good.example",
    )
    with serving(chosen) as client:
        yield client


def test_a_form_that_needs_no_preflight_is_refused_from_a_foreign_page(
    guarded: httpx.Client,
) -> None:
    files = [("files", ("a.jpg", b"\xff\xd8", "image/jpeg"))] * 3
    told = guarded.post("/predict", files=files, headers=PAGE)
    assert told.status_code == 403
    assert told.json()["got"] == "'http://evil.example'"
    assert "LAPWING_CORS_ORIGINS" in told.json()["remedy"]


@pytest.mark.parametrize("path", ["/predict", "/healthz", "/model", "/docs"])
def test_a_name_that_was_rebound_to_this_machine_is_refused(
    guarded: httpx.Client, path: str
) -> None:
    headers = {"Host": "evil.example", "Origin": "http://evil.example"}
    told = guarded.get(path, headers=headers)
    assert told.status_code == 421
    assert "LAPWING_ALLOWED_HOSTS" in told.json()["remedy"]


@pytest.mark.parametrize("host", ["car.example.org", "127.0.0.1:8000", "localhost", "[::1]:8000"])
def test_names_of_ours_are_answered_whatever_was_asked_before(
    guarded: httpx.Client, host: str
) -> None:
    assert guarded.get("/healthz", headers={"Host": host}).status_code == 200
    assert guarded.get("/healthz", headers={"Host": "evil.example"}).status_code == 421
    assert guarded.get("/healthz", headers={"Host": host}).status_code == 200


def test_the_page_is_judged_before_the_token(guarded: httpx.Client) -> None:
    token = {"Authorization": "Bearer a-token"}
    assert guarded.get("/model", headers=PAGE | token).status_code == 403
    assert guarded.get("/model", headers=token).status_code == 200
    assert guarded.get("/model").status_code == 401


def test_a_listed_page_and_the_services_own_page_may_ask(guarded: httpx.Client) -> None:
    own = str(guarded.base_url).rstrip("/")
    for origin in ("https://good.example", own):
        assert guarded.get("/healthz", headers={"Origin": origin}).status_code == 200
    preflight = guarded.options(
        "/predict",
        headers={"Origin": "https://good.example", "Access-Control-Request-Method": "POST"},
    )
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "https://good.example"
