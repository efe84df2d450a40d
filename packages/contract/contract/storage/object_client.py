"""Makes clients of the object store with the library obstore, and explains its errors.

obstore repeats requests that failed or took too long, with growing pauses. It is imported only
when a client is made, and only where LAPWING_STORAGE is set.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from contract.errors import SettingError, StorageError
from contract.files import disk_space
from contract.storage.storage_settings import StorageSettings

__all__ = ["FIRST_PAUSE_S", "LONGEST_PAUSE_S", "explained", "make_client"]

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 5.0
"""Pauses in seconds before a request is repeated; each is twice the one before."""
REQUEST_SHARE: Final = 1 / 3
"""Share of the time that a single request may take, so that it can be repeated."""
MAX_REPEATS: Final = 10_000
"""More than there can be: the time alone bounds how often a request is repeated."""
KEYS: Final = frozenset(
    f"aws_{name}"
    for name in (
        "access_key_id",
        "secret_access_key",
        "session_token",
        "token",
        "region",
        "default_region",
        "endpoint_url",
        "endpoint_url_s3",
        "virtual_hosted_style_request",
        "skip_signature",
        "imdsv1_fallback",
        "metadata_endpoint",
        "container_credentials_relative_uri",
        "container_credentials_full_uri",
        "container_authorization_token_file",
        "web_identity_token_file",
        "role_arn",
        "role_session_name",
        "endpoint_url_sts",
        "request_payer",
        "unsigned_payload",
        "checksum_algorithm",
    )
)
"""Variables of the environment that obstore knows; it refuses others."""


def make_client(settings: StorageSettings, environ: Mapping[str, str], *, repeats: bool) -> Any:  # noqa: ANN401 - obstore is not installed everywhere
    """Return a client of obstore, which is not installed everywhere.

    Args:
        settings: the settings of the object store.
        environ: the environment, with the AWS_* variables of a bucket.
        repeats: whether it repeats requests that failed or took too long.

    Raises:
        SettingError: the library is missing, or the endpoint needs a permission.
        StorageError: the folder of a shared file system is not there.
    """
    try:
        from obstore.store import LocalStore, S3Store
    except ImportError as error:
        raise SettingError(
            "LAPWING_STORAGE is set, but the library for it is not installed here",
            got=error,
            remedy="Use the image `cluster`, or install requirements/cluster.lock; "
            "docs/storage.md says which programs need it",
        ) from error
    folder = settings.folder
    if folder is not None:
        _await_folder(folder, settings.timeout_s)
        return LocalStore(folder)
    allow_http = environ.get("AWS_ALLOW_HTTP", "").lower() in ("1", "true")
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL")
    if (endpoint or "").startswith("http:") and not allow_http:
        raise SettingError(
            "the endpoint of LAPWING_STORAGE would be reached without TLS",
            got=endpoint,
            remedy="Set AWS_ALLOW_HTTP=true if the network in between is your own",
        )
    parts, limit_s = urlsplit(settings.url), settings.timeout_s
    config: Any = {
        key.lower(): value
        for key, value in environ.items()
        if key.startswith("AWS_") and key.lower() in KEYS and value
    }
    if endpoint:
        config["aws_endpoint_url"] = endpoint
    request_s = max(limit_s * REQUEST_SHARE, 0.5)
    return S3Store(
        parts.netloc,
        prefix=parts.path.strip("/") or None,
        config=config,
        client_options={
            "allow_http": allow_http,
            "connect_timeout": timedelta(seconds=min(request_s, 5.0)),
            "timeout": timedelta(seconds=request_s),
        },
        retry_config={
            "max_retries": MAX_REPEATS if repeats else 0,
            "retry_timeout": timedelta(seconds=limit_s),
            "backoff": {
                "init_backoff": timedelta(seconds=FIRST_PAUSE_S),
                "max_backoff": timedelta(seconds=LONGEST_PAUSE_S),
                "base": 2,
            },
        },
    )


def _await_folder(folder: Path, limit_s: float) -> None:
    """Wait for a shared file system that is not mounted; nothing must be written in its place."""
    started_s, pause_s = time.monotonic(), FIRST_PAUSE_S
    while not folder.is_dir():
        if time.monotonic() + pause_s - started_s > limit_s:
            raise StorageError(
                f"the folder of LAPWING_STORAGE was not there for {limit_s} s",
                got=str(folder),
                remedy="Mount the shared file system, or make the folder",
            )
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


@contextmanager
def explained(settings: StorageSettings, what: str) -> Iterator[None]:
    """Turn an error of the library into one that says what to do.

    Args:
        settings: the settings of the object store.
        what: what is asked of it, as in "it did not read x".

    Raises:
        StorageError: the object store does not answer, or its disk is full.
        SettingError: there is no such bucket, or it refuses the request.
    """
    from obstore.exceptions import (
        BaseError,
        PermissionDeniedError,
        UnauthenticatedError,
    )

    try:
        yield
    except FileNotFoundError as error:
        raise _no_bucket(settings, error) from error
    except BaseError as error:
        reason = str(error).partition("\n")[0][:300]
        denied = isinstance(error, PermissionDeniedError | UnauthenticatedError)
        if denied or "403 Forbidden" in reason:
            raise SettingError(
                f"LAPWING_STORAGE refuses to {what}",
                got=reason,
                remedy="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must belong to somebody "
                "who may read and write there",
            ) from error
        if "404 Not Found" in reason:
            raise _no_bucket(settings, error) from error
        if disk_space.is_full(error):
            raise StorageError(
                f"the disk of LAPWING_STORAGE is full: it could not {what}",
                got=settings.url,
                remedy="Make space there",
            ) from error
        raise StorageError(
            f"LAPWING_STORAGE did not {what} within {settings.timeout_s} s",
            got=f"{settings.url} ({reason})",
            remedy="See that the object store runs and can be reached from here; what was "
            "published before is not harmed, and the job goes on when it is run again",
        ) from error


def _no_bucket(settings: StorageSettings, error: Exception) -> SettingError:
    return SettingError(
        "there is no such bucket in LAPWING_STORAGE",
        got=f"{settings.url} ({str(error).partition(chr(10))[0][:300]})",
        remedy="Make the bucket, or correct the address",
    )
