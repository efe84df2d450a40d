import importlib.util
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import simplejpeg
from support.data import models, samples
from support.services.serving import predict, refused, serving, settings
from support.waiting import await_true

from contract.frames import preprocess, spec
from contract.models.registry import ModelManifest, Registry
from contract.policy.litert import LiteRT
from inference.api.schemas import Prediction, Predictions


@pytest.fixture(scope="module")
def served(
    networks: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[httpx.Client, ModelManifest]]:
    """Return a client of a service with one model, and its manifest; tests do not change it."""
    registry = Registry(tmp_path_factory.mktemp("models"))
    manifest = models.publish(registry, networks / "right", "job")
    with serving(settings(registry.root, max_body_bytes=100_000)) as client:
        await_true(lambda: client.get("/readyz").status_code == 200)
        yield client, manifest


@pytest.fixture(scope="module")
def client(served: tuple[httpx.Client, ModelManifest]) -> httpx.Client:
    return served[0]


def connect(client: httpx.Client) -> socket.socket:
    return socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=60)


def test_a_frame_is_answered_with_the_prediction_of_the_network(
    served: tuple[httpx.Client, ModelManifest], networks: Path
) -> None:
    client, manifest = served
    jpeg = samples.jpeg(0.3)
    expected = LiteRT(networks / "right").predict(preprocess.prepare(jpeg)[None]).item()
    answer = predict(client, jpeg)
    assert answer.status_code == 200
    assert answer.json() == {
        "steering": pytest.approx(expected, abs=1e-6),
        "steering_angle_deg": pytest.approx(25 * expected, abs=1e-5),
        "model_version": 1,
        "model_sha256": manifest.sha256,
    }


def test_a_version_that_has_learned_the_speed_tells_it(registry: Registry, networks: Path) -> None:
    jpeg = samples.jpeg(0.3)
    models.publish(registry, networks / "fast", "job", **models.LEARNED_SPEED)
    expected = LiteRT(networks / "fast").predict(preprocess.prepare(jpeg)[None])[0]
    with serving(settings(registry.root)) as client:
        await_true(lambda: client.get("/readyz").status_code == 200)
        alone = predict(client, jpeg).json()
        form = client.post("/predict", files=[("files", ("1.jpg", jpeg, "image/jpeg"))] * 2)
        described = client.get("/openapi.json").json()["components"]["schemas"]["Prediction"]
    assert alone["steering"] == pytest.approx(expected[0], abs=1e-6)
    assert alone["speed_mph"] == pytest.approx(30 * expected[1], abs=1e-4)
    assert form.json() == {"predictions": [alone, alone]}
    assert set(alone) == set(described["properties"])
    assert "speed_mph" not in described["required"]


def test_a_form_is_answered_like_a_raw_frame(client: httpx.Client) -> None:
    jpeg = samples.jpeg(0.3)
    form = client.post("/predict", files={"file": ("frame.jpg", jpeg, "image/jpeg")})
    assert form.json() == predict(client, jpeg).json()


def test_several_files_are_answered_in_their_order(client: httpx.Client) -> None:
    jpegs = [samples.jpeg(steering) for steering in (-0.8, 0.0, 0.8)]
    form = client.post("/predict", files=[("files", ("f.jpg", jpeg)) for jpeg in jpegs])
    expected = [predict(client, jpeg).json() for jpeg in jpegs]
    assert form.json() == {"predictions": expected}


def test_the_error_names_the_bad_file_among_several(client: httpx.Client) -> None:
    form = client.post("/predict", files=[("files", samples.jpeg()), ("files", b"GIF89a")])
    assert "picture 2" in refused(form, 415)["got"]


def test_answers_have_the_documented_schema(client: httpx.Client) -> None:
    one = predict(client, samples.jpeg())
    several = client.post("/predict", files=[("files", samples.jpeg())])
    read = Prediction.model_validate_json(one.content, strict=True)
    assert read.model_dump(exclude_unset=True) == one.json()
    assert "speed_mph" not in one.json()  # a version that has learned none does not tell any
    assert len(Predictions.model_validate_json(several.content, strict=True).predictions) == 1


def test_a_grayscale_jpeg_is_answered(client: httpx.Client) -> None:
    gray = samples.picture(0.2, 1).mean(axis=2, keepdims=True).astype(np.uint8)
    assert predict(client, simplejpeg.encode_jpeg(gray, colorspace="GRAY")).status_code == 200


def test_a_cmyk_jpeg_is_answered(client: httpx.Client) -> None:
    inks = np.concatenate([samples.picture(0.2, 1), np.full((160, 320, 1), 255, np.uint8)], axis=2)
    assert predict(client, simplejpeg.encode_jpeg(inks, colorspace="CMYK")).status_code == 200


def test_a_real_frame_is_answered(client: httpx.Client) -> None:
    path = next(samples.shared("data", "lake", "IMG").glob("center_*.jpg"))
    assert -1 <= predict(client, path.read_bytes()).json()["steering"] <= 1


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream", "image/png"])
def test_another_content_type_is_415(client: httpx.Client, kind: str) -> None:
    assert kind in refused(predict(client, samples.jpeg(), kind), 415)["got"]


def test_no_content_type_is_415(client: httpx.Client) -> None:
    refused(client.post("/predict", content=samples.jpeg()), 415)


def test_a_body_that_is_no_jpeg_is_415(client: httpx.Client) -> None:
    assert "not a JPEG" in refused(predict(client, b"\x89PNG\r\n\x1a\n"), 415)["error"]


@pytest.mark.parametrize("size", [4, 100, 5000])
def test_a_truncated_jpeg_is_422(client: httpx.Client, size: int) -> None:
    refused(predict(client, samples.jpeg()[:size]), 422)


def test_an_empty_body_is_422(client: httpx.Client) -> None:
    refused(predict(client, b""), 422)


def test_a_form_without_a_file_is_422(client: httpx.Client) -> None:
    kind = "multipart/form-data; boundary=x"
    refused(predict(client, b"--x--\r\n", kind), 422)


def test_a_body_over_the_limit_is_413_and_the_connection_ends(client: httpx.Client) -> None:
    answer = predict(client, bytes(100_001))
    assert "100,000" in refused(answer, 413)["remedy"]
    assert answer.headers["Connection"] == "close"


def test_an_endless_body_is_cut_off_soon_after_the_limit(client: httpx.Client) -> None:
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    with connect(client) as connection:
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        sent = 0
        try:
            while sent < 100_000_000:
                connection.sendall(chunk)
                sent += len(chunk)
        except (ConnectionResetError, BrokenPipeError):
            pass
    # The buffers of the sockets hold more than the service has read.
    assert sent < 20_000_000


def test_a_client_that_waits_for_100_continue_is_refused_before_it_sends_too_much(
    client: httpx.Client,
) -> None:
    with connect(client) as connection:
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
            b"Content-Length: 5000000\r\nExpect: 100-continue\r\n\r\n"
        )
        assert connection.recv(1000).startswith(b"HTTP/1.1 413")


def test_a_client_that_disconnects_within_a_body_is_counted_and_not_logged(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with connect(client) as connection:
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
            b"Content-Length: 5000\r\n\r\nhalf"
        )
    line = 'lapwing_predictions_total{status="499"}'
    await_true(lambda: line in client.get("/metrics").text)
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]


def test_clients_that_stall_do_not_delay_others(client: httpx.Client, slack: float) -> None:
    stalled = [connect(client) for _ in range(50)]
    try:
        for connection in stalled:
            connection.sendall(
                b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
                b"Content-Length: 5000\r\n\r\nhalf"
            )
        began = time.monotonic()
        assert predict(client, samples.jpeg()).status_code == 200
        assert time.monotonic() - began < slack * 0.5
    finally:
        for connection in stalled:
            connection.close()


def test_an_unknown_path_is_refused_in_the_same_form(client: httpx.Client) -> None:
    assert refused(client.get("/steer"), 404)["got"] == "GET /steer"


def test_a_wrong_method_is_refused_and_the_right_one_is_named(client: httpx.Client) -> None:
    answer = client.get("/predict")
    refused(answer, 405)
    assert answer.headers["Allow"] == "POST"


def test_the_service_is_alive_and_ready(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz").json()
    assert (ready["ready"], ready["model_version"], ready["refused"]) == (True, 1, {})


def test_the_model_is_described(served: tuple[httpx.Client, ModelManifest]) -> None:
    client, manifest = served
    document = client.get("/model").json()
    assert (document["version"], document["sha256"]) == (1, manifest.sha256)
    installed = importlib.util.find_spec("openvino") is not None
    assert document["backend"] == ("openvino" if installed else "litert")
    assert document["refused"] == {}
    assert document["frame_spec"] == spec.SPEC
    assert document["metrics"] == manifest.metrics
    assert document["data"] == manifest.data


def test_requests_are_counted_by_status(client: httpx.Client) -> None:
    def count(status: int) -> float:
        lines = client.get("/metrics").text.splitlines()
        values = [
            line
            for line in lines
            if line.startswith(f'lapwing_predictions_total{{status="{status}"')
        ]
        return float(values[0].split()[1]) if values else 0.0

    good, bad = count(200), count(415)
    predict(client, samples.jpeg())
    predict(client, b"GIF89a")
    assert (count(200), count(415)) == (good + 1, bad + 1)


def test_every_page_and_status_is_documented(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    operation = document["paths"]["/predict"]["post"]
    every_page = {"200", "403", "421", "431"}
    assert set(operation["responses"]) == every_page | {"408", "413", "415", "422", "503"}
    assert every_page <= set(document["paths"]["/model"]["get"]["responses"])
    assert set(operation["requestBody"]["content"]) == {"image/jpeg", "multipart/form-data"}
    assert set(document["paths"]) == {"/predict", "/healthz", "/readyz", "/model", "/metrics"}
    assert client.get("/docs").status_code == 200
