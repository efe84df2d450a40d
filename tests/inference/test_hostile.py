"""Tests that clients which waste resources do not take them from others (promise P19)."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from support.data import models, samples
from support.services.loading import frames, load, served

from contract.models.registry import Registry

HEAD = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"


def huge() -> bytes:
    """Return a JPEG whose header says that it has 65,500 x 65,500 pixels."""
    jpeg = bytearray(samples.jpeg())
    frame_header = jpeg.index(b"\xff\xc0")  # marker, length, bits a sample; height and width
    jpeg[frame_header + 5 : frame_header + 9] = b"\xff\xdc\xff\xdc"
    return bytes(jpeg)


def address(url: str) -> tuple[str, int]:
    parts = httpx.URL(url)
    return parts.host, parts.port or 0


@contextmanager
def idle(url: str, count: int, sent: bytes) -> Iterator[None]:
    """Keep connections open that sent some bytes and then nothing more."""
    with ExitStack() as stack:
        for _ in range(count):
            connection = stack.enter_context(socket.create_connection(address(url), timeout=60))
            connection.sendall(sent)
        yield


@contextmanager
def uploading(url: str, on_end: Callable[[bytes, int], None]) -> Iterator[None]:
    """Upload endless bodies in turn; call `on_end` with the answer and the bytes sent of each."""
    stop = threading.Event()

    def upload() -> None:
        chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
        while not stop.is_set():
            with socket.create_connection(address(url), timeout=60) as connection:
                connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
                sent = 0
                try:
                    while sent < 1 << 30:
                        connection.sendall(chunk)
                        sent += len(chunk)
                except OSError:
                    pass
                try:
                    answer = connection.recv(100)
                except OSError:  # the connection was reset before the answer arrived
                    answer = b""
                on_end(answer, sent)

    thread = threading.Thread(target=upload)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_huge_image_is_refused_from_its_header(registry: Registry, networks: Path) -> None:
    models.publish(registry, networks / "left", "job")
    with served(registry) as (_, url):
        answer = httpx.post(
            f"{url}/predict",
            content=huge(),
            headers={"Content-Type": "image/jpeg"},
        )
    assert answer.status_code == 422
    assert "65500 x 65500 pixels" in answer.json()["got"]


@pytest.mark.soak
def test_good_clients_are_answered_with_two_hundred_bad_ones_of_each_kind(
    registry: Registry, networks: Path, tmp_path: Path, print_figures: Callable[[str], None]
) -> None:
    models.publish(registry, networks / "real", "job")
    pictures = frames(tmp_path / "frames")
    options = ("--rate", "30", "--clients", "8", "--seconds", "20")
    uploads: list[tuple[bytes, int]] = []
    with served(registry) as (_, url):
        alone = load(url, pictures, *options)
        with idle(url, 200, b""):
            with_idle = load(url, pictures, *options)
        with (
            idle(url, 200, b"POST /predict HT"),
            idle(url, 200, HEAD + b"Content-Length: 5000\r\n\r\nhalf"),
        ):
            with_half = load(url, pictures, *options)
        with uploading(url, lambda answer, sent: uploads.append((answer, sent))):
            with_uploads = load(url, pictures, *options)
    print_figures(f"alone {alone}\nidle {with_idle}\nhalf {with_half}\nuploads {with_uploads}")
    print_figures(f"{len(uploads)} uploads, {max(sent for _, sent in uploads):,} bytes at most")
    for figures in (with_idle, with_half, with_uploads):
        assert set(figures["statuses"]) == {"200"}
        assert figures["broken"] == 0
        assert figures["p99_ms"] <= 2 * alone["p99_ms"] + 5
    # The buffers of the sockets hold more than the 1 MB that the service reads.
    assert max(sent for _, sent in uploads) < 20_000_000
    assert {answer[:12] for answer, _ in uploads} <= {b"HTTP/1.1 413", b""}
