import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from support.data import models, samples
from support.services.loading import frames, loading, result, served
from support.services.serving import PATIENT_MS, environment, running
from support.waiting import await_true

from contract.models.registry import Registry

FIRST_ANSWER_S = 2.0
ANSWERED = r'^lapwing_predictions_total{status="200"} (\S+)$'


def run(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "inference", *arguments],
        env=environment(changes),
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_first_frame_is_answered_within_two_seconds_of_the_start(
    registry: Registry, networks: Path, slack: float
) -> None:
    models.publish(registry, networks / "left", "job")
    began = time.monotonic()
    with running(registry.root) as (_, port):
        answer = httpx.post(
            f"http://127.0.0.1:{port}/predict",
            content=samples.jpeg(),
            headers={"Content-Type": "image/jpeg"},
            timeout=60,
        )
        elapsed_s = time.monotonic() - began
    assert answer.status_code == 200
    assert elapsed_s < slack * FIRST_ANSWER_S


def test_a_request_in_progress_is_answered_before_the_end(
    registry: Registry, networks: Path
) -> None:
    models.publish(registry, networks / "left", "job")
    jpeg = samples.jpeg()
    head = (
        "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
        f"Content-Length: {len(jpeg)}\r\n\r\n"
    ).encode()
    with running(registry.root) as (process, port):
        httpx.get(f"http://127.0.0.1:{port}/healthz")  # the service has started
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.sendall(head + jpeg[:100])
            time.sleep(0.2)  # so that the service has begun to read
            process.send_signal(signal.SIGTERM)
            time.sleep(0.2)
            connection.sendall(jpeg[100:])
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        assert process.wait(60) == 0


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0(registry: Registry, sign: signal.Signals) -> None:
    with running(registry.root) as (process, port):
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
        process.send_signal(sign)
        assert process.wait(60) == 0


def test_a_client_that_stalls_does_not_delay_the_end(registry: Registry) -> None:
    with (
        running(registry.root) as (process, port),
        socket.create_connection(("127.0.0.1", port), timeout=60) as connection,
    ):
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
            b"Content-Length: 5000\r\n\r\nhalf"
        )
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_a_port_in_use_is_reported_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(LAPWING_INFERENCE_PORT=str(port), LAPWING_MODEL_DIR=str(tmp_path))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert f"port {port}" in done.stderr
    assert "LAPWING_INFERENCE_PORT" in done.stderr


def test_a_bad_setting_is_reported_in_one_line() -> None:
    done = run(LAPWING_INFERENCE_WORKERS="many")
    assert done.returncode == 1
    assert done.stderr == (
        "inference: LAPWING_INFERENCE_WORKERS has a value it cannot take: got 'many'. "
        "It takes a whole number from 0 to 64.\n"
    )


def test_help_names_the_settings() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "LAPWING_MODEL_DIR" in done.stdout


def test_what_the_start_loads_is_left_out_of_later_garbage_collections() -> None:
    """A full collection must not hold up the frames. A process of its own keeps ours as it is."""
    code = """if True:
        import asyncio, gc, uvicorn
        from inference.__main__ import DrainingServer

        async def app(scope, receive, send):
            pass

        async def start():
            config = uvicorn.Config(app, port=0, lifespan="off", log_config=None)
            config.load()
            server = DrainingServer(config)
            server.lifespan = config.lifespan_class(config)
            await server.startup()
            print(gc.get_freeze_count())

        asyncio.run(start())
    """
    printed = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert int(printed) > 10_000


def answered(url: str) -> float:
    """Return the number of frames that a service has answered."""
    text = httpx.get(f"{url}/metrics", timeout=60).text
    return sum(float(count) for count in re.findall(ANSWERED, text, re.MULTILINE))


def test_under_load_every_accepted_request_is_answered_before_the_end(
    registry: Registry, networks: Path, tmp_path: Path
) -> None:
    """A connection is closed after its answer, never instead of it (promise P21)."""
    models.publish(registry, networks / "left", "job")
    pictures = frames(tmp_path / "frames")
    with (
        served(registry, LAPWING_INFERENCE_QUEUE_MS=str(PATIENT_MS)) as (process, url),
        loading(url, pictures, "--clients", "8", "--seconds", "60") as load,
    ):
        await_true(lambda: answered(url) > 100)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        figures = result(load)
    assert set(figures["statuses"]) == {"200"}
    assert figures["statuses"]["200"] > 100
    assert (figures["broken"], figures["turned_away"]) == (0, 8)
