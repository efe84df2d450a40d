"""Makes clients of Redis from the two settings that say where it is."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from redis import Redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from contract.errors import DiskFullError, JobError, LapwingError, SettingError
from contract.setting_forms import PASSWORD_FILE, REDIS_URL, format_value, read_password

__all__ = ["START", "describe", "explain_errors", "make_client", "takes_no_changes"]

START: Final = (
    "Start Lapwing first: `lapwing up` or `docker compose up -d`, or set LAPWING_REDIS_URL to the "
    "address of its Redis"
)
NO_DISK: Final = "MISCONF"
"""Word in Redis's refusal of every change, because it could not write to its disk."""


def make_client(url: str, password_file: str, **options: object) -> Redis:
    """Return a client of Redis, which connects with its first command.

    The file is read each time, as the password may have been changed meanwhile.

    Args:
        url: the value of LAPWING_REDIS_URL.
        password_file: the value of LAPWING_REDIS_PASSWORD_FILE; "" for no password.
        options: further options of the client.

    Raises:
        SettingError: the URL is none of Redis, or the file cannot be read.
    """
    try:
        password = read_password(password_file)
    except (OSError, ValueError) as error:
        raise SettingError(
            "LAPWING_REDIS_PASSWORD_FILE has a value it cannot take",
            got=f"{password_file!r} ({getattr(error, 'strerror', None) or error})",
            remedy=f"It takes {PASSWORD_FILE.values}",
        ) from None
    credentials: dict[str, Any] = {"password": password} if password else {}
    try:
        REDIS_URL.read(url)
        client = Redis.from_url(url, **{**options, **credentials})
        # An option in the URL that the library does not have is an error only where it connects.
        pool = client.connection_pool
        pool.connection_class(**pool.connection_kwargs)
    except (ValueError, TypeError):  # The library's message may repeat the password.
        raise SettingError(
            "LAPWING_REDIS_URL has a value it cannot take",
            got=format_value(url),
            remedy=f"It takes {REDIS_URL.values}",
        ) from None
    return client


@contextmanager
def explain_errors() -> Iterator[None]:
    """Turn an error of Redis into one that says what to do.

    Raises:
        DiskFullError: Redis refuses changes, because it cannot write to its disk.
        JobError: Redis does not answer, or refuses the command.
    """
    try:
        yield
    except RedisError as error:
        raise describe(error) from error


def takes_no_changes(error: RedisError) -> bool:
    """Tell whether Redis refuses changes because of its disk; it still tells what it holds."""
    return NO_DISK in str(error)  # a pipeline puts the command before it


def describe(error: RedisError, where: str = "", remedy: str = START) -> LapwingError:
    """Return an error that says what is wrong with Redis, and what to do.

    Args:
        error: the error of a command.
        where: " at " and the address of Redis, where it is known.
        remedy: what to do about a Redis that does not answer.
    """
    if isinstance(error, AuthenticationError):
        return JobError(
            f"Redis refuses the password{where}",
            got=error,
            remedy="LAPWING_REDIS_PASSWORD_FILE names the file that holds the password",
        )
    if takes_no_changes(error):
        full = os.strerror(errno.ENOSPC) in str(error)
        problem = "the disk is full" if full else "the disk is full or may not be written"
        return DiskFullError(
            f"{problem}: Redis{where} cannot write to it, and takes no jobs",
            got=error,
            remedy="Make space for its folder, `redis` in the home of `lapwing up`, or the volume "
            "`queue` of the containers. `lapwing prune` and `lapwing datasets remove` work "
            "meanwhile, and Redis goes on by itself then",
        )
    if isinstance(error, ResponseError):
        return JobError(
            f"Redis refuses a command{where}",
            got=error,
            remedy="Its log and its configuration say why",
        )
    return JobError(f"Redis does not answer{where}", got=error, remedy=remedy)
