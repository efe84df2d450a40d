"""Runs OpenStack Swift with its S3 interface in one process, with Debian's own Python.

    /usr/bin/python3 swift_server.py FOLDER PORT

Swift is four servers: the proxy, which speaks S3, and one each for accounts, containers and
objects. Its own functional tests start all of them in one process as this does. There is one disk,
FOLDER/disk, and one copy of everything. The access key is `test:tester`, the secret key `testing`,
and the bucket is called `bucket`.
"""

# ruff: noqa: E402
from __future__ import annotations

import sys
from pathlib import Path

import eventlet

eventlet.monkey_patch()

from eventlet import wsgi
from swift.common import utils
from swift.common.internal_client import InternalClient
from swift.common.ring import RingBuilder
from swift.common.wsgi import loadapp

NAMES = ("account", "container", "object")
APPS = {
    name: f"""
[DEFAULT]
swift_dir = {{folder}}
devices = {{folder}}
mount_check = false
fallocate_reserve = 0
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
"""
    for name in NAMES
}
PROXY = """
[DEFAULT]
swift_dir = {folder}
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck listing_formats s3api tempauth slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:slo]
use = egg:swift#slo
min_segment_size = 1
"""


INTERNAL = """
[DEFAULT]
swift_dir = {folder}
[pipeline:main]
pipeline = catch_errors proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
"""


class Cache:
    """What Swift keeps in memcached, in this process instead."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}

    def get(self, key: str, *_: object, **__: object) -> object:
        return self.values.get(key)

    def set(self, key: str, value: object, *_: object, **__: object) -> None:
        self.values[key] = value

    def delete(self, key: str, *_: object, **__: object) -> None:
        self.values.pop(key, None)


def main(folder: Path, port: int) -> None:
    """Serve until the process is ended."""
    (folder / "disk").mkdir(parents=True, exist_ok=True)
    utils.HASH_PATH_SUFFIX, utils.HASH_PATH_PREFIX = b"lapwing", b""
    # Debian's swift.conf need not be set up: this process has its own suffix.
    utils.validate_hash_conf = lambda: None
    sockets = {name: eventlet.listen(("127.0.0.1", 0)) for name in NAMES}
    for name, socket in sockets.items():
        builder = RingBuilder(4, 1, 1)
        builder.add_dev(
            {
                "id": 0,
                "region": 1,
                "zone": 1,
                "ip": "127.0.0.1",
                "port": socket.getsockname()[1],
                "device": "disk",
                "weight": 1.0,
            }
        )
        builder.rebalance()
        builder.get_ring().save(str(folder / f"{name}.ring.gz"))
    for name, socket in sockets.items():
        eventlet.spawn(serve, folder, name, APPS[name], socket)
    path = folder / "internal.conf"
    path.write_text(INTERNAL.format(folder=folder))
    InternalClient(str(path), "lapwing-tests", 3).create_container("AUTH_test", "bucket")
    serve(folder, "proxy", PROXY, eventlet.listen(("127.0.0.1", port)))


def serve(folder: Path, name: str, configuration: str, socket: object) -> None:
    """Serve one of the four applications on a socket."""
    path = folder / f"{name}-server.conf"
    path.write_text(configuration.format(folder=folder))
    application, cache = loadapp(str(path)), Cache()
    with (folder / f"{name}.log").open("w", buffering=1) as log:
        wsgi.server(
            socket,
            lambda environ, start: application({**environ, "swift.cache": cache}, start),
            log,
            max_size=64,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
