"""Gives tests an object store: a folder, or a bucket of a real server that speaks S3.

The server is OpenStack Swift, from the packages swift-proxy, swift-account, swift-container and
swift-object of Debian. It has no conditional put, so that the lock in Redis is used; a folder has
one. Tests with a bucket are skipped where Swift is not installed.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import obstore
from obstore.store import LocalStore, S3Store

from support.services.running import free_port
from support.waiting import await_true

PYTHON = "/usr/bin/python3"
"""Debian's own Python, for which Swift is installed."""
SERVER = Path(__file__).with_name("swift_server.py")
MISSING = (
    "OpenStack Swift is not installed: apt install swift-proxy swift-account swift-container "
    "swift-object"
)


def is_installed() -> bool:
    """Return whether Swift can be run here."""
    if not Path(PYTHON).exists():
        return False
    check = "import swift.proxy, swift.account, swift.container, swift.obj, swift.common.middleware"
    return subprocess.run([PYTHON, "-c", check], capture_output=True).returncode == 0


@dataclass
class SwiftServer:
    """A server that a test may kill and start again; what it holds stays."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        with (self.folder / "output").open("ab") as output:
            self.process = subprocess.Popen(
                [PYTHON, str(SERVER), str(self.folder), str(self.port)],
                stdout=output,
                stderr=output,
                env={"PATH": os.environ["PATH"]},
            )
        await_true(self._answers, timeout_s=240)

    def kill(self) -> None:
        """End the server at once, in the middle of whatever it does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "output").read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthcheck", timeout=1):
                return True
        except OSError:
            return False


@contextmanager
def running_swift() -> Iterator[SwiftServer]:
    """Run a server until the block ends."""
    with tempfile.TemporaryDirectory(prefix="swift-") as folder:
        server = SwiftServer(Path(folder), free_port())
        server.start()
        try:
            yield server
        finally:
            server.kill()


@dataclass
class TestStore:
    """An object store that is empty at first."""

    __test__ = False

    environ: dict[str, str]
    """The settings of a node that uses it."""
    client: S3Store | LocalStore
    """Another way to its objects than ours: the library itself."""

    def object_keys(self) -> list[str]:
        """Return the keys of all objects."""
        return sorted(entry["path"] for page in obstore.list(self.client) for entry in page)

    def read(self, key: str) -> bytes:
        """Return the content of an object."""
        return memoryview(obstore.get(self.client, key).bytes()).tobytes()

    def flip_a_bit(self, key: str) -> None:
        """Damage an object in its middle."""
        content = bytearray(self.read(key))
        content[len(content) // 2] ^= 0x10
        obstore.put(self.client, key, bytes(content))


def in_folder(folder: Path) -> TestStore:
    """Return an object store in a folder, which is made if it is not there."""
    folder.mkdir(exist_ok=True)
    environ = {"LAPWING_STORAGE": f"file://{folder}", "LAPWING_STORAGE_TIMEOUT_S": "5"}
    return TestStore(environ, LocalStore(folder))


def in_bucket(port: int, redis_url: str) -> TestStore:
    """Return an object store with a prefix of its own in the bucket of a server."""
    prefix = uuid.uuid4().hex
    environ = {
        "LAPWING_STORAGE": f"s3://bucket/{prefix}",
        "LAPWING_STORAGE_TIMEOUT_S": "60",
        "LAPWING_REDIS_URL": redis_url,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test:tester",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }
    client = S3Store(
        "bucket",
        prefix=prefix,
        config={
            "access_key_id": "test:tester",
            "secret_access_key": "testing",
            "endpoint_url": environ["AWS_ENDPOINT_URL"],
            "region": "us-east-1",
        },
        client_options={"allow_http": True},
    )
    return TestStore(environ, client)
