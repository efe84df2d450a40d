"""Makes clients of Redis from the two settings that say where it is."""

from __future__ import annotations

from typing import Any

from redis import Redis

from contract.errors import SettingError
from contract.setting_forms import PASSWORD_FILE, REDIS_URL, format_value, read_password

__all__ = ["make_client"]


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
