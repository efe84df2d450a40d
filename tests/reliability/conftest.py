from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis
from support.reliability.containers import Containers, containers
from support.reliability.failpoints import compile_library

from contract.jobs import queue

WORKERS = 2


@pytest.fixture(scope="session")
def importing() -> Iterator[Containers]:
    """Run Redis and the workers of imports."""
    with containers("matrix", "127.0.0.16", "redis", "ingest") as house:
        compile_library(house.folder / "failpoints")
        house.up("redis")
        house.up("ingest", scale=WORKERS)
        yield house


@pytest.fixture
def jobs(importing: Containers) -> Iterator[Redis]:
    """Yield a client of the Redis of the imports, with no job and both workers."""
    with importing.redis() as redis:
        importing.await_workers(queue.INGEST, WORKERS, redis)
        yield redis
