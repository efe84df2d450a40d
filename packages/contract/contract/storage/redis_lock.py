"""A lock in Redis, for object stores that have no conditional put.

The holder must be done within the lease: then the lock is free, so that a process that was killed
holds nobody up for ever. The keys begin as RQ's, because the users of Redis may use no others
(packages/cli/lapwing/stack/redis_roles.acl).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from contract.errors import StorageError
from contract.storage.storage_settings import StorageSettings

__all__ = ["redis_lock"]

LEASES: Final = 4
"""The lease, and the longest time to wait for the lock, in times of what a request may take."""


@contextmanager
def redis_lock(settings: StorageSettings, name: str, request_s: float) -> Iterator[None]:
    """Hold the lock of a name below an address; a `with` block may make two requests.

    Raises:
        StorageError: Redis does not answer, somebody else holds the lock for too long, or this
            process stood still and has lost it.
    """
    from redis.exceptions import LockError, RedisError

    from contract.redis_client import make_client

    digest = hashlib.sha256(f"{settings.url} {name}".encode()).hexdigest()[:32]
    try:
        with make_client(
            settings.redis_url, settings.redis_password_file, socket_timeout=request_s
        ) as client:
            lease_s = LEASES * request_s
            held = client.lock(
                f"rq:lapwing:storage:{digest}", timeout=lease_s, blocking_timeout=lease_s
            )
            with held:
                yield
    except LockError as error:
        raise StorageError(
            f"{name} in LAPWING_STORAGE is being written by somebody else",
            got=error,
            remedy="Run the command again",
        ) from error
    except RedisError as error:
        raise StorageError(
            "this object store has no conditional put, so that LAPWING_STORAGE needs a lock in "
            "Redis, which does not answer",
            got=error,
            remedy="Set LAPWING_REDIS_URL to the address of the Redis that all machines share",
        ) from error
